import { and, asc, eq, lte, sql } from "drizzle-orm";
import type { Instant } from "../clock.ts";
import { creditAccounts, creditLots } from "../db/schema/credits.ts";
import { rowsOf } from "../db/sql.ts";
import type { Reader, Tx } from "../db/store.ts";
import { Fault } from "../fault.ts";
import { lockAccounts, openAccount } from "./accounts.ts";
import { toCredits } from "./amounts.ts";
import { post } from "./books.ts";
import { collectWaiting, payRefunds } from "./clawback.ts";
import { spendableLots, take } from "./lots.ts";
import { Reckoning } from "./reckoning.ts";
import { sealLot } from "./seal.ts";

// The verbs that bring credits and let them go. Those that spend are in `holds.ts`, refunds in `clawback.ts`. All amounts
// are integer thousandths of a credit.

export interface GrantOrder {
  brandId: string;
  amount: number;
  kind: "SUBSCRIPTION" | "PURCHASED";
  /** A moment that is past already is allowed: a payment may be heard of late. The credits expire at once then. */
  expiresAt?: Instant | null;
  /** When they were paid for, which may be heard of late: of lots that end together the oldest is spent first. */
  at?: Instant;
  /** What the credits come from, e.g. an invoice line: the same source grants once. */
  source?: string | null;
  reason: string;
  actorId?: string | null;
}

/**
 * Gives a brand a new lot of credits. A debt is repaid from it first. False when this source has granted before; nothing
 * changes then.
 */
export async function grant(tx: Tx, order: GrantOrder): Promise<boolean> {
  const { brandId, amount, kind, expiresAt = null, source = null, reason, actorId = null } = order;
  await openAccount(tx, brandId);
  // Before anything is read: a refund of these credits that is being written waits, or has been seen by what follows.
  await lockAccounts(tx, [brandId]);
  const id = tx.newId();
  const createdAt = Math.min(order.at ?? tx.now, tx.now);
  const sealed = { id, brandId, kind, granted: amount, expiresAt, source, createdAt };
  const made = await tx
    .insert(creditLots)
    .values({ ...sealed, remaining: amount, seal: sealLot(tx.ledgerKey, sealed) })
    .onConflictDoNothing()
    .returning({ id: creditLots.id });
  if (made.length === 0) return false;
  const books = await Reckoning.open(tx, brandId);
  const lot = books.lots.find((lot) => lot.id === id);
  if (!lot) throw new Error(`the lot ${id} was written and is not there`);
  books.move("GRANT", lot, amount, { reason, actorId });
  await collectWaiting(tx, books, lot);
  await payRefunds(tx, books, { reason });
  books.expireOver({ reason: "PERIOD_ENDED" });
  await books.post(tx);
  return true;
}

/**
 * Corrects a brand's credits by hand: up is a lot that does not expire, down takes what expires soonest. CONFLICT, with
 * what is there, when more is to be taken than can be spent.
 */
export async function adjust(
  tx: Tx,
  order: { brandId: string; amount: number; reason: string; actorId: string },
): Promise<void> {
  const { brandId, amount, reason, actorId } = order;
  if (amount >= 0) {
    await grant(tx, { brandId, amount, kind: "PURCHASED", reason, actorId });
    return;
  }
  const lots = (await spendableLots(tx, [brandId])).get(brandId) ?? [];
  const available = lots.reduce((total, lot) => total + lot.remaining, 0);
  const parts = take(lots, -amount);
  if (!parts) {
    throw new Fault("CONFLICT", `Only ${toCredits(available)} credits can be taken: the rest is held, used or gone`, {
      facts: { creditAvailable: toCredits(available) },
    });
  }
  await post(
    tx,
    parts.map((part) => ({ ...part, kind: "CLAWBACK" as const, brandId, reason, actorId })),
  );
}

/**
 * Ends a lot before its time: a renewal came, or a plan was left. What is not held expires now, and what holds give back
 * later expires then. False when there is no such lot, or its time is over.
 */
export async function expireLot(
  tx: Tx,
  which: { id: string } | { source: string },
  reason: string,
  at: Instant = tx.now,
): Promise<boolean> {
  const [found] = await tx
    .select()
    .from(creditLots)
    .where("id" in which ? eq(creditLots.id, which.id) : eq(creditLots.source, which.source));
  if (!found) return false;
  await lockAccounts(tx, [found.brandId]);
  const ends = Math.min(at, tx.now);
  if (found.expiresAt !== null && found.expiresAt <= ends) return false;
  const seal = sealLot(tx.ledgerKey, { ...found, expiresAt: ends });
  await tx.update(creditLots).set({ expiresAt: ends, seal }).where(eq(creditLots.id, found.id));
  const books = await Reckoning.open(tx, found.brandId);
  books.expireOver({ reason });
  await books.post(tx);
  return true;
}

/** Lots written off by one transaction. */
const EXPIRED_LOTS = 500;

/**
 * Writes off what is left in lots whose time is over, a slice of them. Returns how many there were; call again until there
 * are none. Only those lots are read: a brand may have any number of others.
 */
export async function expireLots(tx: Tx): Promise<number> {
  const over = await tx
    .select({ id: creditLots.id, brandId: creditLots.brandId })
    .from(creditLots)
    // In the words and the order of the index `credit_lots_spendable`, which those written off before have left.
    .where(and(lte(creditLots.expiresAt, tx.now), sql`remaining > 0`))
    .orderBy(asc(creditLots.brandId), asc(creditLots.expiresAt))
    .limit(EXPIRED_LOTS);
  if (over.length === 0) return 0;
  // In one order everywhere. What is left in them is read again under their accounts' locks.
  await lockAccounts(tx, [...new Set(over.map((lot) => lot.brandId))].sort());
  const ids = over.map(({ id }) => ({ id }));
  const lots = await tx.all<{ id: string; brand_id: string; remaining: number }>(
    sql`select l.id, l.brand_id, l.remaining from credit_lots l
      where l.id in (select n.id from ${rowsOf("n", ids, { id: "text" })}) and l.expires_at <= ${tx.now} order by l.id`,
  );
  await post(
    tx,
    lots.map(({ id: lotId, brand_id: brandId, remaining: amount }) => {
      return { kind: "EXPIRE" as const, brandId, lotId, amount, reason: "PERIOD_ENDED" };
    }),
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

/** What a brand could spend at this moment, and what it owes, in thousandths. */
export async function fundsOf(read: Reader, brandId: string): Promise<{ available: number; debt: number }> {
  const [row] = await read
    .select({ available: creditAccounts.available, debt: creditAccounts.debt })
    .from(creditAccounts)
    .where(eq(creditAccounts.brandId, brandId));
  return row ?? { available: 0, debt: 0 };
}
