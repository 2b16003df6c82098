import { and, asc, eq, gt, inArray, lte, sql } from "drizzle-orm";
import type { Instant } from "../clock.ts";
import { creditAccounts, type creditHolds, creditLots } from "../db/schema/credits.ts";
import { forUpdate, rowsOf } from "../db/sql.ts";
import type { Reader, Tx } from "../db/store.ts";
import { type Movement, post } from "./books.ts";
import type { CreditType } from "./model.ts";

// The verbs of money. All amounts are integer thousandths of a credit.

export interface GrantOrder {
  brandId: string;
  amount: number;
  kind: "SUBSCRIPTION" | "PURCHASED";
  expiresAt?: Instant | null;
  /** What the credits come from, e.g. an invoice line: the same source grants once. */
  source?: string | null;
  reason: string;
  actorId?: string | null;
}

/** Gives a brand a new lot of credits. False when this source has granted before; nothing changes then. */
export async function grant(tx: Tx, order: GrantOrder): Promise<boolean> {
  const { brandId, amount, kind, expiresAt = null, source = null } = order;
  await tx
    .insert(creditAccounts)
    .values({ brandId, granted: 0, available: 0, reserved: 0, used: 0, expired: 0, clawedBack: 0 })
    .onConflictDoNothing();
  const lot = {
    id: tx.newId(),
    brandId,
    kind,
    granted: amount,
    remaining: amount,
    expiresAt,
    source,
    createdAt: tx.now,
  };
  const made = await tx.insert(creditLots).values(lot).onConflictDoNothing().returning({ id: creditLots.id });
  if (made.length === 0) return false;
  await post(tx, [
    { kind: "GRANT", brandId, amount, lotId: lot.id, reason: order.reason, actorId: order.actorId ?? null },
  ]);
  return true;
}

/** Credits wanted for one message. `weight` is the price of a unit, frozen with the hold. */
export interface HoldRequest {
  messageId: string;
  brandId: string;
  campaignId: string;
  creditType: CreditType;
  amount: number;
  weight: number;
}

/**
 * Sets credits aside, in the order of the requests, as far as they go. Lots that expire soonest are spent first, then the
 * oldest. Returns the ids of the messages for which there were not enough; nothing was held for those.
 */
export async function hold(tx: Tx, requests: readonly HoldRequest[]): Promise<Set<string>> {
  const short = new Set<string>();
  const priced = requests.filter((request) => request.amount > 0);
  if (priced.length === 0) return short;
  const lots = await spendableLots(tx, [...new Set(priced.map((request) => request.brandId))]);
  const movements: Movement[] = [];
  const holds: (typeof creditHolds.$inferInsert)[] = [];
  for (const request of priced) {
    const parts = take(lots.get(request.brandId) ?? [], request.amount);
    if (!parts) short.add(request.messageId);
    for (const { lotId, amount } of parts ?? []) {
      const { messageId, brandId, campaignId, creditType, weight } = request;
      holds.push({ messageId, lotId, brandId, campaignId, creditType, amount, weight });
      movements.push({ kind: "HOLD", brandId, amount, lotId, creditType, campaignId, messageId });
    }
  }
  await post(tx, movements);
  if (holds.length > 0) await tx.all(insertHolds(holds));
  return short;
}

interface FreeLot {
  id: string;
  brand_id: string;
  remaining: number;
}

/** What these brands can spend now, in the order of spending, locked until the transaction ends. */
async function spendableLots(tx: Tx, brandIds: readonly string[]): Promise<Map<string, FreeLot[]>> {
  const ids = rowsOf(
    "b",
    brandIds.map((id) => ({ id })),
    { id: "text" },
  );
  // The account's row is the lock: whoever holds it may spend from the brand's lots.
  await tx.all(
    sql`select a.brand_id from credit_accounts a where a.brand_id in (select b.id from ${ids}) order by a.brand_id ${forUpdate("a")}`,
  );
  const rows = await tx.all<FreeLot>(sql`select l.id, l.brand_id, l.remaining from credit_lots l
    where l.brand_id in (select b.id from ${ids}) and l.remaining > 0 and (l.expires_at is null or l.expires_at > ${tx.now})
    order by case when l.expires_at is null then 1 else 0 end, l.expires_at, l.created_at, l.id`);
  return Map.groupBy(rows, (row) => row.brand_id);
}

/** Takes an amount out of the lots, first to last; null, and nothing taken, when they hold too little. */
function take(lots: FreeLot[], amount: number): { lotId: string; amount: number }[] | null {
  const parts: { lot: FreeLot; amount: number }[] = [];
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

function insertHolds(holds: (typeof creditHolds.$inferInsert)[]) {
  const types = {
    messageId: "text",
    lotId: "text",
    brandId: "text",
    campaignId: "text",
    creditType: "text",
    amount: "bigint",
    weight: "bigint",
  } as const;
  return sql`insert into credit_holds (message_id, lot_id, brand_id, campaign_id, credit_type, amount, weight)
    select n."messageId", n."lotId", n."brandId", n."campaignId", n."creditType", n.amount, n.weight from ${rowsOf("n", holds, types)}`;
}

/** An open hold, as the database gives it. */
interface Held {
  messageId: string;
  lotId: string;
  brandId: string;
  campaignId: string;
  creditType: CreditType;
  amount: number;
}

/** Takes the holds of these messages off the table. Deleting is what ends a hold, so nobody can end it again. */
async function endHolds(tx: Tx, messageIds: readonly string[]): Promise<Held[]> {
  if (messageIds.length === 0) return [];
  const ids = messageIds.map((id) => ({ id }));
  return tx.all<Held>(sql`delete from credit_holds where message_id in (select n.id from ${rowsOf("n", ids, { id: "text" })})
    returning message_id as "messageId", lot_id as "lotId", brand_id as "brandId", campaign_id as "campaignId",
      credit_type as "creditType", amount`);
}

/** The messages went out: what was held for them is used. A message without an open hold changes nothing. */
export async function settle(tx: Tx, messageIds: readonly string[]): Promise<void> {
  const holds = await endHolds(tx, messageIds);
  await post(
    tx,
    holds.map((held) => ({ ...held, kind: "SETTLE" as const })),
  );
}

/** The messages will not go out: what was held comes back, or expires at once where its lot has expired meanwhile. */
export async function release(tx: Tx, messageIds: readonly string[], reason: string): Promise<void> {
  const holds = await endHolds(tx, messageIds);
  if (holds.length === 0) return;
  const movements: Movement[] = holds.map((held) => ({ ...held, kind: "RELEASE", reason }));
  const expired = await tx
    .select({ id: creditLots.id })
    .from(creditLots)
    .where(
      and(inArray(creditLots.id, [...new Set(holds.map((held) => held.lotId))]), lte(creditLots.expiresAt, tx.now)),
    );
  const gone = new Set(expired.map((lot) => lot.id));
  for (const held of holds) {
    if (gone.has(held.lotId))
      movements.push({ kind: "EXPIRE", brandId: held.brandId, amount: held.amount, lotId: held.lotId, reason });
  }
  await post(tx, movements);
}

/** Writes off what is left in lots whose time is over. Returns how many lots expired. */
export async function expireLots(tx: Tx): Promise<number> {
  const over = await tx
    .select()
    .from(creditLots)
    .where(and(lte(creditLots.expiresAt, tx.now), gt(creditLots.remaining, 0)))
    .orderBy(asc(creditLots.id))
    .limit(500);
  await post(
    tx,
    over.map((lot) => ({
      kind: "EXPIRE" as const,
      brandId: lot.brandId,
      amount: lot.remaining,
      lotId: lot.id,
      reason: "PERIOD_ENDED",
    })),
  );
  return over.length;
}

/**
 * What a brand can spend, in thousandths, counted under the lock that spending takes: it stays true until the transaction
 * ends. A lot whose time is over counts no more, written off or not.
 */
export async function spendableCredits(tx: Tx, brandId: string): Promise<number> {
  const lots = await spendableLots(tx, [brandId]);
  return (lots.get(brandId) ?? []).reduce((total, lot) => total + lot.remaining, 0);
}

/** What a brand could spend at this moment, in thousandths. */
export async function availableCredits(read: Reader, brandId: string): Promise<number> {
  const [row] = await read
    .select({ available: creditAccounts.available })
    .from(creditAccounts)
    .where(eq(creditAccounts.brandId, brandId));
  return row?.available ?? 0;
}
