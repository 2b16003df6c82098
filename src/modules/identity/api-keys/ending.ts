import { and, eq } from "drizzle-orm";
import { apiKeys } from "../../../db/schema/identity.ts";
import type { Tx } from "../../../db/store.ts";

/**
 * Deletes the personal keys of a user, wherever their sessions end. Service keys stay, because the programs that hold them
 * know no password.
 */
export async function deletePersonalKeys(tx: Tx, userId: string): Promise<void> {
  await tx.delete(apiKeys).where(and(eq(apiKeys.referenceId, userId), eq(apiKeys.kind, "PERSONAL")));
}

/** Deletes the personal keys that were created in a session, so that ending a stolen session ends its keys too. */
export async function deleteKeysOfSession(tx: Tx, userId: string, sessionId: string): Promise<void> {
  const made = and(eq(apiKeys.referenceId, userId), eq(apiKeys.sessionId, sessionId), eq(apiKeys.kind, "PERSONAL"));
  await tx.delete(apiKeys).where(made);
}

/** Deletes all keys of a user: after a ban, a change of role, or when the account passes to another person. */
export async function deleteAllKeys(tx: Tx, userId: string): Promise<void> {
  await tx.delete(apiKeys).where(eq(apiKeys.referenceId, userId));
}
