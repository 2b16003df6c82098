import { and, asc, eq, isNotNull, isNull } from "drizzle-orm";
import type { Instant } from "../clock.ts";
import { creditClawbacks, creditLots } from "../db/schema/credits.ts";
import type { Tx } from "../db/store.ts";
import { openAccount } from "./accounts.ts";
import type { Lot } from "./lots.ts";
import { type Note, Reckoning } from "./reckoning.ts";

export interface ClawbackOrder {
  brandId: string;
  /** Thousandths, above zero. */
  amount: number;
  /** The source of the lot whose money went back; without it the credits come out of what expires soonest. */
  lotSource?: string | null;
  /** What the clawback comes from, e.g. a credit note: the same source takes back once. */
  source: string;
  reason: string;
  actorId?: string | null;
  /** When the money went back; now, unless said otherwise. */
  at?: Instant;
}

/**
 * Takes credits back for a refund, a chargeback or a void. First from the lot that was refunded; what was spent of it, out
 * of the brand's other credits, soonest to expire first; what is missing then is a debt, which later credits repay.
 *
 * KNOWN: this source took back before; nothing changes. WAITING: the lot has not been granted yet, so there is nothing to
 * take; its grant will. Held credits stay held: a message that is on its way is paid for.
 */
export async function clawBack(tx: Tx, order: ClawbackOrder): Promise<"DONE" | "WAITING" | "KNOWN"> {
  const { brandId, amount, lotSource = null, source, reason, actorId = null } = order;
  const at = Math.min(order.at ?? tx.now, tx.now);
  const made = await tx
    .insert(creditClawbacks)
    .values({ source, brandId, amount, lotSource, reason, actorId, at, createdAt: tx.now })
    .onConflictDoNothing()
    .returning({ source: creditClawbacks.source });
  if (made.length === 0) return "KNOWN";
  await openAccount(tx, brandId);
  const books = await Reckoning.open(tx, brandId);
  const lot = lotSource === null ? null : books.lots.find((lot) => lot.source === lotSource);
  if (lot === undefined) return "WAITING";
  await owe(tx, books, lot, { source, amount, reason, actorId });
  await payRefunds(tx, books, { reason, actorId });
  books.expireOver({ reason: "PERIOD_ENDED" });
  await books.post(tx);
  return "DONE";
}

/** What is asked back is owed, until lots pay it. */
async function owe(
  tx: Tx,
  books: Reckoning,
  lot: Lot | null,
  {
    source,
    amount,
    reason,
    actorId,
  }: Pick<typeof creditClawbacks.$inferSelect, "source" | "amount" | "reason" | "actorId">,
): Promise<void> {
  books.move("DEBT", lot, amount, { reason, actorId });
  await tx.update(creditClawbacks).set({ doneAt: tx.now }).where(eq(creditClawbacks.source, source));
}

/** Lets a lot that was just granted owe the refunds of it that were heard of before. Under the account's lock. */
export async function collectWaiting(tx: Tx, books: Reckoning, lot: Lot): Promise<void> {
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
  for (const refund of waiting) await owe(tx, books, lot, refund);
}

/** Lets a brand's lots pay all that was ever asked back, as far as they can. Under the account's lock. */
export async function payRefunds(tx: Tx, books: Reckoning, note: Note): Promise<void> {
  const refunds = await tx
    .select({ amount: creditClawbacks.amount, at: creditClawbacks.at, lotId: creditLots.id })
    .from(creditClawbacks)
    .leftJoin(creditLots, eq(creditLots.source, creditClawbacks.lotSource))
    .where(and(eq(creditClawbacks.brandId, books.brandId), isNotNull(creditClawbacks.doneAt)))
    .orderBy(asc(creditClawbacks.at), asc(creditClawbacks.source));
  if (refunds.length > 0) books.payRefunds(refunds, note);
}

/** Notes what a message cost beyond what there was to pay it: owed like a refund. */
export async function oweForMessage(
  tx: Tx,
  books: Reckoning,
  amount: number,
  note: Note & { messageId: string },
): Promise<void> {
  if (amount === 0) return;
  const { brandId } = books;
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
  books.move("DEBT", null, amount, note);
}
