import { sql } from "drizzle-orm";
import { yieldToEventLoop } from "../db/slices.ts";
import type { Reader } from "../db/store.ts";
import { LOT_POCKETS, POCKETS, type Pocket } from "./books.ts";
import { type EntryFault, nameFaults, type Suspects } from "./entryFaults.ts";
import { Fold } from "./fold.ts";
import { type EntryFields, sealOf } from "./seal.ts";

/** One figure that does not follow from the entries. Thousandths of a credit. */
export interface Drift {
  brandId: string;
  what: string;
  expected: number;
  found: number;
}

export interface Verdict {
  ok: boolean;
  brands: number;
  entries: number;
  drifts: Drift[];
  /** The entries that were changed, put in or taken out by hand, as far as they are named. */
  faults: EntryFault[];
}

/** Entries read at once: the memory that a proof takes does not depend on how many there are. */
const PAGE = 2000;
/** More entries than this are not named one by one. */
const NAMED = 100;

type SealedEntry = EntryFields & { seal: number };

/** Leaves the rows of other brands out. */
const only = (alias: string, brandId: string | null) =>
  brandId === null ? sql.empty() : sql`and ${sql.raw(alias)}.brand_id = ${brandId}`;

/** Every entry, brand by brand, in the order they were written. */
async function* entriesOf(read: Reader, brandId: string | null): AsyncGenerator<SealedEntry[]> {
  for (let brand = brandId ?? "", id = ""; ; ) {
    const page =
      await read.all<SealedEntry>(sql`select e.id, e.brand_id as "brandId", e.seq, e.kind, e.amount, e.lot_id as "lotId",
        e.credit_type as "creditType", e.campaign_id as "campaignId", e.message_id as "messageId", e.reason,
        e.actor_id as "actorId", e.created_at as "createdAt", e.seal
      from ledger_entries e where (e.brand_id, e.id) > (${brand}, ${id}) ${only("e", brandId)} order by e.brand_id, e.id limit ${PAGE}`);
    const last = page.at(-1);
    if (!last) return;
    yield page;
    brand = last.brandId;
    id = last.id;
    await yieldToEventLoop();
  }
}

/**
 * Proves the books: folds every ledger entry and holds the result against the accounts, the lots, the open holds, the
 * campaigns and the identity granted = available + reserved + used + expired + clawed back, and every entry against its
 * seal and its number. Names each figure that differs and each entry that is not what was written. Read it from a snapshot.
 * `brandId` null proves the books of all brands.
 */
export async function verifyLedger(read: Reader, brandId: string | null = null): Promise<Verdict> {
  const fold = new Fold();
  const suspects: Suspects = { entries: [], miscounted: [], drifts: new Map() };
  for await (const page of entriesOf(read, brandId)) {
    for (const entry of page) {
      fold.add(entry);
      if (sealOf(entry) !== entry.seal && suspects.entries.length < NAMED) suspects.entries.push(entry);
    }
  }
  const drifts: Drift[] = [];
  const compare = (brandId: string, what: string, expected: number, found: number) => {
    if (expected !== found) drifts.push({ brandId, what, expected, found });
  };
  const accounts = await compareAccounts(read, brandId, fold, compare, suspects);
  await compareLots(read, brandId, fold, compare);
  await compareCampaigns(read, brandId, fold, compare);
  await compareHolds(read, brandId, compare);
  await compareRefunds(read, brandId, compare);
  const faults = await nameFaults(read, suspects);
  const ok = drifts.length === 0 && faults.length === 0;
  return { ok, brands: accounts, entries: fold.entries, drifts, faults: faults.slice(0, NAMED) };
}

type Compare = (brandId: string, what: string, expected: number, found: number) => void;
type Account = Record<Pocket | "entries", unknown> & { brandId: string };

/** Postgres adds 64-bit numbers up to text. */
const number = (value: unknown) => Number(value ?? 0);

async function compareAccounts(
  read: Reader,
  brandId: string | null,
  fold: Fold,
  compare: Compare,
  suspects: Suspects,
): Promise<number> {
  const accounts =
    await read.all<Account>(sql`select brand_id as "brandId", granted, available, reserved, used, expired,
    clawed_back as "clawedBack", debt, entries from credit_accounts a where true ${only("a", brandId)} order by brand_id`);
  const unseen = new Map(fold.brands);
  for (const account of accounts) {
    const { brandId } = account;
    const folded = unseen.get(brandId);
    unseen.delete(brandId);
    const drift: Partial<Record<Pocket, number>> = {};
    for (const pocket of POCKETS) {
      const [expected, found] = [folded?.pockets[pocket] ?? 0, number(account[pocket])];
      compare(brandId, `account ${pocket}`, expected, found);
      if (expected !== found) drift[pocket] = expected - found;
    }
    const [first, ...parts] = (["granted", "available", "reserved", "used", "expired", "clawedBack"] as const).map(
      (pocket) => number(account[pocket]),
    );
    compare(
      brandId,
      "identity",
      first ?? 0,
      parts.reduce((a, b) => a + b, 0),
    );
    const count = number(account.entries);
    if ((folded?.entries ?? 0) !== count || (folded?.seqs ?? 0) !== (count * (count + 1)) / 2)
      suspects.miscounted.push({ brandId, entries: count });
    suspects.drifts.set(brandId, drift);
  }
  for (const [brandId, folded] of unseen) {
    compare(brandId, "account is missing", folded.pockets.granted, 0);
    suspects.miscounted.push({ brandId, entries: 0 });
  }
  return accounts.length;
}

async function compareLots(read: Reader, brandId: string | null, fold: Fold, compare: Compare): Promise<void> {
  const lots = await read.all<{ id: string; brand_id: string; remaining: number; expired: number; repaid: number }>(
    sql`select l.id, l.brand_id, l.remaining, l.expired, l.repaid from credit_lots l where true ${only("l", brandId)} order by l.brand_id, l.id`,
  );
  for (const lot of lots) {
    const folded = fold.lots.get(lot.id);
    for (const pocket of LOT_POCKETS)
      compare(lot.brand_id, `lot ${lot.id} ${pocket}`, folded?.[pocket] ?? 0, number(lot[pocket]));
  }
}

async function compareCampaigns(read: Reader, brandId: string | null, fold: Fold, compare: Compare): Promise<void> {
  const rows = await read.all<{
    campaign_id: string;
    credit_type: string;
    brand_id: string | null;
    reserved: unknown;
    used: unknown;
    released: unknown;
  }>(sql`select k.campaign_id, k.credit_type, c.brand_id, k.reserved, k.used, k.released
    from campaign_credits k left join campaigns c on c.id = k.campaign_id where true ${only("c", brandId)} order by k.campaign_id, k.credit_type`);
  for (const row of rows) {
    const folded = fold.campaigns.get(`${row.campaign_id} ${row.credit_type}`);
    for (const figure of ["reserved", "used", "released"] as const) {
      const what = `campaign ${row.campaign_id} ${row.credit_type} ${figure}`;
      compare(row.brand_id ?? "", what, folded?.[figure] ?? 0, number(row[figure]));
    }
  }
}

async function compareHolds(read: Reader, brandId: string | null, compare: Compare): Promise<void> {
  const holds = await read.all<{ brand_id: string; held: unknown; reserved: unknown }>(
    sql`select a.brand_id, a.reserved, h.held from credit_accounts a
      left join (select brand_id, sum(amount) as held from credit_holds group by brand_id) h on h.brand_id = a.brand_id where true ${only("a", brandId)}`,
  );
  for (const row of holds) compare(row.brand_id, "open holds", number(row.reserved), number(row.held));
}

/** What was asked back was paid by lots, or is owed. */
async function compareRefunds(read: Reader, brandId: string | null, compare: Compare): Promise<void> {
  const rows = await read.all<{ brand_id: string; debt: unknown; repaid: unknown; refunded: unknown }>(
    sql`select a.brand_id, a.debt, r.refunded, (select sum(l.repaid) from credit_lots l where l.brand_id = a.brand_id) as repaid
      from credit_accounts a left join (select c.brand_id, sum(c.amount) as refunded from credit_clawbacks c
        where c.done_at is not null group by c.brand_id) r on r.brand_id = a.brand_id where true ${only("a", brandId)}`,
  );
  for (const row of rows) compare(row.brand_id, "refunds", number(row.debt) + number(row.repaid), number(row.refunded));
}
