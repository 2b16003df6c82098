import { and, count, desc, eq } from "drizzle-orm";
import { iso, isoOrNull } from "../../clock.ts";
import { apiKeys } from "../../db/schema/identity.ts";
import type { Reader, Tx } from "../../db/store.ts";
import { Fault, notFound } from "../../fault.ts";
import type { ApiKey } from "../model.ts";

/** So many that nobody who uses them misses one, so few that a list of them needs no pages. */
const MOST = 100;

/** A user's API keys, the newest first; never the keys themselves. */
export async function listApiKeys(read: Reader, userId: string): Promise<ApiKey[]> {
  const { id, name, start, createdAt, expiresAt } = apiKeys;
  const rows = await read
    .select({ id, name, start, createdAt, expiresAt })
    .from(apiKeys)
    .where(eq(apiKeys.referenceId, userId))
    .orderBy(desc(apiKeys.id));
  return rows.map((row) => ({ ...row, createdAt: iso(row.createdAt), expiresAt: isoOrNull(row.expiresAt) }));
}

/** CONFLICT when a user has as many keys as one may have. */
export async function checkRoomForApiKey(read: Reader, userId: string): Promise<void> {
  const [held] = await read.select({ keys: count() }).from(apiKeys).where(eq(apiKeys.referenceId, userId));
  if (held && held.keys >= MOST) throw new Fault("CONFLICT", `You have ${MOST} API keys: revoke one first`);
}

/** Ends an API key at once. NOT_FOUND unless it is one of this user's. */
export async function revokeApiKey(tx: Tx, userId: string, id: string): Promise<void> {
  const mine = and(eq(apiKeys.id, id), eq(apiKeys.referenceId, userId));
  const [gone] = await tx.delete(apiKeys).where(mine).returning();
  if (!gone) throw notFound("API key", id);
}
