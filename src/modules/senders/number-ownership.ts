import { and, eq, isNotNull, isNull, ne } from "drizzle-orm";
import { isUniqueViolation } from "../../db/errors.ts";
import { voicemailAccounts } from "../../db/schema/senders.ts";
import type { Tx } from "../../db/store.ts";
import { AppError, notFound } from "../../lib/errors.ts";

// A phone number belongs to the brand for which an admin has confirmed it. Any brand may add a number; until it is
// confirmed, an admin can still confirm it for another brand.

type Row = typeof voicemailAccounts.$inferSelect;

/** Creates the error of a proved number, which does not disclose which brand has the number. */
export const numberTaken = () => new AppError("CONFLICT", "This number cannot be added: ask an admin");

const DISABLED_REASON = "This number cannot be used: ask an admin";

/**
 * Asserts that a brand may add a number. Returns the brand's unproved account for it, which an admin (`proved`) now proves.
 * @throws AppError CONFLICT when another brand has proved the number, or this brand has an account for it
 */
export async function assertNumberFree(
  tx: Tx,
  brandId: string,
  phoneNumber: string,
  proved: boolean,
): Promise<Row | null> {
  const known = await tx.select().from(voicemailAccounts).where(eq(voicemailAccounts.phoneNumber, phoneNumber));
  const own = known.find((row) => row.brandId === brandId);
  const taken = known.find((row) => row.provedAt !== null && row.brandId !== brandId);
  if (taken && proved)
    throw new AppError(
      "CONFLICT",
      "Another brand has this number: delete that account first (DELETE /api/voicemail-accounts/{id})",
      {
        meta: { voicemailAccountId: taken.id, brandId: taken.brandId },
      },
    );
  if (taken) throw numberTaken();
  if (own && (own.provedAt !== null || !proved))
    throw new AppError("CONFLICT", "The brand already has an account for this number");
  return own ?? null;
}

/** Marks a number as proved on behalf of an admin. @throws AppError CONFLICT when another brand has proved it */
export async function proveNumber(tx: Tx, { id }: Row): Promise<Row> {
  let row: Row | undefined;
  try {
    [row] = await tx
      .update(voicemailAccounts)
      .set({ provedAt: tx.now, isActive: true, inactiveReason: null, updatedAt: tx.now })
      .where(eq(voicemailAccounts.id, id))
      .returning();
  } catch (error) {
    throw isUniqueViolation(error) ? numberTaken() : error;
  }
  if (!row) throw notFound("voicemail account", id);
  await disableUnprovedNumbers(tx, row);
  return row;
}

/** Disables the unproved accounts that other brands have for a number that is now proved. */
export async function disableUnprovedNumbers(tx: Tx, { id, phoneNumber }: Row): Promise<void> {
  await tx
    .update(voicemailAccounts)
    .set({ isActive: false, inactiveReason: DISABLED_REASON, updatedAt: tx.now })
    .where(
      and(
        eq(voicemailAccounts.phoneNumber, phoneNumber),
        ne(voicemailAccounts.id, id),
        isNull(voicemailAccounts.provedAt),
      ),
    );
}

/** @throws AppError CONFLICT when another brand has proved the number */
export async function assertNumberUnclaimed(tx: Tx, { phoneNumber, provedAt }: Row): Promise<void> {
  if (provedAt !== null) return;
  const proved = and(eq(voicemailAccounts.phoneNumber, phoneNumber), isNotNull(voicemailAccounts.provedAt));
  const [taken] = await tx.select({ id: voicemailAccounts.id }).from(voicemailAccounts).where(proved);
  if (taken) throw new AppError("CONFLICT", DISABLED_REASON);
}
