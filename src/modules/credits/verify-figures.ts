import { type SQL, sql } from "drizzle-orm";
import { yieldToEventLoop } from "../../db/slices.ts";
import type { Reader } from "../../db/store.ts";
import type { LedgerFold } from "./fold.ts";

export type Compare = (brandId: string, what: string, expected: number, found: number) => void;

interface Rows {
  read: Reader;
  /** Null for all brands. */
  brandId: string | null;
  fold: LedgerFold;
  compare: Compare;
}

/** Converts a sum to a number: Postgres returns sums of 64-bit numbers as text. */
export const toNumber = (value: unknown) => Number(value ?? 0);

/** Limits a query to one brand; empty for all. */
export const brandCondition = (alias: string, brandId: string | null): SQL =>
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
    from campaign_credits k left join campaigns c on c.id = k.campaign_id where true ${brandCondition("c", brandId)} order by k.campaign_id, k.credit_type`);
  for (const row of rows) {
    const folded = fold.campaigns.get(`${row.campaign_id} ${row.credit_type}`);
    for (const figure of ["reserved", "used", "released"] as const) {
      const what = `campaign ${row.campaign_id} ${row.credit_type} ${figure}`;
      compare(row.brand_id ?? "", what, folded?.[figure] ?? 0, toNumber(row[figure]));
    }
  }
}

/** Open holds read by one statement, each with the entries of its message. */
const HOLDS_PER_PAGE = 1000;
/** Differing holds reported at most. */
const MAX_REPORTED_HOLDS = 100;

interface Held {
  messageId: string;
  lotId: string;
  brandId: string;
  amount: number;
  /** The held amount according to the entries of its message. */
  held: unknown;
}

async function* streamHolds(read: Reader, brandId: string | null): AsyncGenerator<Held[]> {
  for (let at = { messageId: "", lotId: "" }; ; ) {
    const page =
      await read.all<Held>(sql`select h.message_id as "messageId", h.lot_id as "lotId", h.brand_id as "brandId", h.amount, (
        select sum(case e.kind when 'HOLD' then e.amount when 'SETTLE' then -e.amount when 'RELEASE' then -e.amount else 0 end)
        from ledger_entries e where e.message_id = h.message_id and e.lot_id = h.lot_id and e.brand_id = h.brand_id) as held
      from credit_holds h where (h.message_id, h.lot_id) > (${at.messageId}, ${at.lotId}) ${brandCondition("h", brandId)}
      order by h.message_id, h.lot_id limit ${HOLDS_PER_PAGE}`);
    const last = page.at(-1);
    if (!last) return;
    yield page;
    at = last;
    await yieldToEventLoop();
  }
}

/** Compares each open hold with the entries of its message, and the sum of each brand with its account. */
export async function compareHolds({ read, brandId, compare }: Rows): Promise<void> {
  const sums = new Map<string, number>();
  const differing: Held[] = [];
  for await (const page of streamHolds(read, brandId)) {
    for (const hold of page) {
      const amount = toNumber(hold.amount);
      sums.set(hold.brandId, (sums.get(hold.brandId) ?? 0) + amount);
      if (amount !== toNumber(hold.held) && differing.length < MAX_REPORTED_HOLDS) differing.push(hold);
    }
  }
  const accounts = await read.all<{ brand_id: string; reserved: unknown }>(
    sql`select a.brand_id, a.reserved from credit_accounts a where true ${brandCondition("a", brandId)}`,
  );
  for (const { brand_id, reserved } of accounts)
    compare(brand_id, "open holds", toNumber(reserved), sums.get(brand_id) ?? 0);
  for (const { brandId, messageId, held, amount } of differing)
    compare(brandId, `hold of message ${messageId}`, toNumber(held), toNumber(amount));
}

/** Checks that processed clawbacks were either repaid by lots or are a debt. */
export async function compareRefunds({ read, brandId, compare }: Rows): Promise<void> {
  const rows = await read.all<{ brand_id: string; debt: unknown; repaid: unknown; refunded: unknown }>(
    sql`select a.brand_id, a.debt, r.refunded, (select sum(l.repaid) from credit_lots l where l.brand_id = a.brand_id) as repaid
      from credit_accounts a left join (select c.brand_id, sum(c.amount) as refunded from credit_clawbacks c
        where c.done_at is not null group by c.brand_id) r on r.brand_id = a.brand_id where true ${brandCondition("a", brandId)}`,
  );
  for (const row of rows)
    compare(row.brand_id, "refunds", toNumber(row.debt) + toNumber(row.repaid), toNumber(row.refunded));
}
