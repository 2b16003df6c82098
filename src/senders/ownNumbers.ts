import { and, eq, isNotNull, isNull, ne } from "drizzle-orm";
import { voicemailAccounts } from "../db/schema/senders.ts";
import type { Tx } from "../db/store.ts";
import { isUniqueViolation } from "../db/violations.ts";
import { Fault, notFound } from "../fault.ts";

// A phone number belongs to the brand for which an admin has vouched, and to nobody before. Anybody may type a number; that
// keeps it from nobody.

type Row = typeof voicemailAccounts.$inferSelect;

/** Says nothing about who has it. */
export const numberTaken = () => new Fault("CONFLICT", "This number cannot be added here: ask an admin");

const DISABLED_REASON = "This number cannot be used here: ask an admin";

/**
 * Refuses a number that is proved already, or that the brand has. Returns the account of the brand that an admin's word now
 * proves, if its owner had typed the number before.
 * @throws Fault CONFLICT
 */
export async function expectNumberFree(
  tx: Tx,
  brandId: string,
  phoneNumber: string,
  proved: boolean,
): Promise<Row | null> {
  const known = await tx.select().from(voicemailAccounts).where(eq(voicemailAccounts.phoneNumber, phoneNumber));
  const own = known.find((row) => row.brandId === brandId);
  const taken = known.find((row) => row.provedAt !== null && row.brandId !== brandId);
  if (taken && proved)
    throw new Fault(
      "CONFLICT",
      "Another brand has this number: remove it there first (DELETE /api/voicemail-accounts)",
      {
        facts: { voicemailAccountId: taken.id, brandId: taken.brandId },
      },
    );
  if (taken) throw numberTaken();
  if (own && (own.provedAt !== null || !proved))
    throw new Fault("CONFLICT", "This brand has an account for this number already");
  return own ?? null;
}

/** Takes an admin's word for a number that its brand has typed. */
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

/** Switches off the accounts of brands that only typed a number which another brand has proved. */
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

/** Refuses to switch on a number that another brand has proved. @throws Fault CONFLICT */
export async function expectOwnNumber(tx: Tx, { phoneNumber, provedAt }: Row): Promise<void> {
  if (provedAt !== null) return;
  const proved = and(eq(voicemailAccounts.phoneNumber, phoneNumber), isNotNull(voicemailAccounts.provedAt));
  const [taken] = await tx.select({ id: voicemailAccounts.id }).from(voicemailAccounts).where(proved);
  if (taken) throw new Fault("CONFLICT", DISABLED_REASON);
}
