import { and, asc, eq, lte, sql } from "drizzle-orm";
import { creditAccounts, creditLots } from "../../db/schema/credits.ts";
import { valuesTable } from "../../db/sql.ts";
import type { Reader, Tx } from "../../db/store.ts";
import type { Instant } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { lockAccounts, openAccount } from "./accounts.ts";
import { toCredits } from "./amounts.ts";
import { BrandLedger } from "./brand-ledger.ts";
import { applyWaitingClawbacks, payRefunds } from "./clawback.ts";
import { spendableLots, takeFromLots } from "./lots.ts";
import { lotMac } from "./mac.ts";
import { postMovements } from "./posting.ts";

// Grants, corrections and expiry of credits. `holds.ts` spends them, `clawback.ts` takes refunds back. All amounts are integer
// thousandths of a credit.

export interface GrantInput {
  brandId: string;
  amount: number;
  kind: "SUBSCRIPTION" | "PURCHASED";
  /** May be in the past, since a payment may be reported late. The credits then expire at once. */
  expiresAt?: Instant | null;
  /** The time of the payment, which may be reported late: of lots that expire together the oldest is used first. */
  at?: Instant;
  /** The origin of the credits, e.g. an invoice line. A source grants once. */
  source?: string | null;
  reason: string;
  actorId?: string | null;
}

/**
 * Grants a brand a new lot of credits, from which a debt is repaid first. Returns false, and changes nothing, when this source
 * has granted before.
 */
export async function grant(tx: Tx, order: GrantInput): Promise<boolean> {
  const { brandId, amount, kind, expiresAt = null, source = null, reason, actorId = null } = order;
  await openAccount(tx, brandId);
  // Locked before the first read: a concurrent refund of these credits either waits or is visible to the reads below.
  await lockAccounts(tx, [brandId]);
  const id = tx.newId();
  const createdAt = Math.min(order.at ?? tx.now, tx.now);
  const fields = { id, brandId, kind, granted: amount, expiresAt, source, createdAt };
  const made = await tx
    .insert(creditLots)
    .values({ ...fields, remaining: amount, seal: lotMac(tx.ledgerKey, fields) })
    .onConflictDoNothing()
    .returning({ id: creditLots.id });
  if (made.length === 0) return false;
  const ledger = await BrandLedger.open(tx, brandId);
  const lot = ledger.lots.find((lot) => lot.id === id);
  if (!lot) throw new Error(`the lot ${id} was inserted and cannot be found`);
  ledger.move("GRANT", lot, amount, { reason, actorId });
  await applyWaitingClawbacks(tx, ledger, lot);
  await payRefunds(tx, ledger, { reason });
  ledger.expireEnded({ reason: "PERIOD_ENDED" });
  await ledger.post(tx);
  return true;
}

/**
 * Corrects a brand's credits by hand. A positive amount is a lot that does not expire; a negative one is taken from the lots
 * that expire soonest.
 * @throws CONFLICT with `creditAvailable` when the brand has fewer credits to spend
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
  const parts = takeFromLots(lots, -amount);
  if (!parts) {
    throw new AppError(
      "CONFLICT",
      `credits: expected at most ${toCredits(available)} to take back, the rest is held, used or expired`,
      {
        meta: { creditAvailable: toCredits(available) },
      },
    );
  }
  await postMovements(
    tx,
    parts.map((part) => ({ ...part, kind: "CLAWBACK" as const, brandId, reason, actorId })),
  );
}

/**
 * Expires a lot early, after a renewal or a change of plan. Credits that are not held expire now, held ones when they are
 * released. Returns false when there is no such lot or it has expired already.
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
  const endsAt = Math.min(at, tx.now);
  if (found.expiresAt !== null && found.expiresAt <= endsAt) return false;
  const seal = lotMac(tx.ledgerKey, { ...found, expiresAt: endsAt });
  await tx.update(creditLots).set({ expiresAt: endsAt, seal }).where(eq(creditLots.id, found.id));
  const ledger = await BrandLedger.open(tx, found.brandId);
  ledger.expireEnded({ reason });
  await ledger.post(tx);
  return true;
}

/** Lots that one transaction writes off. */
const MAX_LOTS_PER_EXPIRY = 500;

/**
 * Writes off the remaining credits of one slice of expired lots and returns the number of lots; call it until it returns 0.
 * Only those lots are read: a brand may have any number of others.
 */
export async function expireLots(tx: Tx): Promise<number> {
  const over = await tx
    .select({ id: creditLots.id, brandId: creditLots.brandId })
    .from(creditLots)
    // The condition and order of the index `credit_lots_spendable`, which no longer contains lots that are written off.
    .where(and(lte(creditLots.expiresAt, tx.now), sql`remaining > 0`))
    .orderBy(asc(creditLots.brandId), asc(creditLots.expiresAt))
    .limit(MAX_LOTS_PER_EXPIRY);
  if (over.length === 0) return 0;
  // Locked in the same order everywhere. The remaining credits are read again under the locks.
  await lockAccounts(tx, [...new Set(over.map((lot) => lot.brandId))].sort());
  const ids = over.map(({ id }) => ({ id }));
  const lots = await tx.all<{ id: string; brand_id: string; remaining: number }>(
    sql`select l.id, l.brand_id, l.remaining from credit_lots l
      where l.id in (select n.id from ${valuesTable("n", ids, { id: "text" })}) and l.expires_at <= ${tx.now} order by l.id`,
  );
  await postMovements(
    tx,
    lots.map(({ id: lotId, brand_id: brandId, remaining: amount }) => {
      return { kind: "EXPIRE" as const, brandId, lotId, amount, reason: "PERIOD_ENDED" };
    }),
  );
  return over.length;
}

/**
 * Counts the credits that a brand can spend, in thousandths, and locks its account, so that the result stays true until the
 * transaction ends. Expired lots do not count, written off or not.
 */
export async function spendableCredits(tx: Tx, brandId: string): Promise<number> {
  const lots = await spendableLots(tx, [brandId]);
  return (lots.get(brandId) ?? []).reduce((total, lot) => total + lot.remaining, 0);
}

/** Returns the available credits and the debt of a brand, in thousandths. */
export async function getFunds(read: Reader, brandId: string): Promise<{ available: number; debt: number }> {
  const [row] = await read
    .select({ available: creditAccounts.available, debt: creditAccounts.debt })
    .from(creditAccounts)
    .where(eq(creditAccounts.brandId, brandId));
  return row ?? { available: 0, debt: 0 };
}
