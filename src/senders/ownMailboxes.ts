import { and, eq, isNotNull, isNull, ne } from "drizzle-orm";
import { normaliseEmail } from "../address.ts";
import type { Instant } from "../clock.ts";
import { emailAccounts } from "../db/schema/senders.ts";
import type { Reader, Tx } from "../db/store.ts";
import { isUniqueViolation } from "../db/violations.ts";
import { Fault, invalid } from "../fault.ts";
import type { Connection } from "./connection.ts";

// A mailbox belongs to the brand that has proved it: by a login that worked, or by an admin's word. Anybody may type an
// address; until it is proved that keeps it from nobody, and nothing is sent from it.

type Row = typeof emailAccounts.$inferSelect;

const TAKEN = "This address cannot be used here: ask an admin";

/** Says nothing about who has it. */
export const addressTaken = () => new Fault("CONFLICT", TAKEN);

/** Awaits a statement that proves an address. @throws Fault CONFLICT when another brand proved it at the same moment */
export async function orTaken<T>(statement: Promise<T>): Promise<T> {
  try {
    return await statement;
  } catch (error) {
    throw isUniqueViolation(error) ? addressTaken() : error;
  }
}

/**
 * Returns the address as it is stored.
 * @throws Fault INVALID when it is none, CONFLICT when another brand has proved it or this one has an account for it
 */
export async function expectAddressFree(read: Reader, given: string, brandId: string): Promise<string> {
  const email = normaliseEmail(given);
  if (email === null) throw invalid("email", "expected an e-mail address");
  const known = await read
    .select({ brandId: emailAccounts.brandId, provedAt: emailAccounts.provedAt })
    .from(emailAccounts)
    .where(eq(emailAccounts.email, email));
  if (known.some((row) => row.brandId === brandId))
    throw new Fault("CONFLICT", "This brand has an account for this address already");
  if (known.some((row) => row.provedAt !== null)) throw addressTaken();
  return email;
}

/** Refuses to use a mailbox again whose address another brand has proved meanwhile. @throws Fault CONFLICT */
export async function expectUnclaimed(tx: Tx, { id, email }: Row): Promise<void> {
  const proved = and(eq(emailAccounts.email, email), ne(emailAccounts.id, id), isNotNull(emailAccounts.provedAt));
  const [other] = await tx.select({ id: emailAccounts.id }).from(emailAccounts).where(proved);
  if (other) throw addressTaken();
}

/**
 * What a tried login says about whose the mailbox is: a proof, or that a proof of before is worth nothing any more because the
 * new login does not work.
 */
export function provedBy(connection: Connection, seen: Row, now: Instant): Partial<Row> {
  if (connection.proves) return { provedAt: seen.provedAt ?? now };
  return connection.error === null ? {} : { provedAt: null };
}

/** Disconnects the accounts of brands that only typed an address which another brand has proved. */
export async function disableUnproved(tx: Tx, { id, email }: Row): Promise<void> {
  await tx
    .update(emailAccounts)
    .set({ isActive: false, connectionStatus: "DISCONNECTED", connectionError: TAKEN, updatedAt: tx.now })
    .where(and(eq(emailAccounts.email, email), ne(emailAccounts.id, id), isNull(emailAccounts.provedAt)));
}
