import { join } from "node:path";
import { type Clock, systemClock } from "../clock.ts";
import { createPrivateFolder } from "../privateFiles.ts";
import { idMaker, type Random, systemRandom } from "../random.ts";
import { type LedgerKey, NO_LEDGER_KEY } from "../secrets.ts";
import { dialect } from "./dialect.ts";
import { Standing } from "./standing.ts";
import type { Store } from "./store.ts";

export interface StoreOptions {
  /** Where the SQLite file lies: `<dataDir>/reprise.db`. */
  dataDir: string;
  databaseUrl: string | null;
  clock?: Clock;
  random?: Random;
  /** What a commit survives: `full` a power cut, `off` a killed process only (simulation, throw-away data). */
  durability?: "full" | "off";
  /** Connections to Postgres at the same time; 10 by default. */
  poolSize?: number;
  /** The database does its work again, or does so no more, and why: called once for each change. */
  onChange?(works: boolean, error?: unknown): void;
  /** Takes what `onChange`, or whoever listens for other processes, throws. */
  onListenerError?(error: unknown): void;
  /** Seals the ledger. Without it nothing can move credits, and the ledger cannot be proved. */
  ledgerKey?: LedgerKey;
  /** Waits for a Postgres that is not there yet, until this is aborted. By default that is an error. */
  waiting?: AbortSignal | undefined;
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
  const standing = new Standing(options.onChange ?? (() => {}), options.onListenerError);
  // Only the driver in use is loaded: the other one's start-up cost is not paid.
  if (dialect === "postgres") {
    const { openPostgres } = await import("./postgres.ts");
    const { poolSize: size, waiting } = options;
    return openPostgres(options.databaseUrl ?? "", begin, { size, waiting, standing, ledgerKey });
  }
  createPrivateFolder(options.dataDir);
  const { openSqlite } = await import("./sqlite.ts");
  return openSqlite(join(options.dataDir, "reprise.db"), begin, options.durability ?? "full", standing, ledgerKey);
}
