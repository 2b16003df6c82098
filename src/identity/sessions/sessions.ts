import { and, desc, eq, gt, sql } from "drizzle-orm";
import { type Instant, iso } from "../../clock.ts";
import { accounts, sessions } from "../../db/schema/identity.ts";
import type { Reader, Tx } from "../../db/store.ts";
import { notFound } from "../../fault.ts";
import { endKeysOfSession } from "../apiKeys/ending.ts";
import type { OwnSession } from "./model.ts";

/** So many that nobody misses one, so few that a list of them needs no pages. */
const MAX_LISTED_SESSIONS = 100;

const lastSeenAt = sql<Instant>`coalesce(${sessions.lastSeenAt}, ${sessions.createdAt})`.mapWith(Number);
const signedInAt = sql<Instant>`coalesce(${sessions.signedInAt}, ${sessions.createdAt})`.mapWith(Number);

/** Returns a user's open sessions, the newest first; never their tokens. `currentId` is the one that asks. */
export async function listSessions(
  read: Reader,
  asked: { userId: string; currentId: string | null; now: Instant; idleMs: number },
): Promise<OwnSession[]> {
  const { id, createdAt, expiresAt, ipAddress, userAgent, userId } = sessions;
  const isOpen = and(gt(expiresAt, asked.now), gt(lastSeenAt, asked.now - asked.idleMs));
  const rows = await read
    .select({ id, createdAt, signedInAt, lastSeenAt, expiresAt, ipAddress, userAgent })
    .from(sessions)
    .where(and(eq(userId, asked.userId), isOpen))
    .orderBy(desc(id))
    .limit(MAX_LISTED_SESSIONS);
  return rows.map((row) => ({
    id: row.id,
    createdAt: iso(row.createdAt),
    signedInAt: iso(row.signedInAt),
    lastSeenAt: iso(row.lastSeenAt),
    expiresAt: iso(row.expiresAt),
    address: row.ipAddress || null,
    userAgent: row.userAgent || null,
    current: row.id === asked.currentId,
  }));
}

/** Ends one session of a user at once, with the personal API keys that were made in it. NOT_FOUND unless it is one of theirs. */
export async function revokeSession(tx: Tx, userId: string, id: string): Promise<void> {
  const mine = and(eq(sessions.id, id), eq(sessions.userId, userId));
  const [gone] = await tx.delete(sessions).where(mine).returning({ id: sessions.id });
  if (!gone) throw notFound("session", id);
  await endKeysOfSession(tx, userId, id);
}

/** Returns the hash of a user's password; null where there is none. */
export async function findPasswordHash(read: Reader, userId: string): Promise<string | null> {
  const own = and(eq(accounts.userId, userId), eq(accounts.providerId, "credential"));
  const [account] = await read.select({ hash: accounts.password }).from(accounts).where(own);
  return account?.hash ?? null;
}

/** Notes that the password of a session was given now. NOT_FOUND when the session has ended meanwhile. */
export async function renewSignIn(tx: Tx, sessionId: string): Promise<Instant> {
  const set = { signedInAt: tx.now, updatedAt: tx.now };
  const [renewed] = await tx.update(sessions).set(set).where(eq(sessions.id, sessionId)).returning({ id: sessions.id });
  if (!renewed) throw notFound("session", sessionId);
  return tx.now;
}
