import { and, asc, eq, ne, sql } from "drizzle-orm";
import { isUniqueViolation } from "../../db/errors.ts";
import { accounts, sessions, users } from "../../db/schema/identity.ts";
import { deleteWhere } from "../../db/slices.ts";
import { forUpdate } from "../../db/sql.ts";
import type { Reader, Tx } from "../../db/store.ts";
import { AppError, invalid, notFound } from "../../lib/errors.ts";
import { deleteAllKeys, deletePersonalKeys } from "./api-keys/ending.ts";

export type UserRow = typeof users.$inferSelect;
type Role = UserRow["role"];

export interface NewAccount {
  email: string;
  name: string;
  role?: Role | undefined;
}

/** Parses an e-mail address; returns it in lower case. @throws AppError INVALID */
export function parseEmail(given: string): string {
  const email = given.trim().toLowerCase();
  if (email.length > 254 || !/^[^\s@]+@[^\s@]+$/.test(email)) throw invalid("email", "expected an e-mail address");
  return email;
}

/** Returns the user with this id. @throws AppError NOT_FOUND */
export async function getUser(read: Reader, id: string): Promise<UserRow> {
  const [row] = await read.select().from(users).where(eq(users.id, id));
  if (!row) throw notFound("user", id);
  return row;
}

/** Returns the user with this e-mail address, ignoring case. @throws AppError NOT_FOUND */
export async function getUserByEmail(read: Reader, email: string): Promise<UserRow> {
  const [row] = await read
    .select()
    .from(users)
    .where(eq(users.email, parseEmail(email)));
  if (!row) throw notFound("user", email);
  return row;
}

/** Returns whether the installation has an admin. */
export async function hasAdmin(read: Reader): Promise<boolean> {
  return (await read.select({ id: users.id }).from(users).where(eq(users.role, "admin")).limit(1)).length > 0;
}

/**
 * Adds a user who signs in with a password, given as its hash.
 * @throws AppError CONFLICT when the address is taken
 */
export async function addUser(tx: Tx, given: NewAccount & { emailVerified?: boolean }, hash: string): Promise<UserRow> {
  const id = tx.newId();
  const row = {
    id,
    name: given.name.trim(),
    email: parseEmail(given.email),
    role: given.role ?? "user",
    emailVerified: given.emailVerified ?? false,
    createdAt: tx.now,
    updatedAt: tx.now,
  };
  try {
    await tx.insert(users).values(row);
  } catch (error) {
    if (isUniqueViolation(error)) throw new AppError("CONFLICT", "There is a user with this e-mail address already");
    throw error;
  }
  await setPassword(tx, id, hash);
  return getUser(tx, id);
}

/**
 * Sets the role of a user. When it changes, their API keys end, so that no key has rights its creator did not have.
 * @throws AppError CONFLICT for the last admin
 */
export async function setRole(tx: Tx, id: string, role: Role): Promise<UserRow> {
  if (role !== "admin") await assertNotLastAdmin(tx, id);
  const changed = await tx
    .update(users)
    .set({ role, updatedAt: tx.now })
    .where(and(eq(users.id, id), ne(users.role, role)))
    .returning({ id: users.id });
  if (changed.length > 0) await deleteAllKeys(tx, id);
  return getUser(tx, id);
}

/** Bans a user at once, until `unbanUser`; deletes their sessions and API keys. @throws AppError CONFLICT for the last admin */
export async function banUser(tx: Tx, id: string): Promise<UserRow> {
  await assertNotLastAdmin(tx, id);
  await tx.update(users).set({ banned: true, banExpires: null, updatedAt: tx.now }).where(eq(users.id, id));
  await revokeSessions(tx, id);
  await deleteAllKeys(tx, id);
  return getUser(tx, id);
}

/** Lifts the ban of a user. */
export async function unbanUser(tx: Tx, id: string): Promise<UserRow> {
  const lifted = { banned: false, banReason: null, banExpires: null, updatedAt: tx.now };
  await tx.update(users).set(lifted).where(eq(users.id, id));
  return getUser(tx, id);
}

/** Deletes all sessions and personal API keys of a user; service keys stay. */
export async function revokeSessions(tx: Tx, userId: string): Promise<void> {
  await tx.delete(sessions).where(eq(sessions.userId, userId));
  await deletePersonalKeys(tx, userId);
}

/** Deletes expired sessions, for a daily job; returns how many there were. */
export async function deleteEndedSessions(tx: Tx): Promise<number> {
  return deleteWhere(tx, "sessions", sql`expires_at <= ${tx.now}`);
}

/** Sets the password of a user; `password` is its hash. */
export async function setPassword(tx: Tx, userId: string, password: string): Promise<void> {
  const mine = and(eq(accounts.userId, userId), eq(accounts.providerId, "credential"));
  const changed = await tx.update(accounts).set({ password, updatedAt: tx.now }).where(mine).returning();
  if (changed.length > 0) return;
  const row = { id: tx.newId(), userId, accountId: userId, providerId: "credential", password };
  await tx.insert(accounts).values({ ...row, createdAt: tx.now, updatedAt: tx.now });
}

/** Asserts that another admin exists. Locks the rows of all admins, so that two who remove each other do not both succeed. @throws AppError CONFLICT */
async function assertNotLastAdmin(tx: Tx, id: string): Promise<void> {
  await tx.all(sql`select id from users where role = 'admin' order by id ${forUpdate("users")}`);
  const others = and(eq(users.role, "admin"), ne(users.id, id), sql`not coalesce(${users.banned}, false)`);
  const [other] = await tx.select({ id: users.id }).from(users).where(others).orderBy(asc(users.id)).limit(1);
  if (other) return;
  if ((await getUser(tx, id)).role === "admin")
    throw new AppError("CONFLICT", "This is the last admin: appoint another one first");
}
