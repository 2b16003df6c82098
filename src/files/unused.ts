import { eq, lt } from "drizzle-orm";
import { HOUR } from "../clock.ts";
import { unusedFiles } from "../db/schema/files.ts";
import type { Store, Tx } from "../db/store.ts";
import { Fault } from "../fault.ts";
import type { Log } from "../log.ts";
import type { Files } from "./files.ts";

/** No upload lasts as long: what is unused for longer will not be used any more. */
const FORGOTTEN = HOUR;

interface Tools {
  store: Store;
  files: Files;
  log: Log;
}

/** Notes that nothing shows a file: before it is put, or with the commit that replaces it. */
export async function markUnused(tx: Tx, name: string): Promise<void> {
  await tx.insert(unusedFiles).values({ name, since: tx.now }).onConflictDoNothing();
}

/** Notes that this transaction's rows show a file. UNAVAILABLE when it came so late that the file is gone. */
export async function markUsed(tx: Tx, name: string): Promise<void> {
  const found = await tx.delete(unusedFiles).where(eq(unusedFiles.name, name)).returning();
  if (found.length === 0) throw new Fault("UNAVAILABLE", "The upload took too long: try again");
}

/** Removes a file that is marked unused. A store that cannot be reached is asked again by `removeUnused`. */
export async function removeNow({ store, files, log }: Tools, name: string): Promise<void> {
  try {
    await files.remove(name);
    await store.write((tx) => tx.delete(unusedFiles).where(eq(unusedFiles.name, name)));
  } catch (error) {
    log.warn("unused file not removed", { name, error: error instanceof Fault ? error.cause : error });
  }
}

/** Removes what crashes and failures have left, for a daily job. */
export async function removeUnused(tools: Tools, now: number): Promise<void> {
  const forgotten = lt(unusedFiles.since, now - FORGOTTEN);
  for (const { name } of await tools.store.read.select().from(unusedFiles).where(forgotten)) {
    await removeNow(tools, name);
  }
}
