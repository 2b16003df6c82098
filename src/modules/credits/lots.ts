import { sql } from "drizzle-orm";
import { idTable } from "../../db/sql.ts";
import type { Tx } from "../../db/store.ts";
import type { Instant } from "../../lib/clock.ts";
import { lockAccounts } from "./accounts.ts";

/** A lot with its balances, as a row of the database. */
export interface Lot {
  id: string;
  brand_id: string;
  remaining: number;
  expired: number;
  repaid: number;
  expires_at: Instant | null;
  source: string | null;
}

const LOT_COLUMNS = sql.raw("l.id, l.brand_id, l.remaining, l.expired, l.repaid, l.expires_at, l.source");
/** Sorts lots in the order of spending: those that expire soonest, then the oldest. */
const SPENDING_ORDER = sql.raw("case when l.expires_at is null then 1 else 0 end, l.expires_at, l.created_at, l.id");

/** Returns the lots that these brands can spend, in the order of spending, and locks their accounts. */
export async function spendableLots(tx: Tx, brandIds: readonly string[]): Promise<Map<string, Lot[]>> {
  await lockAccounts(tx, brandIds);
  const ids = idTable("b", brandIds);
  const rows = await tx.all<Lot>(sql`select ${LOT_COLUMNS} from credit_lots l
    where l.brand_id in (select b.id from ${ids}) and l.remaining > 0 and (l.expires_at is null or l.expires_at > ${tx.now})
    order by ${SPENDING_ORDER}`);
  return Map.groupBy(rows, (row) => row.brand_id);
}

/** Lists all lots of a brand in the order of spending. Call it under the account's lock. */
export function listLots(tx: Tx, brandId: string): Promise<Lot[]> {
  return tx.all<Lot>(
    sql`select ${LOT_COLUMNS} from credit_lots l where l.brand_id = ${brandId} order by ${SPENDING_ORDER}`,
  );
}

/** Takes an amount from the lots, first to last. Returns null, and takes nothing, when they have too little. */
export function takeFromLots(lots: readonly Lot[], amount: number): { lotId: string; amount: number }[] | null {
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
