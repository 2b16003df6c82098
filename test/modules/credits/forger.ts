import { type SQL, sql } from "drizzle-orm";
import { creditAccounts, creditLots, ledgerEntries } from "../../../src/db/schema/credits.ts";
import type { Store } from "../../../src/db/store.ts";
import { hold, release, settle } from "../../../src/modules/credits/holds.ts";
import { expireLot, grant } from "../../../src/modules/credits/ledger.ts";
import { EMPTY_HEAD, nextHead } from "../../../src/modules/credits/mac.ts";
import { insertOwnerlessBrand } from "../chargebee/credit-fixture.ts";

type Entry = typeof ledgerEntries.$inferSelect;

/** All ledger rows of a brand. */
export interface LedgerRows {
  account: typeof creditAccounts.$inferSelect;
  entries: Entry[];
  lots: (typeof creditLots.$inferSelect)[];
}

/** Attacker on a brand's ledger who can run any SQL and knows the source, but not the key. */
export class LedgerForger {
  private constructor(
    readonly store: Store,
    readonly brandId: string,
  ) {}

  /** Creates a ledger of eight entries: two lots, a settled hold, a released one, and two open ones. */
  static async begin(store: Store): Promise<LedgerForger> {
    const forger = new LedgerForger(store, await insertOwnerlessBrand(store));
    await forger.give(10_000);
    await forger.give(20_000, forger.subscription);
    await forger.send();
    const kept = await forger.hold();
    await store.write((tx) => release(tx, [kept], "REPLIED"));
    await forger.hold();
    await forger.hold();
    return forger;
  }

  get subscription(): string {
    return `subscription of ${this.brandId}`;
  }

  async give(amount: number, source: string | null = null): Promise<void> {
    const { brandId } = this;
    await this.store.write((tx) => grant(tx, { brandId, amount, kind: "PURCHASED", source, reason: "pack" }));
  }

  async hold(): Promise<string> {
    const messageId = crypto.randomUUID();
    const { brandId } = this;
    const order = { messageId, brandId, campaignId: brandId, creditType: "EMAIL", amount: 1500, weight: 1500 } as const;
    await this.store.write((tx) => hold(tx, [order]));
    return messageId;
  }

  async send(): Promise<void> {
    const messageId = await this.hold();
    await this.store.write((tx) => settle(tx, [messageId]));
  }

  async endSubscription(): Promise<void> {
    await this.store.write((tx) => expireLot(tx, { source: this.subscription }, "PLAN_CHANGED"));
  }

  async run(...statements: SQL[]): Promise<void> {
    for (const statement of statements) await this.store.write((tx) => tx.all(statement));
  }

  async rows(): Promise<LedgerRows> {
    const of = (column: SQL) => sql`${column} = ${this.brandId}`;
    const { read } = this.store;
    const [account] = await read
      .select()
      .from(creditAccounts)
      .where(of(sql`${creditAccounts.brandId}`));
    if (!account) throw new Error("there is no account");
    return {
      account,
      entries: await read
        .select()
        .from(ledgerEntries)
        .where(of(sql`${ledgerEntries.brandId}`))
        .orderBy(ledgerEntries.seq),
      lots: await read
        .select()
        .from(creditLots)
        .where(of(sql`${creditLots.brandId}`))
        .orderBy(creditLots.id),
    };
  }

  /** Replaces the brand's rows. */
  async put({ account, entries, lots }: LedgerRows): Promise<void> {
    const { brandId } = this;
    await this.store.write(async (tx) => {
      for (const table of ["ledger_entries", "credit_accounts", "credit_lots"])
        await tx.all(sql`delete from ${sql.raw(table)} where brand_id = ${brandId}`);
      await tx.insert(creditAccounts).values(account);
      if (lots.length > 0) await tx.insert(creditLots).values(lots);
      if (entries.length > 0) await tx.insert(ledgerEntries).values(entries);
    });
  }

  /** Changes a copy of the rows and writes it back; recomputes the chain by default, which needs no key. */
  async forge(change: (rows: LedgerRows) => void, { rechain = true } = {}): Promise<void> {
    const rows = await this.rows();
    change(rows);
    if (rechain) rows.account.head = rows.entries.reduce((head, { seal }) => nextHead(head, seal), EMPTY_HEAD);
    await this.put(rows);
  }
}
