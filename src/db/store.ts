import type { SQL } from "drizzle-orm";
import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";
import type { Instant } from "../lib/clock.ts";
import type { LedgerKey } from "../lib/crypto/secrets.ts";
import type { Notifier } from "./notifier.ts";

type Portable = PgDatabase<PgQueryResultHKT, Record<string, never>>;

/** Reads committed rows. */
export interface Reader extends Pick<Portable, "select" | "selectDistinct" | "$count"> {
  /** Runs SQL written by hand, for the hot paths: rows as the driver gives them (snake_case columns, booleans as 0/1 on SQLite). */
  all<Row>(query: SQL): Promise<Row[]>;
  /** Signs and verifies the rows of the ledger. */
  readonly ledgerKey: LedgerKey;
}

/** An open transaction: all of its writes are committed together, or none is. */
export interface Tx extends Reader, Pick<Portable, "insert" | "update" | "delete"> {
  /** The time the transaction began, used for all rows it writes. */
  readonly now: Instant;
  /** Creates a time-ordered id (UUIDv7). */
  newId(): string;
}

/** The database, for routes and workers. Service functions take a `Tx` or a `Reader` instead, so that they compose. */
export interface Store {
  readonly read: Reader;
  /**
   * Runs `work` in one transaction and commits when it resolves. On Postgres `work` runs again after a deadlock, so it must
   * change nothing but its `tx`. No network I/O inside: on SQLite it holds the only writer.
   */
  write<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /**
   * Returns a number that changes with every commit of any process: rows read at one version are current while it stays the
   * same. Null where asking would cost as much as reading again (Postgres).
   */
  version(): number | null;
  /** Runs long reads against one state of the database without blocking writers. */
  snapshot<T>(work: (read: Reader) => Promise<T>): Promise<T>;
  /** Wakes the other processes on this database. */
  readonly notifier: Notifier;
  /** Rejects when the database does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
