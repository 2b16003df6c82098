import { and, asc, eq, lt, not, sql } from "drizzle-orm";
import { deleteUserResponses } from "../../db/idempotency-keys.ts";
import { brands } from "../../db/schema/brands.ts";
import { users } from "../../db/schema/identity.ts";
import type { Tx } from "../../db/store.ts";
import { DAY } from "../../lib/clock.ts";
import { clearOwner } from "../brands/owners.ts";
import { deleteAllKeys } from "./api-keys/ending.ts";
import { deleteImage } from "./profile/profile.ts";
import { addUser, getUser, type NewAccount, parseEmail, revokeSessions, setPassword, type UserRow } from "./users.ts";

/** Time after which an account with an unverified e-mail address is deleted. */
const UNVERIFIED_ACCOUNT_DAYS = 14;
/** Accounts deleted in one transaction. */
const MAX_ACCOUNTS_PER_DELETE = 200;

/**
 * Adds a user for an admin, which also verifies the address. An unverified account with the same address is deleted first:
 * nothing of it (password, sessions, keys, name, image, brand) passes to the new one.
 * @throws AppError CONFLICT when a verified user has the address
 */
export async function addVerifiedUser(tx: Tx, given: NewAccount, hash: string): Promise<UserRow> {
  await deleteUnverifiedUser(tx, given.email);
  return addUser(tx, { ...given, emailVerified: true }, hash);
}

/**
 * Makes the user with this address an admin with this password, or adds one. Existing sessions and keys end. An unverified
 * account with the address is deleted, because it may belong to another person.
 */
export async function grantAdmin(tx: Tx, given: { email: string; name: string }, hash: string): Promise<UserRow> {
  await deleteUnverifiedUser(tx, given.email);
  const email = parseEmail(given.email);
  const [known] = await tx.select({ id: users.id }).from(users).where(eq(users.email, email));
  if (!known) return addUser(tx, { ...given, role: "admin", emailVerified: true }, hash);
  await setPassword(tx, known.id, hash);
  await revokeSessions(tx, known.id);
  await deleteAllKeys(tx, known.id);
  const lifted = { banned: false, banReason: null, banExpires: null };
  const change = { role: "admin" as const, name: given.name.trim(), ...lifted, updatedAt: tx.now };
  await tx.update(users).set(change).where(eq(users.id, known.id));
  return getUser(tx, known.id);
}

/** Deletes the account with this address unless the address is verified. */
async function deleteUnverifiedUser(tx: Tx, email: string): Promise<void> {
  const [squatter] = await tx
    .select({ id: users.id })
    .from(users)
    .where(and(eq(users.email, parseEmail(email)), not(users.emailVerified)));
  if (squatter) await deleteAccount(tx, squatter.id);
}

/**
 * Deletes a user with their sessions, keys and image. Their brand stays without an owner, because its history may have to be
 * kept; an admin assigns or deletes it.
 */
async function deleteAccount(tx: Tx, userId: string): Promise<void> {
  await deleteImage(tx, userId);
  await clearOwner(tx, userId);
  await deleteAllKeys(tx, userId);
  await deleteUserResponses(tx, userId);
  // Sessions and the password are deleted by cascade.
  await tx.delete(users).where(eq(users.id, userId));
}

/** Marks the address of a user as verified, for an admin. */
export async function verifyUser(tx: Tx, userId: string): Promise<UserRow> {
  await tx.update(users).set({ emailVerified: true, updatedAt: tx.now }).where(eq(users.id, userId));
  return getUser(tx, userId);
}

/**
 * Deletes unverified accounts that are two weeks old and own nothing, for a daily job; returns how many, at most
 * `MAX_ACCOUNTS_PER_DELETE`. A banned one stays, so that its address stays banned.
 */
export async function deleteExpiredAccounts(tx: Tx): Promise<number> {
  const expired = await tx
    .select({ id: users.id })
    .from(users)
    .where(
      and(
        sql.raw("not email_verified"),
        lt(users.createdAt, tx.now - UNVERIFIED_ACCOUNT_DAYS * DAY),
        eq(users.role, "user"),
        sql`not coalesce(${users.banned}, false)`,
        sql`not exists (select 1 from ${brands} where ${brands.ownerId} = ${users.id})`,
      ),
    )
    .orderBy(asc(users.createdAt))
    .limit(MAX_ACCOUNTS_PER_DELETE);
  for (const { id } of expired) await deleteAccount(tx, id);
  return expired.length;
}
