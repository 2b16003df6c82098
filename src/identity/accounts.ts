import { and, asc, eq, lt, not, sql } from "drizzle-orm";
import { DAY } from "../clock.ts";
import { deleteResponsesOf } from "../db/idempotency-keys.ts";
import { brands } from "../db/schema/brands.ts";
import { users } from "../db/schema/identity.ts";
import type { Tx } from "../db/store.ts";
import { Fault } from "../fault.ts";
import { endAllKeys } from "./apiKeys/ending.ts";
import { clearImage } from "./profile/profile.ts";
import { addUser, getUser, type NewAccount, type Row, readEmail, revokeSessions, setPassword } from "./users.ts";

/** How long an account may stay without proof of its e-mail address. */
const UNVERIFIED_ACCOUNT_DAYS = 14;
/** Accounts removed in one transaction. */
const REMOVED_AT_ONCE = 200;

/**
 * Adds a user on an admin's word, which also verifies the address. An account that somebody opened under it without proving
 * it is removed first: nothing of theirs (password, sessions, keys, name, image, brand) comes to the new one.
 * @throws AppError CONFLICT when a verified user has the address
 */
export async function admitUser(tx: Tx, given: NewAccount, hash: string): Promise<Row> {
  await removeUnverified(tx, given.email);
  return addUser(tx, { ...given, emailVerified: true }, hash);
}

/**
 * Makes the person with this address an admin with this password, whether or not they are here yet. What was opened before
 * (sessions, keys) ends; an account whose address nobody has proved is not theirs, and goes.
 */
export async function appointAdmin(tx: Tx, given: { email: string; name: string }, hash: string): Promise<Row> {
  await removeUnverified(tx, given.email);
  const email = readEmail(given.email);
  const [known] = await tx.select({ id: users.id }).from(users).where(eq(users.email, email));
  if (!known) return addUser(tx, { ...given, role: "admin", emailVerified: true }, hash);
  await setPassword(tx, known.id, hash);
  await revokeSessions(tx, known.id);
  await endAllKeys(tx, known.id);
  const lifted = { banned: false, banReason: null, banExpires: null };
  const change = { role: "admin" as const, name: given.name.trim(), ...lifted, updatedAt: tx.now };
  await tx.update(users).set(change).where(eq(users.id, known.id));
  return getUser(tx, known.id);
}

/** Removes the account under this address if nobody has proved that the address is theirs. */
export async function removeUnverified(tx: Tx, email: string): Promise<void> {
  const [squatter] = await tx
    .select({ id: users.id })
    .from(users)
    .where(and(eq(users.email, readEmail(email)), not(users.emailVerified)));
  if (squatter) await removeAccount(tx, squatter.id);
}

/**
 * Removes a user with everything that stands for them. Their brand stays without an owner, because it may have a history that
 * must be kept; an admin gives it to somebody or removes it.
 */
async function removeAccount(tx: Tx, userId: string): Promise<void> {
  await clearImage(tx, userId);
  await tx.update(brands).set({ ownerId: null, updatedAt: tx.now }).where(eq(brands.ownerId, userId));
  await endAllKeys(tx, userId);
  await deleteResponsesOf(tx, userId);
  // Sessions and the password go with the user.
  await tx.delete(users).where(eq(users.id, userId));
}

/** Takes an admin's word that an address belongs to the user who signed up with it. */
export async function verifyUser(tx: Tx, userId: string): Promise<Row> {
  await tx.update(users).set({ emailVerified: true, updatedAt: tx.now }).where(eq(users.id, userId));
  return getUser(tx, userId);
}

/**
 * Removes accounts that nobody verified in two weeks and that own nothing, for a daily job; returns how many, at most
 * `REMOVED_AT_ONCE`. A banned one stays: its ban holds the address.
 */
export async function removeExpiredAccounts(tx: Tx): Promise<number> {
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
    .limit(REMOVED_AT_ONCE);
  for (const { id } of expired) await removeAccount(tx, id);
  return expired.length;
}

/**
 * Refuses what must not be given to somebody who may have typed another's address.
 * @throws AppError CONFLICT for a user whose address nobody has proved
 */
export function expectVerified({ emailVerified }: Pick<Row, "emailVerified">): void {
  if (emailVerified) return;
  throw new Fault(
    "CONFLICT",
    "This user has not proved their e-mail address: they open the link that was mailed to them, or an admin vouches for them (POST /api/auth/admin/verify-user)",
  );
}
