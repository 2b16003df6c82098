import { randomBytes } from "node:crypto";
import { and, count, desc, eq, lt, sql } from "drizzle-orm";
import { DAY, iso, isoOrNull } from "../../clock.ts";
import { apiKeys, users } from "../../db/schema/identity.ts";
import { forUpdate } from "../../db/sql.ts";
import type { Reader, Tx } from "../../db/store.ts";
import { Fault, notFound } from "../../fault.ts";
import { getLimit } from "../../limits/overrides.ts";
import type { ApiKey, NewApiKey, OwnedApiKey } from "../model.ts";
import { hashKey } from "../proof.ts";

/** Tells a key from other secrets, for whoever finds one where it should not be. */
const PREFIX = "reprise_";
/** As much chance as in the master key. */
const KEY_BYTES = 32;
/** Characters of a key that are kept, to tell keys apart. */
const SHOWN = 4;

/** How long a personal key lasts unless its maker says for how long: nobody misses a key that was forgotten. */
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

/** A user's API keys, the newest first; never the keys themselves. */
export async function listApiKeys(read: Reader, userId: string): Promise<ApiKey[]> {
  const rows = await read.select(shown).from(apiKeys).where(eq(apiKeys.referenceId, userId)).orderBy(desc(apiKeys.id));
  return rows.map(toApiKey);
}

/** Everybody's API keys with their owners, the newest first, before the one with id `before`. */
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

/** Makes a key that acts for a user, in a session of theirs. It is in the answer and nowhere else. CONFLICT when they have as many as one may have. */
export async function createApiKey(
  tx: Tx,
  userId: string,
  given: NewApiKey,
  sessionId: string | null = null,
): Promise<{ id: string; key: string }> {
  const { name, kind = "PERSONAL", expiresInDays = kind === "PERSONAL" ? PERSONAL_KEY_DAYS : undefined } = given;
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
    kind,
    sessionId,
    expiresAt: expiresInDays === undefined ? null : tx.now + expiresInDays * DAY,
    createdAt: tx.now,
    updatedAt: tx.now,
  });
  return { id, key };
}

/** Ends an API key at once. NOT_FOUND unless it is one of this user's; `userId` null means anybody's (an admin). */
export async function revokeApiKey(tx: Tx, userId: string | null, id: string): Promise<void> {
  const mine = and(eq(apiKeys.id, id), userId === null ? undefined : eq(apiKeys.referenceId, userId));
  const [gone] = await tx.delete(apiKeys).where(mine).returning();
  if (!gone) throw notFound("API key", id);
}
