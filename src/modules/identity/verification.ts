import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { and, eq, lte } from "drizzle-orm";
import { accounts, users, verifications } from "../../db/schema/identity.ts";
import type { Reader, Tx } from "../../db/store.ts";
import { DAY, type Instant, MINUTE } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { addVerifiedUser } from "./accounts.ts";
import { getUserByEmail, parseEmail, setPassword, type UserRow } from "./users.ts";

/** Lifetime of a mailed link. */
const LINK_TTL_MS = 3 * DAY;
/** Minimum time between two mails to one address, which anybody may type in. */
const MAIL_INTERVAL_MS = 10 * MINUTE;
const TOKEN_BYTES = 32;

/** The mail to send to an address after a sign-up or a request for a link. */
export type PendingMail = { kind: "LINK"; email: string; token: string } | { kind: "HAS_ACCOUNT"; email: string };

const digest = (text: string): string => createHash("sha256").update(text).digest("base64url");

/** Returns the key of the row for an address; built from its hash, so that a token does not contain the address. */
const toIdentifier = (addressHash: string): string => `verify-email|${addressHash}`;

/**
 * Adds an account without a password for a new address, and prepares the mail. Known addresses take the same steps, so that
 * neither the response nor its time tells which addresses exist.
 */
export async function requestSignUp(tx: Tx, given: { email: string; name: string }): Promise<PendingMail | null> {
  const email = parseEmail(given.email);
  const row = { id: tx.newId(), name: given.name.trim(), email, createdAt: tx.now, updatedAt: tx.now };
  await tx.insert(users).values(row).onConflictDoNothing();
  return requestVerification(tx, email);
}

/** Prepares the mail for an address; null for an unknown address, or one that was mailed a short time ago. */
export async function requestVerification(tx: Tx, given: string): Promise<PendingMail | null> {
  const email = parseEmail(given);
  const [user] = await tx.select().from(users).where(eq(users.email, email));
  const identifier = toIdentifier(digest(email));
  const token = `${digest(email)}.${randomBytes(TOKEN_BYTES).toString("base64url")}`;
  const [last] = await tx
    .select({ createdAt: verifications.createdAt })
    .from(verifications)
    .where(eq(verifications.identifier, identifier));
  if (last && last.createdAt > tx.now - MAIL_INTERVAL_MS) return null;
  await tx.delete(verifications).where(eq(verifications.identifier, identifier));
  // Also for an unknown address: both take the same time.
  const times = { expiresAt: tx.now + LINK_TTL_MS, createdAt: tx.now, updatedAt: tx.now };
  await tx.insert(verifications).values({ id: tx.newId(), identifier, value: `${digest(token)} ${email}`, ...times });
  if (!user || user.banned === true) return null;
  return (await isComplete(tx, user)) ? { kind: "HAS_ACCOUNT", email } : { kind: "LINK", email, token };
}

/** Returns whether a user has a verified address and a password, and so needs no link. */
async function isComplete(read: Reader, { id, emailVerified }: UserRow): Promise<boolean> {
  const password = and(eq(accounts.userId, id), eq(accounts.providerId, "credential"));
  return emailVerified && (await read.select({ id: accounts.id }).from(accounts).where(password)).length > 0;
}

const invalidLink = () =>
  new AppError("FORBIDDEN", "This link is not valid any more: ask for a new one (POST /api/auth/send-verification)");

/**
 * Returns the user whose address a link verifies.
 * @throws AppError FORBIDDEN for a link that is invalid, used or expired
 */
export async function getUserByLink(read: Reader, token: string, now: Instant): Promise<UserRow> {
  const identifier = toIdentifier(token.slice(0, Math.max(0, token.indexOf("."))));
  const [link] = await read.select().from(verifications).where(eq(verifications.identifier, identifier));
  const [kept = "", email = ""] = link?.value.split(" ") ?? [];
  const [expected, given] = [Buffer.from(kept), Buffer.from(digest(token))];
  const matches = expected.length === given.length && timingSafeEqual(expected, given);
  if (!link || !matches || link.expiresAt <= now) throw invalidLink();
  const user = await getUserByEmail(read, email);
  if (await isComplete(read, user)) throw invalidLink();
  return user;
}

/**
 * Verifies the address that a link was mailed to, and sets the password chosen there. Of the account that was created with the
 * sign-up only the name is kept, because another person may have typed the address. Works once.
 * @throws AppError FORBIDDEN for a link that is invalid, used or expired
 */
export async function verifyByLink(tx: Tx, token: string, hash: string): Promise<UserRow> {
  const user = await getUserByLink(tx, token, tx.now);
  const link = eq(verifications.identifier, toIdentifier(digest(user.email)));
  const used = await tx.delete(verifications).where(link).returning({ id: verifications.id });
  if (used.length === 0) throw invalidLink();
  if (!user.emailVerified) return addVerifiedUser(tx, { email: user.email, name: user.name }, hash);
  // An admin has verified the address meanwhile; only the password is missing.
  await setPassword(tx, user.id, hash);
  return user;
}

/** Deletes expired links, for a daily job; returns how many there were. */
export async function deleteExpiredLinks(tx: Tx): Promise<number> {
  const old = await tx
    .delete(verifications)
    .where(lte(verifications.expiresAt, tx.now))
    .returning({ id: verifications.id });
  return old.length;
}
