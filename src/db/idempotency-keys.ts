import { and, eq, sql } from "drizzle-orm";
import type { Instant } from "../lib/clock.ts";
import { idempotencyKeys } from "./schema/idempotency.ts";
import { deleteWhere } from "./slices.ts";
import type { Reader, Tx } from "./store.ts";

// The one owner of the table: HTTP stores responses, and an account that is deleted takes its own along.

/** Names a stored response: keys of one user are nothing to another. */
export interface ResponseKey {
  userId: string;
  key: string;
}

type StoredResponse = typeof idempotencyKeys.$inferSelect;

const isAt = ({ userId, key }: ResponseKey) => and(eq(idempotencyKeys.userId, userId), eq(idempotencyKeys.key, key));

/** Finds the response stored under a key; null when there is none. */
export async function findResponseRow(read: Reader, at: ResponseKey): Promise<StoredResponse | null> {
  const [row] = await read.select().from(idempotencyKeys).where(isAt(at));
  return row ?? null;
}

/** Returns whether something is stored under a key. */
export async function hasResponse(read: Reader, at: ResponseKey): Promise<boolean> {
  return (await read.select({ key: idempotencyKeys.key }).from(idempotencyKeys).where(isAt(at))).length > 0;
}

/**
 * Takes a key for the request that has this fingerprint; false when it is taken already. On Postgres a second request waits
 * here until the first has committed or failed.
 */
export async function takeKey(tx: Tx, { userId, key }: ResponseKey, fingerprint: string): Promise<boolean> {
  const empty = { userId, key, fingerprint, answer: "", createdAt: tx.now };
  return (await tx.insert(idempotencyKeys).values(empty).onConflictDoNothing().returning()).length > 0;
}

/** Stores the encrypted response under a key that was taken. */
export async function storeResponse(tx: Tx, at: ResponseKey, answer: string): Promise<void> {
  await tx.update(idempotencyKeys).set({ answer }).where(isAt(at));
}

/** Deletes the responses of a user, with the user. */
export async function deleteUserResponses(tx: Tx, userId: string): Promise<void> {
  await tx.delete(idempotencyKeys).where(eq(idempotencyKeys.userId, userId));
}

/** Deletes responses stored before this time, a slice at a time; returns how many there were. */
export async function deleteResponsesBefore(tx: Tx, time: Instant): Promise<number> {
  return deleteWhere(tx, "idempotency_keys", sql`created_at < ${time}`);
}
