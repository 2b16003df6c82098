import { randomBytes } from "node:crypto";
import { and, count, desc, eq, lt, sql } from "drizzle-orm";
import { apiKeys, users } from "../../../db/schema/identity.ts";
import { forUpdate } from "../../../db/sql.ts";
import type { Reader, Tx } from "../../../db/store.ts";
import { DAY, iso, isoOrNull } from "../../../lib/clock.ts";
import { AppError, notFound } from "../../../lib/errors.ts";
import { getLimit } from "../../limits/overrides.ts";
import { hashKey } from "../credential.ts";
import type { ApiKey, NewApiKey, OwnedApiKey } from "../model.ts";

/** Identifies a leaked key as one of this service. */
const API_KEY_PREFIX = "reprise_";
/** Random bytes of a key, as many as in the master key. */
const KEY_BYTES = 32;
/** Characters of a key that are stored to identify it. */
const SHOWN_KEY_CHARS = 4;

/** Default lifetime of a personal key, so that a forgotten one ends. */
const PERSONAL_KEY_DAYS = 365;

type Row = Pick<typeof apiKeys.$inferSelect, "id" | "name" | "start" | "kind" | "createdAt" | "expiresAt"> & {
  lastUsedAt: number | null;
};

const { id, name, start, kind, createdAt, expiresAt, lastRequest: lastUsedAt } = apiKeys;
const shown = { id, name, start, kind, createdAt, lastUsedAt, expiresAt };

function toApiKey(row: Row): ApiKey {
  const { createdAt, lastUsedAt, expiresAt } = row;
  return { ...row, createdAt: iso(createdAt), lastUsedAt: isoOrNull(lastUsedAt), expiresAt: isoOrNull(expiresAt) };
}

/** Lists the API keys of a user, the newest first; never the keys themselves. */
export async function listApiKeys(read: Reader, userId: string): Promise<ApiKey[]> {
  const rows = await read.select(shown).from(apiKeys).where(eq(apiKeys.referenceId, userId)).orderBy(desc(apiKeys.id));
  return rows.map(toApiKey);
}

/** Lists the API keys of all users with their owners, the newest first, before the one with id `before`. */
export async function listAllApiKeys(
  read: Reader,
  options: { userId?: string | undefined; kind?: Row["kind"] | undefined; before: string | null; limit: number },
): Promise<OwnedApiKey[]> {
  const rows = await read
    .select({ ...shown, userId: users.id, userEmail: users.email })
    .from(apiKeys)
    .innerJoin(users, eq(users.id, apiKeys.referenceId))
    .where(
      and(
        options.userId === undefined ? undefined : eq(apiKeys.referenceId, options.userId),
        options.kind === undefined ? undefined : eq(apiKeys.kind, options.kind),
        options.before === null ? undefined : lt(apiKeys.id, options.before),
      ),
    )
    .orderBy(desc(apiKeys.id))
    .limit(options.limit);
  return rows.map((row) => ({ ...toApiKey(row), userId: row.userId, userEmail: row.userEmail }));
}

/** Creates a key that acts for a user, in one of their sessions. Only its hash is stored. @throws AppError CONFLICT at the limit of keys */
export async function createApiKey(
  tx: Tx,
  userId: string,
  given: NewApiKey,
  sessionId: string | null = null,
): Promise<{ id: string; key: string }> {
  const { name, kind = "PERSONAL", expiresInDays = kind === "PERSONAL" ? PERSONAL_KEY_DAYS : undefined } = given;
  const most = await getLimit(tx, null, "apiKeys");
  // The row of the user is locked, so that two requests cannot both create the last key.
  await tx.all(sql`select id from users where id = ${userId} ${forUpdate("users")}`);
  const [held] = await tx.select({ keys: count() }).from(apiKeys).where(eq(apiKeys.referenceId, userId));
  if (held && held.keys >= most) throw new AppError("CONFLICT", `You have ${most} API keys: revoke one first`);
  const id = tx.newId();
  const key = `${API_KEY_PREFIX}${randomBytes(KEY_BYTES).toString("base64url")}`;
  await tx.insert(apiKeys).values({
    id,
    name: name.trim(),
    prefix: API_KEY_PREFIX,
    start: key.slice(0, API_KEY_PREFIX.length + SHOWN_KEY_CHARS),
    key: hashKey(key),
    referenceId: userId,
    kind,
    sessionId,
    expiresAt: expiresInDays === undefined ? null : tx.now + expiresInDays * DAY,
    createdAt: tx.now,
    updatedAt: tx.now,
  });
  return { id, key };
}

/** Revokes an API key of a user at once. @throws AppError NOT_FOUND unless the user has it */
export async function revokeApiKey(tx: Tx, userId: string, id: string): Promise<void> {
  const own = and(eq(apiKeys.id, id), eq(apiKeys.referenceId, userId));
  const [revoked] = await tx.delete(apiKeys).where(own).returning();
  if (!revoked) throw notFound("API key", id);
}

/** Revokes an API key of any user at once, for admins. @throws AppError NOT_FOUND */
export async function revokeAnyApiKey(tx: Tx, id: string): Promise<void> {
  const [revoked] = await tx.delete(apiKeys).where(eq(apiKeys.id, id)).returning();
  if (!revoked) throw notFound("API key", id);
}
