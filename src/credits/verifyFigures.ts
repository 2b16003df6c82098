import { type SQL, sql } from "drizzle-orm";
import type { Reader } from "../db/store.ts";
import type { Fold } from "./fold.ts";

export type Compare = (brandId: string, what: string, expected: number, found: number) => void;

interface Rows {
  read: Reader;
  /** Null for all brands. */
  brandId: string | null;
  fold: Fold;
  compare: Compare;
}

/** Postgres adds 64-bit numbers up to text. */
export const numberOf = (value: unknown) => Number(value ?? 0);

/** Leaves the rows of other brands out. */
export const only = (alias: string, brandId: string | null): SQL =>
  brandId === null ? sql.empty() : sql`and ${sql.raw(alias)}.brand_id = ${brandId}`;

export async function compareCampaigns({ read, brandId, fold, compare }: Rows): Promise<void> {
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
      compare(row.brand_id ?? "", what, folded?.[figure] ?? 0, numberOf(row[figure]));
    }
  }
}

/** Compares the open holds of each brand with its account, and each of them with the entries of its message. */
export async function compareHolds({ read, brandId, compare }: Rows): Promise<void> {
  const sums = await read.all<{ brand_id: string; held: unknown; reserved: unknown }>(
    sql`select a.brand_id, a.reserved, h.held from credit_accounts a
      left join (select brand_id, sum(amount) as held from credit_holds group by brand_id) h on h.brand_id = a.brand_id where true ${only("a", brandId)}`,
  );
  for (const row of sums) compare(row.brand_id, "open holds", numberOf(row.reserved), numberOf(row.held));
  const holds = await read.all<{ message_id: string; brand_id: string; amount: unknown; held: unknown }>(
    sql`select m.message_id, m.brand_id, m.amount, m.held from (
      select h.message_id, h.brand_id, h.amount, (
          select sum(case e.kind when 'HOLD' then e.amount when 'SETTLE' then -e.amount when 'RELEASE' then -e.amount else 0 end)
          from ledger_entries e where e.message_id = h.message_id and e.lot_id = h.lot_id and e.brand_id = h.brand_id) as held
      from credit_holds h where true ${only("h", brandId)}) m
    where m.amount <> coalesce(m.held, 0) order by m.message_id limit 100`,
  );
  for (const row of holds)
    compare(row.brand_id, `hold of message ${row.message_id}`, numberOf(row.held), numberOf(row.amount));
}

/** What was asked back was paid by lots, or is owed. */
export async function compareRefunds({ read, brandId, compare }: Rows): Promise<void> {
  const rows = await read.all<{ brand_id: string; debt: unknown; repaid: unknown; refunded: unknown }>(
    sql`select a.brand_id, a.debt, r.refunded, (select sum(l.repaid) from credit_lots l where l.brand_id = a.brand_id) as repaid
      from credit_accounts a left join (select c.brand_id, sum(c.amount) as refunded from credit_clawbacks c
        where c.done_at is not null group by c.brand_id) r on r.brand_id = a.brand_id where true ${only("a", brandId)}`,
  );
  for (const row of rows)
    compare(row.brand_id, "refunds", numberOf(row.debt) + numberOf(row.repaid), numberOf(row.refunded));
}
