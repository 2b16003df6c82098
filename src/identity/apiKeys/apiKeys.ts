import { randomBytes } from "node:crypto";
import { and, count, desc, eq, sql } from "drizzle-orm";
import { DAY, iso, isoOrNull } from "../../clock.ts";
import { apiKeys } from "../../db/schema/identity.ts";
import { forUpdate } from "../../db/sql.ts";
import type { Reader, Tx } from "../../db/store.ts";
import { Fault, notFound } from "../../fault.ts";
import { getLimit } from "../../limits/overrides.ts";
import type { ApiKey, NewApiKey } from "../model.ts";
import { hashKey } from "../proof.ts";

/** Tells a key from other secrets, for whoever finds one where it should not be. */
const PREFIX = "reprise_";
/** As much chance as in the master key. */
const KEY_BYTES = 32;
/** Characters of a key that are kept, to tell keys apart. */
const SHOWN = 4;

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

/** Makes a key that acts for a user. It is in the answer and nowhere else. CONFLICT when they have as many as one may have. */
export async function createApiKey(tx: Tx, userId: string, given: NewApiKey): Promise<{ id: string; key: string }> {
  const { name, expiresInDays } = given;
  const most = await getLimit(tx, null, "apiKeys");
  // The user is held, so that of two requests for the last key one comes first.
  await tx.all(sql`select id from users where id = ${userId} ${forUpdate("users")}`);
  const [held] = await tx.select({ keys: count() }).from(apiKeys).where(eq(apiKeys.referenceId, userId));
  if (held && held.keys >= most) throw new Fault("CONFLICT", `You have ${most} API keys: revoke one first`);
  const id = tx.newId();
  const key = `${PREFIX}${randomBytes(KEY_BYTES).toString("base64url")}`;
  await tx.insert(apiKeys).values({
    id,
    name: name.trim(),
    prefix: PREFIX,
    start: key.slice(0, PREFIX.length + SHOWN),
    key: hashKey(key),
    referenceId: userId,
    expiresAt: expiresInDays === undefined ? null : tx.now + expiresInDays * DAY,
    createdAt: tx.now,
    updatedAt: tx.now,
  });
  return { id, key };
}

/** Ends an API key at once. NOT_FOUND unless it is one of this user's. */
export async function revokeApiKey(tx: Tx, userId: string, id: string): Promise<void> {
  const mine = and(eq(apiKeys.id, id), eq(apiKeys.referenceId, userId));
  const [gone] = await tx.delete(apiKeys).where(mine).returning();
  if (!gone) throw notFound("API key", id);
}
