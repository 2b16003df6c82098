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

/** Ends every key of a user, for good: after a ban, a change of role, or when the account goes to somebody else. */
export async function endAllKeys(tx: Tx, userId: string): Promise<void> {
  await tx.delete(apiKeys).where(eq(apiKeys.referenceId, userId));
}
