import { sql } from "drizzle-orm";
import { creditLots } from "../../db/schema/credits.ts";
import { valuesTable } from "../../db/sql.ts";
import type { Store, Tx } from "../../db/store.ts";
import { lockAccounts } from "./accounts.ts";
import { accountMac, EMPTY_HEAD, type EntryFields, entryMac, lotMac, nextHead } from "./mac.ts";

const PAGE_ROWS = 1000;

/**
 * Recomputes all MACs of the ledger with the current key, after the previous one was lost. Rows that were tampered with before
 * get a valid MAC as well, so verify the ledger with the old key or against a backup first. One transaction for each brand.
 */
export async function recomputeLedgerMacs(store: Store): Promise<void> {
  const brands = await store.read.all<{ id: string }>(
    sql`select brand_id as id from credit_accounts order by brand_id`,
  );
  for (const { id } of brands) await store.write((tx) => recomputeBrandMacs(tx, id));
}

async function recomputeBrandMacs(tx: Tx, brandId: string): Promise<void> {
  const account = (await lockAccounts(tx, [brandId])).get(brandId);
  if (!account) return;
  let head = EMPTY_HEAD;
  for (let after = 0; ; ) {
    const entries =
      await tx.all<EntryFields>(sql`select id, brand_id as "brandId", seq, kind, amount, lot_id as "lotId",
        credit_type as "creditType", campaign_id as "campaignId", message_id as "messageId", reason, actor_id as "actorId",
        created_at as "createdAt" from ledger_entries where brand_id = ${brandId} and seq > ${after} order by seq limit ${PAGE_ROWS}`);
    const last = entries.at(-1);
    if (!last) break;
    const signed = entries.map((entry) => ({ seq: entry.seq, seal: entryMac(tx.ledgerKey, entry) }));
    for (const { seal } of signed) head = nextHead(head, seal);
    await tx.all(sql`update ledger_entries set seal = n.seal from ${valuesTable("n", signed, { seq: "bigint", seal: "text" })}
      where ledger_entries.brand_id = ${brandId} and ledger_entries.seq = n.seq`);
    after = last.seq;
  }
  const seal = accountMac(tx.ledgerKey, { ...account, head });
  await tx.all(sql`update credit_accounts set head = ${head}, seal = ${seal} where brand_id = ${brandId}`);
  const lots = await tx.select().from(creditLots).where(sql`${creditLots.brandId} = ${brandId}`);
  for (const lot of lots)
    await tx.all(sql`update credit_lots set seal = ${lotMac(tx.ledgerKey, lot)} where id = ${lot.id}`);
}
