import { and, asc, eq, isNotNull, isNull, min } from "drizzle-orm";
import type { Instant } from "../clock.ts";
import { creditClawbacks } from "../db/schema/credits.ts";
import type { Tx } from "../db/store.ts";
import { type Lot, openAccount } from "./lots.ts";
import { Reckoning } from "./reckoning.ts";

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
  const note = { reason, actorId };
  books.expireOver({ reason: "PERIOD_ENDED" });
  books.clawBack(lot, amount, note);
  books.repay(at, note);
  await books.post(tx);
  await markDone(tx, source);
  return "DONE";
}

async function markDone(tx: Tx, source: string): Promise<void> {
  await tx.update(creditClawbacks).set({ doneAt: tx.now }).where(eq(creditClawbacks.source, source));
}

/** Lets a lot that was just granted pay the refunds that were heard of before it. Under the account's lock. */
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
  for (const { source, amount, reason, actorId, at } of waiting) {
    books.clawBack(lot, amount, { reason, actorId });
    books.repay(at, { reason, actorId });
    await markDone(tx, source);
  }
}

/** Since when a brand may owe something: a lot that expired before that never has to pay. */
export async function owingSince(tx: Tx, brandId: string): Promise<Instant> {
  const [row] = await tx
    .select({ at: min(creditClawbacks.at) })
    .from(creditClawbacks)
    .where(and(eq(creditClawbacks.brandId, brandId), isNotNull(creditClawbacks.doneAt)));
  return Number(row?.at ?? tx.now);
}
