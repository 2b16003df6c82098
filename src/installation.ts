import { eq, sql } from "drizzle-orm";
import { installation } from "./db/schema/installation.ts";
import type { Reader, Tx } from "./db/store.ts";
import { Fault } from "./fault.ts";
import type { Signer } from "./secrets.ts";

const KEY = "key";
/** What a key signs to be known again. */
const OWN_KEY = "this installation's key";
/** Begins the names of who did periodic work last. */
export const TURN = "turn ";

/**
 * Sees to it that all processes on a database have the key that its secrets are sealed with: the first one leaves a
 * signature, the others must be able to write the same.
 * @throws Fault CONFLICT for a process with another key
 */
export async function proveKey(tx: Tx, signer: Signer): Promise<void> {
  const value = signer.sign(OWN_KEY);
  await tx.insert(installation).values({ name: KEY, value }).onConflictDoNothing();
  const [known] = await tx.select().from(installation).where(eq(installation.name, KEY));
  if (known?.value === value) return;
  throw new Fault(
    "CONFLICT",
    "This database was set up with another key. Start with its REPRISE_SECRET, or its secret.key in DATA_DIR; if that is lost for good, `reprise key adopt` makes do with this one",
  );
}

/** Whether a database was set up with a key. */
export async function hasKey(read: Reader): Promise<boolean> {
  return (await read.select().from(installation).where(eq(installation.name, KEY))).length > 0;
}

/**
 * Sees to it that a key is the one of this database, and writes nothing.
 * @throws Fault CONFLICT for another key
 */
export async function expectKey(read: Reader, signer: Signer): Promise<void> {
  const [known] = await read.select().from(installation).where(eq(installation.name, KEY));
  if (!known || known.value === signer.sign(OWN_KEY)) return;
  throw new Fault(
    "CONFLICT",
    "The ledger was sealed with another key, so nothing can be said of it with this one. Run this with the database's REPRISE_SECRET, or with DATA_DIR where its secret.key is",
  );
}

/** Takes the key there is for this database's. What was sealed with another one stays unreadable. */
export async function adoptKey(tx: Tx, signer: Signer): Promise<void> {
  await tx.delete(installation).where(eq(installation.name, KEY));
  await proveKey(tx, signer);
}

/**
 * Whether this process is the one that does a periodic job now: of all that ask within `span` milliseconds, the first. For
 * saving work, not for excluding: what is done may be done twice.
 */
export async function takeTurn(tx: Tx, job: string, span: number): Promise<boolean> {
  const until = String(tx.now + span);
  // A turn that ends too late was taken by a process whose clock went ahead.
  const free = sql`${installation.value} < ${String(tx.now)} or ${installation.value} > ${until}`;
  const taken = await tx
    .insert(installation)
    .values({ name: `${TURN}${job}`, value: until })
    .onConflictDoUpdate({ target: installation.name, set: { value: until }, setWhere: free })
    .returning({ name: installation.name });
  return taken.length > 0;
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
