import { dialect } from "../db/dialect.ts";
import { assertOrRegisterKey } from "../db/installation.ts";
import { openStore } from "../db/open.ts";
import { lockDataDir } from "../db/sqlite/folder-lock.ts";
import type { Store } from "../db/store.ts";
import { assertNotTransferring } from "../db/transfer/mark.ts";
import type { Clock } from "../lib/clock.ts";
import { ledgerKey, signer } from "../lib/crypto/secrets.ts";
import { checkDataFolder } from "../lib/data-folder/data-folder.ts";
import type { Log } from "../lib/logger.ts";
import { indexMissingContacts } from "../modules/contacts/reindex.ts";
import type { Config } from "./config/config.ts";

/** Entries of the data folder that one log line names. */
const MAX_LOGGED_ENTRIES = 10;

/** Waits at a start for a Postgres that is not available yet. */
export interface DatabaseWait {
  /** Ends the wait. */
  signal: AbortSignal;
  /** Is called when the database is not available. Does nothing once the start is over, and never throws. */
  begin(): void;
}

/** Checks and repairs the permissions of the data folder; returns the problems that remain. */
export function checkFolder({ dataDir, secret }: Config, log: Log): string[] {
  const { repaired, problems } = checkDataFolder(dataDir, dialect === "sqlite" || secret === null);
  if (repaired.length > 0) {
    const first = repaired.slice(0, MAX_LOGGED_ENTRIES);
    log.warn("data_folder.repaired", { folder: dataDir, entries: repaired.length, first });
  }
  return problems;
}

interface DatabaseOptions {
  config: Config;
  /** The master key. */
  key: Uint8Array;
  log: Log;
  clock: Clock;
  waiting: DatabaseWait | undefined;
}

/**
 * Opens and migrates the database, and checks that it belongs to this key. On SQLite the data folder is locked until
 * `close`. @throws AppError CONFLICT for another key, or a database that is being transferred
 */
export async function openDatabase(options: DatabaseOptions): Promise<{ store: Store; close(): Promise<void> }> {
  const { config, key, log, clock, waiting } = options;
  const unlock = dialect === "sqlite" ? lockDataDir(config.dataDir) : () => {};
  const store = await openStore({
    dataDir: config.dataDir,
    databaseUrl: config.databaseUrl,
    poolSize: config.databasePool,
    ledgerKey: ledgerKey(key),
    clock,
    retrySignal: waiting?.signal,
    onAvailabilityChange(works, error) {
      if (works) log.info("database.available");
      else log.warn("database.unavailable", { reason: error, effect: "requests are refused; due messages wait" });
      if (!works) waiting?.begin();
    },
    onListenerError: (error) => log.error("database.listener_failed", { error }),
  });
  const close = async () => {
    await store.close();
    unlock();
  };
  try {
    await assertNotTransferring(store.read);
    await store.write((tx) => assertOrRegisterKey(tx, signer(key)));
    await indexMissingContacts(store);
  } catch (error) {
    await close();
    throw error;
  }
  return { store, close };
}
