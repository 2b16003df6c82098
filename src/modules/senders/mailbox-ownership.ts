import { and, eq, isNotNull, isNull, ne } from "drizzle-orm";
import { isUniqueViolation } from "../../db/errors.ts";
import { emailAccounts } from "../../db/schema/senders.ts";
import type { Reader, Tx } from "../../db/store.ts";
import { normaliseEmail } from "../../lib/addresses.ts";
import type { Instant } from "../../lib/clock.ts";
import { AppError, invalid } from "../../lib/errors.ts";
import type { LoginTest } from "./login-test.ts";

// A mailbox belongs to the brand that has proved it, by a login that worked or by an admin. Any brand may add an address;
// until it is proved, other brands can still prove it, and nothing is sent from it.

type Row = typeof emailAccounts.$inferSelect;

const TAKEN_MESSAGE = "This address cannot be used: ask an admin";

/** Creates the error of a proved address, which does not disclose which brand has the address. */
const addressTaken = () => new AppError("CONFLICT", TAKEN_MESSAGE);

/** Awaits a statement that proves an address. @throws AppError CONFLICT when another brand proved it at the same time */
export async function mapAddressConflict<T>(statement: Promise<T>): Promise<T> {
  try {
    return await statement;
  } catch (error) {
    throw isUniqueViolation(error) ? addressTaken() : error;
  }
}

/**
 * Returns the normalised address.
 * @throws AppError INVALID for a malformed address, CONFLICT when another brand has proved it or this one has an account for it
 */
export async function assertAddressFree(read: Reader, given: string, brandId: string): Promise<string> {
  const email = normaliseEmail(given);
  if (email === null) throw invalid("email", "expected an e-mail address");
  const known = await read
    .select({ brandId: emailAccounts.brandId, provedAt: emailAccounts.provedAt })
    .from(emailAccounts)
    .where(eq(emailAccounts.email, email));
  if (known.some((row) => row.brandId === brandId))
    throw new AppError("CONFLICT", "The brand already has an account for this address");
  if (known.some((row) => row.provedAt !== null)) throw addressTaken();
  return email;
}

/** @throws AppError CONFLICT when another brand has proved the mailbox's address */
export async function assertAddressUnclaimed(tx: Tx, { id, email }: Row): Promise<void> {
  const proved = and(eq(emailAccounts.email, email), ne(emailAccounts.id, id), isNotNull(emailAccounts.provedAt));
  const [other] = await tx.select({ id: emailAccounts.id }).from(emailAccounts).where(proved);
  if (other) throw addressTaken();
}

/**
 * Builds the update of `provedAt` from a tested login: set when it proves ownership, cleared when it does not work, else
 * left as it is.
 */
export function buildProofUpdate(connection: LoginTest, seen: Row, now: Instant): Partial<Row> {
  if (connection.provesOwnership) return { provedAt: seen.provedAt ?? now };
  return connection.error === null ? {} : { provedAt: null };
}

/** Disables the unproved accounts that other brands have for an address that is now proved. */
export async function disableUnprovedMailboxes(tx: Tx, { id, email }: Row): Promise<void> {
  await tx
    .update(emailAccounts)
    .set({ isActive: false, connectionStatus: "DISCONNECTED", connectionError: TAKEN_MESSAGE, updatedAt: tx.now })
    .where(and(eq(emailAccounts.email, email), ne(emailAccounts.id, id), isNull(emailAccounts.provedAt)));
}
