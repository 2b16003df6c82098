import { eq, sql } from "drizzle-orm";
import type { Signer } from "../lib/crypto/secrets.ts";
import { AppError } from "../lib/errors.ts";
import { installation } from "./schema/installation.ts";
import type { Reader, Tx } from "./store.ts";

const KEY_NAME = "key";
/** The text whose signature identifies a key. */
const KEY_CHECK_TEXT = "this installation's key";
/** Prefix of the names of the leases of periodic jobs. */
export const LEASE_PREFIX = "turn ";

/**
 * Checks that all processes on a database have the same secret key: the first one stores a signature, which the others must be
 * able to reproduce.
 * @throws AppError CONFLICT for a process with another key
 */
export async function assertOrRegisterKey(tx: Tx, signer: Signer): Promise<void> {
  const value = signer.sign(KEY_CHECK_TEXT);
  await tx.insert(installation).values({ name: KEY_NAME, value }).onConflictDoNothing();
  const [known] = await tx.select().from(installation).where(eq(installation.name, KEY_NAME));
  if (known?.value === value) return;
  throw new AppError(
    "CONFLICT",
    "This secret key does not belong to this database. Start with its REPRISE_SECRET, or its secret.key in DATA_DIR; if that is lost, run `reprise key adopt` to accept the current key",
  );
}

/** Returns whether a database has a key. */
export async function hasKey(read: Reader): Promise<boolean> {
  return (await read.select().from(installation).where(eq(installation.name, KEY_NAME))).length > 0;
}

/**
 * Checks that a key is the one of this database, without writing.
 * @throws AppError CONFLICT for another key
 */
export async function assertKey(read: Reader, signer: Signer): Promise<void> {
  const [known] = await read.select().from(installation).where(eq(installation.name, KEY_NAME));
  if (!known || known.value === signer.sign(KEY_CHECK_TEXT)) return;
  throw new AppError(
    "CONFLICT",
    "The ledger was signed with another key and cannot be verified with this one. Run this with the database's REPRISE_SECRET, or with the DATA_DIR of its secret.key",
  );
}

/** Replaces the key of this database. Secrets encrypted with the previous key stay unreadable. */
export async function adoptKey(tx: Tx, signer: Signer): Promise<void> {
  await tx.delete(installation).where(eq(installation.name, KEY_NAME));
  await assertOrRegisterKey(tx, signer);
}

/**
 * Tries to acquire the lease of a periodic job for `span` milliseconds; true for the first process that asks. It avoids
 * duplicate work but does not exclude it: a job may still run twice.
 */
export async function tryAcquireLease(tx: Tx, job: string, span: number): Promise<boolean> {
  const until = String(tx.now + span);
  // A lease that ends later was acquired by a process whose clock was ahead.
  const isFree = sql`${installation.value} < ${String(tx.now)} or ${installation.value} > ${until}`;
  const acquired = await tx
    .insert(installation)
    .values({ name: `${LEASE_PREFIX}${job}`, value: until })
    .onConflictDoUpdate({ target: installation.name, set: { value: until }, setWhere: isFree })
    .returning({ name: installation.name });
  return acquired.length > 0;
}

/** Finds a value that a job has noted about this database. */
export async function findNote(read: Reader, name: string): Promise<string | null> {
  const [found] = await read.select().from(installation).where(eq(installation.name, name));
  return found?.value ?? null;
}

/** Notes a value about this database in place of the one before. */
export async function setNote(tx: Tx, name: string, value: string): Promise<void> {
  await tx
    .insert(installation)
    .values({ name, value })
    .onConflictDoUpdate({ target: installation.name, set: { value } });
}
