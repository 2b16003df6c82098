import { type SQL, sql } from "drizzle-orm";
import type { Reader, Store } from "../../db/store.ts";
import type { Principal } from "../../http/request-context.ts";
import type { Instant } from "../../lib/clock.ts";
import type { Credential } from "./credential.ts";
import type { User } from "./model.ts";
import type { SessionActivity } from "./sessions/activity.ts";

/** A principal, and the recorded use of its credential. */
export interface Authentication {
  principal: Principal;
  /** Null for a session. */
  key: { id: string; lastUsedAt: Instant | null } | null;
  /** Time when the session was used last, to within minutes; null for a key. */
  lastSeenAt: Instant | null;
}

/** Returns the user behind a principal, as shown in responses. */
export function toUser({ userId: id, email, name, role, emailVerified, image, brandId }: Principal): User {
  return { id, email, name, role, emailVerified, image, brandId };
}

interface Row extends User {
  expiresAt: Instant | null;
  signedInAt: Instant | null;
  keyId: string | null;
  lastUsedAt: Instant | null;
  sessionId: string | null;
  lastSeenAt: Instant | null;
}

const columns = sql.raw(
  'u.id, u.email, u.name, u.image, u.role, u.email_verified as "emailVerified", b.id as "brandId"',
);
const notBanned = (now: Instant) => sql`(not coalesce(u.banned, false) or u.ban_expires <= ${now})`;

function bySession(token: string, now: Instant, idleMs: number): SQL {
  return sql`select ${columns}, s.expires_at as "expiresAt", coalesce(s.signed_in_at, s.created_at) as "signedInAt",
    s.id as "sessionId", coalesce(s.last_seen_at, s.created_at) as "lastSeenAt", null as "keyId", null as "lastUsedAt"
    from sessions s
    join users u on u.id = s.user_id left join brands b on b.owner_id = u.id
    where s.token = ${token} and s.expires_at > ${now} and coalesce(s.last_seen_at, s.created_at) > ${now - idleMs}
    and ${notBanned(now)}`;
}

function byKey(hash: string, now: Instant): SQL {
  return sql`select ${columns}, k.expires_at as "expiresAt", null as "signedInAt", null as "sessionId",
    null as "lastSeenAt", k.id as "keyId", k.last_request as "lastUsedAt" from api_keys k
    join users u on u.id = k.reference_id left join brands b on b.owner_id = u.id
    where k.key = ${hash} and coalesce(k.enabled, true) and (k.expires_at is null or k.expires_at > ${now}) and ${notBanned(now)}`;
}

/**
 * Finds the principal of a credential in one query, without a cache, so that a revocation or ban takes effect at once. Null
 * also for a session that was not used for `idleMs`.
 */
export async function findAuthentication(
  read: Reader,
  credential: Credential,
  now: Instant,
  idleMs: number,
): Promise<Authentication | null> {
  const query = credential.kind === "session" ? bySession(credential.token, now, idleMs) : byKey(credential.hash, now);
  const [row] = await read.all<Row>(query);
  if (!row) return null;
  const { id: userId, lastSeenAt, keyId, lastUsedAt, emailVerified, ...rest } = row;
  const principal: Principal = {
    ...rest,
    userId,
    // SQLite returns 0 and 1.
    emailVerified: Boolean(emailVerified),
    credential: keyId === null ? "session" : "api-key",
  };
  return { principal, key: keyId === null ? null : { id: keyId, lastUsedAt }, lastSeenAt };
}

/** More principals than one process serves at the same time. */
const MAX_CACHED_AUTHENTICATIONS = 1000;

/**
 * Creates a search that caches its results until the next write to the database, of any table, so that a revocation or ban
 * takes effect at once all the same.
 */
export function createAuthenticationCache(
  { read, version }: Pick<Store, "read" | "version">,
  idleMs: number,
  activity: SessionActivity,
) {
  let cached = new Map<string, Authentication>();
  let cachedAt: number | null = null;

  function isOver({ principal: { expiresAt }, lastSeenAt }: Authentication, now: Instant): boolean {
    return (expiresAt !== null && expiresAt <= now) || (lastSeenAt !== null && lastSeenAt <= now - idleMs);
  }

  async function find(credential: Credential, now: Instant): Promise<Authentication | null> {
    const current = version();
    if (current === null) return findAuthentication(read, credential, now, idleMs);
    if (current !== cachedAt || cached.size >= MAX_CACHED_AUTHENTICATIONS) cached = new Map();
    cachedAt = current;
    const key = credential.kind === "session" ? credential.token : credential.hash;
    const known = cached.get(key);
    if (known && !isOver(known, now)) return known;
    const found = await findAuthentication(read, credential, now, idleMs);
    if (found && version() === current) cached.set(key, found);
    return found;
  }

  return async (credential: Credential, now: Instant): Promise<Authentication | null> => {
    const found = await find(credential, now);
    if (found) activity.record({ sessionId: found.principal.sessionId, lastSeenAt: found.lastSeenAt }, now);
    return found;
  };
}
