import { and, eq } from "drizzle-orm";
import { apiKeys } from "../../db/schema/identity.ts";
import type { Tx } from "../../db/store.ts";

/**
 * Ends the keys that stand for a person: what ends the person's sessions ends them too. Service keys go on, because the
 * programs that hold them know no password.
 */
export async function endPersonalKeys(tx: Tx, userId: string): Promise<void> {
  await tx.delete(apiKeys).where(and(eq(apiKeys.referenceId, userId), eq(apiKeys.kind, "PERSONAL")));
}

/** Ends the personal keys that were made in a session: whoever ends a session that is not theirs ends what came of it. */
export async function endKeysOfSession(tx: Tx, userId: string, sessionId: string): Promise<void> {
  const made = and(eq(apiKeys.referenceId, userId), eq(apiKeys.sessionId, sessionId), eq(apiKeys.kind, "PERSONAL"));
  await tx.delete(apiKeys).where(made);
}

/** Ends every key of a user, for good: after a ban, a change of role, or when the account goes to somebody else. */
export async function endAllKeys(tx: Tx, userId: string): Promise<void> {
  await tx.delete(apiKeys).where(eq(apiKeys.referenceId, userId));
}
