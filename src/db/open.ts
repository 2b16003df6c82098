import { join } from "node:path";
import { type Clock, systemClock } from "../lib/clock.ts";
import { type LedgerKey, NO_LEDGER_KEY } from "../lib/crypto/secrets.ts";
import { createPrivateFolder } from "../lib/data-folder/private-files.ts";
import { idMaker, type Random, systemRandom } from "../lib/random.ts";
import { dialect } from "./dialect.ts";
import { OutageMonitor } from "./outage-monitor.ts";
import type { Store } from "./store.ts";

export interface StoreOptions {
  /** The folder of the SQLite file `reprise.db`. */
  dataDir: string;
  databaseUrl: string | null;
  clock?: Clock;
  random?: Random;
  /** A commit survives a power failure with `full`, only the end of the process with `off` (simulation, temporary data). */
  durability?: "full" | "off";
  /** Connections to Postgres at the same time; 10 by default. */
  poolSize?: number;
  /** Is called once for each change between available and unavailable, with the error that caused it. */
  onAvailabilityChange?(isAvailable: boolean, error?: unknown): void;
  /** Receives the errors of `onAvailabilityChange` and of the notifier's listeners. */
  onListenerError?(error: unknown): void;
  /** Signs the rows of the ledger. Without it no credits can be moved and the ledger cannot be verified. */
  ledgerKey?: LedgerKey;
  /** Retries while Postgres has not started yet, until this is aborted. Without it the first failure is thrown. */
  retrySignal?: AbortSignal | undefined;
}

/** Opens the database that the configuration names and brings it to the current schema. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const clock = options.clock ?? systemClock;
  const nextId = idMaker(options.random ?? systemRandom);
  const begin = () => {
    const now = clock.now();
    return { now, newId: () => nextId(now) };
  };
  const { ledgerKey = NO_LEDGER_KEY } = options;
  const outageMonitor = new OutageMonitor(options.onAvailabilityChange ?? (() => {}), options.onListenerError);
  // Only the driver in use is loaded, which saves the start-up time of the other one.
  if (dialect === "postgres") {
    const { openPostgres } = await import("./postgres/postgres-store.ts");
    const { poolSize: size, retrySignal } = options;
    return openPostgres(options.databaseUrl ?? "", begin, {
      size,
      retrySignal,
      outageMonitor: outageMonitor,
      ledgerKey,
    });
  }
  createPrivateFolder(options.dataDir);
  const { openSqlite } = await import("./sqlite/sqlite-store.ts");
  return openSqlite(join(options.dataDir, "reprise.db"), begin, options.durability ?? "full", outageMonitor, ledgerKey);
}
