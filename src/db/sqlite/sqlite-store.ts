import { Database } from "bun:sqlite";
import { type LedgerKey, NO_LEDGER_KEY } from "../../lib/crypto/secrets.ts";
import { createPrivateFile } from "../../lib/data-folder/private-files.ts";
import { migrateSqlite } from "../migrate.ts";
import { NO_NOTIFIER } from "../notifier.ts";
import type { OutageMonitor } from "../outage-monitor.ts";
import type { Reader, Store, Tx } from "../store.ts";
import { CHECKPOINT_PAGES, LargeCommits } from "./large-commit.ts";
import { createBuilders } from "./queries.ts";
import { WriteQueue } from "./write-queue.ts";

type Durability = "full" | "off";

function openDatabase(path: string, readonly: boolean, durability: Durability): Database {
  const handle = new Database(path, readonly ? { readonly: true } : { create: true });
  // busy_timeout first: each following pragma may have to wait for a lock.
  handle.run("pragma busy_timeout = 5000");
  if (!readonly) handle.run("pragma journal_mode = wal");
  handle.run(`pragma synchronous = ${durability}`);
  handle.run("pragma foreign_keys = on");
  handle.run("pragma temp_store = memory");
  handle.run("pragma cache_size = -32768");
  handle.run("pragma mmap_size = 67108864");
  // A page that changes often is copied back once for many commits. Until then the log grows to 32 MB at most.
  handle.run(`pragma wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  return handle;
}

/**
 * Opens SQLite with one handle that writes and one that reads. Transactions queue for the writer; the reader sees committed
 * rows only. Drizzle's own `transaction` is never used: on bun:sqlite an async callback commits at its first `await`.
 */
export function openSqlite(
  path: string,
  begin: () => Pick<Tx, "now" | "newId">,
  durability: Durability,
  outageMonitor: OutageMonitor,
  ledgerKey: LedgerKey = NO_LEDGER_KEY,
): Store {
  createPrivateFile(path);
  const writer = openDatabase(path, false, durability);
  migrateSqlite(writer);
  const readHandle = openDatabase(path, true, durability);
  const read: Reader = createBuilders(readHandle, ledgerKey);
  const dataVersion = readHandle.prepare<{ data_version: number }, []>("pragma data_version");
  const writeBuilders = createBuilders(writer, ledgerKey);
  const queue = new WriteQueue({
    writer,
    largeCommits: new LargeCommits(writer, path, durability),
    createTx: () => Object.assign(Object.create(writeBuilders), begin()),
    onSettled: (error) => outageMonitor.record(error),
  });

  return {
    read,
    write: (work) => queue.run(work),
    notifier: NO_NOTIFIER,
    version: () => dataVersion.get()?.data_version ?? null,
    async snapshot(work) {
      const handle = openDatabase(path, true, durability);
      try {
        handle.run("begin");
        return await work(createBuilders(handle, ledgerKey));
      } finally {
        // Cached statements outlive the handle: without the rollback no checkpoint would get past its snapshot.
        handle.run("rollback");
        handle.close();
      }
    },
    async ping() {
      readHandle.query("select 1").get();
    },
    async close() {
      await queue.close();
      dataVersion.finalize();
      readHandle.close();
      checkpointAndClose(writer);
    },
  };
}

function checkpointAndClose(writer: Database): void {
  try {
    writer.run("pragma wal_checkpoint(truncate)");
  } catch {
    // On a full disk the log stays beside the file: the next start reads both.
  }
  writer.close();
}
