import { and, asc, eq, isNotNull, isNull } from "drizzle-orm";
import { creditClawbacks, creditLots } from "../../db/schema/credits.ts";
import type { Tx } from "../../db/store.ts";
import type { Instant } from "../../lib/clock.ts";
import { openAccount } from "./accounts.ts";
import { BrandLedger, type EntryNote } from "./brand-ledger.ts";
import type { Lot } from "./lots.ts";

export interface ClawbackInput {
  brandId: string;
  /** Thousandths, above zero. */
  amount: number;
  /** The source of the refunded lot; without it the credits are taken from the lots that expire soonest. */
  lotSource?: string | null;
  /** The origin of the clawback, e.g. a credit note. A source takes credits back once. */
  source: string;
  reason: string;
  actorId?: string | null;
  /** Time when the money was returned; by default now. */
  at?: Instant;
}

/**
 * Takes credits back for a refund, a chargeback or a void: first from the refunded lot, then from the brand's other lots,
 * soonest to expire first. The rest becomes a debt, which later credits repay. Held credits stay held.
 *
 * Returns KNOWN when this source was already processed, and WAITING while the lot has not been granted: its grant then takes
 * the credits back.
 */
export async function clawBack(tx: Tx, order: ClawbackInput): Promise<"DONE" | "WAITING" | "KNOWN"> {
  const { brandId, amount, lotSource = null, source, reason, actorId = null } = order;
  const at = Math.min(order.at ?? tx.now, tx.now);
  const made = await tx
    .insert(creditClawbacks)
    .values({ source, brandId, amount, lotSource, reason, actorId, at, createdAt: tx.now })
    .onConflictDoNothing()
    .returning({ source: creditClawbacks.source });
  if (made.length === 0) return "KNOWN";
  await openAccount(tx, brandId);
  const ledger = await BrandLedger.open(tx, brandId);
  const lot = lotSource === null ? null : ledger.lots.find((lot) => lot.source === lotSource);
  if (lot === undefined) return "WAITING";
  await addDebt(tx, ledger, lot, { source, amount, reason, actorId });
  await payRefunds(tx, ledger, { reason, actorId });
  ledger.expireEnded({ reason: "PERIOD_ENDED" });
  await ledger.post(tx);
  return "DONE";
}

/** Adds a debt for a clawback and marks it as processed. */
async function addDebt(
  tx: Tx,
  ledger: BrandLedger,
  lot: Lot | null,
  {
    source,
    amount,
    reason,
    actorId,
  }: Pick<typeof creditClawbacks.$inferSelect, "source" | "amount" | "reason" | "actorId">,
): Promise<void> {
  ledger.move("DEBT", lot, amount, { reason, actorId });
  await tx.update(creditClawbacks).set({ doneAt: tx.now }).where(eq(creditClawbacks.source, source));
}

/** Adds the debts of clawbacks that arrived before the lot was granted. Call it under the account's lock. */
export async function applyWaitingClawbacks(tx: Tx, ledger: BrandLedger, lot: Lot): Promise<void> {
  if (lot.source === null) return;
  const waiting = await tx
    .select()
    .from(creditClawbacks)
    .where(
      and(
        eq(creditClawbacks.lotSource, lot.source),
        eq(creditClawbacks.brandId, lot.brand_id),
        isNull(creditClawbacks.doneAt),
      ),
    )
    .orderBy(asc(creditClawbacks.at), asc(creditClawbacks.source));
  for (const refund of waiting) await addDebt(tx, ledger, lot, refund);
}

/** Repays all clawbacks of a brand from its lots, as far as possible. Call it under the account's lock. */
export async function payRefunds(tx: Tx, ledger: BrandLedger, note: EntryNote): Promise<void> {
  const refunds = await tx
    .select({ amount: creditClawbacks.amount, at: creditClawbacks.at, lotId: creditLots.id })
    .from(creditClawbacks)
    .leftJoin(creditLots, eq(creditLots.source, creditClawbacks.lotSource))
    .where(and(eq(creditClawbacks.brandId, ledger.brandId), isNotNull(creditClawbacks.doneAt)))
    .orderBy(asc(creditClawbacks.at), asc(creditClawbacks.source));
  if (refunds.length > 0) ledger.payRefunds(refunds, note);
}

/** Adds a debt for the part of a message's cost that the brand's lots could not pay. */
export async function addMessageDebt(
  tx: Tx,
  ledger: BrandLedger,
  amount: number,
  note: EntryNote & { messageId: string },
): Promise<void> {
  if (amount === 0) return;
  const { brandId } = ledger;
  const { reason, messageId } = note;
  const row = {
    source: `message ${messageId}`,
    brandId,
    amount,
    reason,
    at: tx.now,
    doneAt: tx.now,
    createdAt: tx.now,
  };
  await tx.insert(creditClawbacks).values(row);
  ledger.move("DEBT", null, amount, note);
}
