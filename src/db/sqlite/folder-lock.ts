import { Database } from "bun:sqlite";
import { join } from "node:path";
import { createPrivateFile, createPrivateFolder } from "../../lib/data-folder/private-files.ts";
import { AppError } from "../../lib/errors.ts";

/**
 * Locks the data folder for this process and returns a function that unlocks it. Two processes on one SQLite file would each
 * treat the other's claims as expired. The lock is the operating system's (an exclusive transaction on a file of its own),
 * so it ends with the process, even after a crash.
 * @throws CONFLICT while another process has the lock
 */
export function lockDataDir(dataDir: string): () => void {
  createPrivateFolder(dataDir);
  const path = join(dataDir, "lock.db");
  createPrivateFile(path);
  const handle = new Database(path, { create: true });
  try {
    handle.run("pragma locking_mode = exclusive");
    handle.run("begin exclusive");
  } catch (error) {
    handle.close();
    throw new AppError(
      "CONFLICT",
      `Another Reprise process uses the data folder ${dataDir}. Stop it first, or set DATA_DIR; several processes need Postgres (DATABASE_URL)`,
      { cause: error },
    );
  }
  return () => handle.close();
}
