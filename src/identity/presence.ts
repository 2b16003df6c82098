import { type SQL, sql } from "drizzle-orm";
import type { Instant } from "../clock.ts";
import type { Reader, Store } from "../db/store.ts";
import type { User } from "./model.ts";
import type { Proof } from "./proof.ts";

/** Who makes a request, as the database has it now. */
export interface Presence {
  user: User;
  /** When the session or key ends; null for a key that does not. */
  expiresAt: Instant | null;
}

interface Row extends User {
  expiresAt: Instant | null;
}

const columns = sql.raw('u.id, u.email, u.name, u.image, u.role, b.id as "brandId"');
const welcome = (now: Instant) => sql`(not coalesce(u.banned, false) or u.ban_expires <= ${now})`;

function bySession(token: string, now: Instant): SQL {
  return sql`select ${columns}, s.expires_at as "expiresAt" from sessions s
    join users u on u.id = s.user_id left join brands b on b.owner_id = u.id
    where s.token = ${token} and s.expires_at > ${now} and ${welcome(now)}`;
}

function byKey(hash: string, now: Instant): SQL {
  return sql`select ${columns}, k.expires_at as "expiresAt" from api_keys k
    join users u on u.id = k.reference_id left join brands b on b.owner_id = u.id
    where k.key = ${hash} and coalesce(k.enabled, true) and (k.expires_at is null or k.expires_at > ${now}) and ${welcome(now)}`;
}

/** Whom a proof belongs to, in one query. */
export async function findPresence(read: Reader, proof: Proof, now: Instant): Promise<Presence | null> {
  const query = proof.kind === "session" ? bySession(proof.token, now) : byKey(proof.hash, now);
  const [row] = await read.all<Row>(query);
  if (!row) return null;
  const { expiresAt, ...user } = row;
  return { user, expiresAt };
}

/** So many are remembered at most; then all are asked for anew. */
const REMEMBERED = 10_000;

/**
 * Finds presences, and remembers each for as long as nobody commits anything at all: what was revoked or banned a moment
 * ago is a stranger all the same. Where the store has no version nothing is remembered.
 */
export function presenceFinder(store: Pick<Store, "read" | "version">) {
  const known = new Map<string, Presence>();
  let asOf: number | null = null;
  return async (proof: Proof, now: Instant): Promise<Presence | null> => {
    const version = store.version();
    if (version !== asOf || known.size > REMEMBERED) known.clear();
    asOf = version;
    const key = proof.kind === "session" ? `session ${proof.token}` : `key ${proof.hash}`;
    const seen = known.get(key);
    if (seen && (seen.expiresAt === null || seen.expiresAt > now)) return seen;
    // Nothing lies between the version and the query but this line: a commit in between makes the answer newer, not older.
    const presence = await findPresence(store.read, proof, now);
    if (presence && version !== null && version === asOf) known.set(key, presence);
    return presence;
  };
}
