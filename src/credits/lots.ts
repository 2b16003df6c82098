import { sql } from "drizzle-orm";
import type { Instant } from "../clock.ts";
import { rowsOf } from "../db/sql.ts";
import type { Tx } from "../db/store.ts";
import { lockAccounts } from "./accounts.ts";

/** A lot with something in it that can still move. As the database gives it. */
export interface Lot {
  id: string;
  brand_id: string;
  remaining: number;
  expired: number;
  repaid: number;
  expires_at: Instant | null;
  source: string | null;
}

const LOT = sql.raw("l.id, l.brand_id, l.remaining, l.expired, l.repaid, l.expires_at, l.source");
/** The order of spending: what expires soonest, then what is oldest. */
const SPENDING = sql.raw("case when l.expires_at is null then 1 else 0 end, l.expires_at, l.created_at, l.id");

/** What these brands can spend now, in the order of spending, locked until the transaction ends. */
export async function spendableLots(tx: Tx, brandIds: readonly string[]): Promise<Map<string, Lot[]>> {
  await lockAccounts(tx, brandIds);
  const ids = rowsOf(
    "b",
    brandIds.map((id) => ({ id })),
    { id: "text" },
  );
  const rows = await tx.all<Lot>(sql`select ${LOT} from credit_lots l
    where l.brand_id in (select b.id from ${ids}) and l.remaining > 0 and (l.expires_at is null or l.expires_at > ${tx.now})
    order by ${SPENDING}`);
  return Map.groupBy(rows, (row) => row.brand_id);
}

/** All lots of a brand, in the order of spending. Call it under the account's lock. */
export function lotsOf(tx: Tx, brandId: string): Promise<Lot[]> {
  return tx.all<Lot>(sql`select ${LOT} from credit_lots l where l.brand_id = ${brandId} order by ${SPENDING}`);
}

/** Takes an amount out of the lots, first to last; null, and nothing taken, when they hold too little. */
export function take(lots: readonly Lot[], amount: number): { lotId: string; amount: number }[] | null {
  const parts: { lot: Lot; amount: number }[] = [];
  let missing = amount;
  for (const lot of lots) {
    if (missing === 0) break;
    const part = Math.min(missing, lot.remaining);
    if (part > 0) parts.push({ lot, amount: part });
    missing -= part;
  }
  if (missing > 0) return null;
  for (const part of parts) part.lot.remaining -= part.amount;
  return parts.map((part) => ({ lotId: part.lot.id, amount: part.amount }));
}
