import { eq, lt } from "drizzle-orm";
import { unusedFiles } from "../../db/schema/stored-files.ts";
import type { Store, Tx } from "../../db/store.ts";
import { HOUR } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import type { Log } from "../../lib/logger.ts";
import type { FileStorage } from "../../lib/storage/storage.ts";

/** Longer than any upload takes: a file that is unused for longer will not be used any more. */
const UNUSED_TTL_MS = HOUR;

interface StoredFileDeps {
  store: Store;
  files: FileStorage;
  log: Log;
}

/** Records that no row refers to a file: before it is written, or with the commit that replaces it. */
export async function markUnused(tx: Tx, name: string): Promise<void> {
  await tx.insert(unusedFiles).values({ name, since: tx.now }).onConflictDoNothing();
}

/** Records that a row of this transaction refers to a file. @throws AppError UNAVAILABLE when it has been deleted already */
export async function markUsed(tx: Tx, name: string): Promise<void> {
  const found = await tx.delete(unusedFiles).where(eq(unusedFiles.name, name)).returning();
  if (found.length === 0) throw new AppError("UNAVAILABLE", "The upload took too long: try again");
}

/** Deletes a file that is marked unused. When the storage is unavailable, `deleteUnusedFiles` tries again. */
export async function deleteUnusedFile({ store, files, log }: StoredFileDeps, name: string): Promise<void> {
  try {
    await files.delete(name);
    await store.write((tx) => tx.delete(unusedFiles).where(eq(unusedFiles.name, name)));
  } catch (error) {
    log.warn("stored_files.deletion_failed", { name, error: error instanceof AppError ? error.cause : error });
  }
}

/** Deletes the unused files that crashes and failures have left, for a daily job. */
export async function deleteUnusedFiles(deps: StoredFileDeps, now: number): Promise<void> {
  const expired = lt(unusedFiles.since, now - UNUSED_TTL_MS);
  for (const { name } of await deps.store.read.select().from(unusedFiles).where(expired)) {
    await deleteUnusedFile(deps, name);
  }
}
