import { type SQL, sql } from "drizzle-orm";
import type { Instant } from "../clock.ts";
import type { Reader, Store } from "../db/store.ts";
import type { Caller } from "../http/access.ts";
import type { User } from "./model.ts";
import type { Proof } from "./proof.ts";
import type { SessionActivity } from "./sessions/activity.ts";

/** Who makes a request, as the database has it now. */
export interface Presence {
  user: User;
  /** When the session or key ends; null for a key that does not. */
  expiresAt: Instant | null;
  credential: Caller["credential"];
  /** When the password of the session was given last; null for a key. */
  signedInAt: Instant | null;
  /** The API key; null for a session. */
  key: { id: string; lastUsedAt: Instant | null } | null;
  /** Null for a key. */
  sessionId: string | null;
  /** When the session was used last, to within minutes; null for a key. */
  lastSeenAt: Instant | null;
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
const welcome = (now: Instant) => sql`(not coalesce(u.banned, false) or u.ban_expires <= ${now})`;

function bySession(token: string, now: Instant, idleMs: number): SQL {
  return sql`select ${columns}, s.expires_at as "expiresAt", coalesce(s.signed_in_at, s.created_at) as "signedInAt",
    s.id as "sessionId", coalesce(s.last_seen_at, s.created_at) as "lastSeenAt", null as "keyId", null as "lastUsedAt"
    from sessions s
    join users u on u.id = s.user_id left join brands b on b.owner_id = u.id
    where s.token = ${token} and s.expires_at > ${now} and coalesce(s.last_seen_at, s.created_at) > ${now - idleMs}
    and ${welcome(now)}`;
}

function byKey(hash: string, now: Instant): SQL {
  return sql`select ${columns}, k.expires_at as "expiresAt", null as "signedInAt", null as "sessionId",
    null as "lastSeenAt", k.id as "keyId", k.last_request as "lastUsedAt" from api_keys k
    join users u on u.id = k.reference_id left join brands b on b.owner_id = u.id
    where k.key = ${hash} and coalesce(k.enabled, true) and (k.expires_at is null or k.expires_at > ${now}) and ${welcome(now)}`;
}

/**
 * Whom a proof belongs to: one query, nothing cached, so that what was revoked or banned a moment ago is a stranger now. A
 * session that was not used for `idleMs` is a stranger's too.
 */
export async function findPresence(read: Reader, proof: Proof, now: Instant, idleMs: number): Promise<Presence | null> {
  const query = proof.kind === "session" ? bySession(proof.token, now, idleMs) : byKey(proof.hash, now);
  const [row] = await read.all<Row>(query);
  if (!row) return null;
  const { expiresAt, signedInAt, sessionId, lastSeenAt, keyId, lastUsedAt, emailVerified, ...rest } = row;
  // SQLite answers 0 and 1.
  const user = { ...rest, emailVerified: Boolean(emailVerified) };
  const key = keyId === null ? null : { id: keyId, lastUsedAt };
  const credential = key === null ? "session" : "api-key";
  return { user, expiresAt, signedInAt, sessionId, lastSeenAt, key, credential };
}

/** As many as one process serves at the same time, and more. */
const REMEMBERED = 1000;

/**
 * Finds presences, and remembers them for as long as nothing at all is written to the database: what was revoked or banned
 * a moment ago is a stranger now, all the same.
 */
export function presences(
  { read, version }: Pick<Store, "read" | "version">,
  idleMs: number,
  activity: SessionActivity,
) {
  let known = new Map<string, Presence>();
  let knownAt: number | null = null;

  function isOver({ expiresAt, lastSeenAt }: Presence, now: Instant): boolean {
    return (expiresAt !== null && expiresAt <= now) || (lastSeenAt !== null && lastSeenAt <= now - idleMs);
  }

  async function find(proof: Proof, now: Instant): Promise<Presence | null> {
    const current = version();
    if (current === null) return findPresence(read, proof, now, idleMs);
    if (current !== knownAt || known.size >= REMEMBERED) known = new Map();
    knownAt = current;
    const key = proof.kind === "session" ? proof.token : proof.hash;
    const remembered = known.get(key);
    if (remembered && !isOver(remembered, now)) return remembered;
    const presence = await findPresence(read, proof, now, idleMs);
    if (presence && version() === current) known.set(key, presence);
    return presence;
  }

  return async (proof: Proof, now: Instant): Promise<Presence | null> => {
    const presence = await find(proof, now);
    if (presence) activity.note(presence, now);
    return presence;
  };
}
