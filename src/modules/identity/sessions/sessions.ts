import { and, desc, eq, gt, sql } from "drizzle-orm";
import { accounts, sessions } from "../../../db/schema/identity.ts";
import type { Reader, Tx } from "../../../db/store.ts";
import { type Instant, iso } from "../../../lib/clock.ts";
import { notFound } from "../../../lib/errors.ts";
import { deleteKeysOfSession } from "../api-keys/ending.ts";
import type { OwnSession } from "./model.ts";

/** Sessions in a list, which has no pages. */
const MAX_LISTED_SESSIONS = 100;

const lastSeenAt = sql<Instant>`coalesce(${sessions.lastSeenAt}, ${sessions.createdAt})`.mapWith(Number);
const signedInAt = sql<Instant>`coalesce(${sessions.signedInAt}, ${sessions.createdAt})`.mapWith(Number);

/** Lists the open sessions of a user, the newest first; never their tokens. `currentId` is the session of the request. */
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

/** Revokes a session of a user at once, with the personal API keys created in it. @throws AppError NOT_FOUND unless the user has it */
export async function revokeSession(tx: Tx, userId: string, id: string): Promise<void> {
  const mine = and(eq(sessions.id, id), eq(sessions.userId, userId));
  const [gone] = await tx.delete(sessions).where(mine).returning({ id: sessions.id });
  if (!gone) throw notFound("session", id);
  await deleteKeysOfSession(tx, userId, id);
}

/** Returns the hash of a user's password; null where there is none. */
export async function findPasswordHash(read: Reader, userId: string): Promise<string | null> {
  const own = and(eq(accounts.userId, userId), eq(accounts.providerId, "credential"));
  const [account] = await read.select({ hash: accounts.password }).from(accounts).where(own);
  return account?.hash ?? null;
}

/** Records that the password of a session was given now. @throws AppError NOT_FOUND when the session has ended */
export async function recordReauthentication(tx: Tx, sessionId: string): Promise<Instant> {
  const set = { signedInAt: tx.now, updatedAt: tx.now };
  const [renewed] = await tx.update(sessions).set(set).where(eq(sessions.id, sessionId)).returning({ id: sessions.id });
  if (!renewed) throw notFound("session", sessionId);
  return tx.now;
}
