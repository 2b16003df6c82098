import type { SQL } from "drizzle-orm";
import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";
import type { Instant } from "../clock.ts";
import type { LedgerKey } from "../secrets.ts";
import type { Bell } from "./bell.ts";

type Portable = PgDatabase<PgQueryResultHKT, Record<string, never>>;

/** Reads committed rows. */
export interface Reader extends Pick<Portable, "select" | "selectDistinct" | "$count"> {
  /** Runs SQL written by hand, for the hot paths: rows as the driver gives them (snake_case columns, booleans as 0/1 on SQLite). */
  all<Row>(query: SQL): Promise<Row[]>;
  /** Seals and proves the rows of the ledger. */
  readonly ledgerKey: LedgerKey;
}

/** An open transaction: all of its writes become true together, or none does. */
export interface Tx extends Reader, Pick<Portable, "insert" | "update" | "delete"> {
  /** The moment the transaction began. All it writes bears this one time. */
  readonly now: Instant;
  /** A new time-ordered id (UUIDv7). */
  newId(): string;
}

/** The database, seen from the edges. Verbs never hold one: they take a `Tx` or a `Reader`, so they compose. */
export interface Store {
  readonly read: Reader;
  /**
   * Runs `work` in one transaction and commits when it resolves. On Postgres it may run again after a deadlock, so it
   * must touch nothing but its `tx`. No network I/O inside: on SQLite it holds the only writer.
   */
  write<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /**
   * Another number after every commit, whoever made it: what was read at one version is still true while it stands. Null
   * where asking would cost as much as reading anew (Postgres).
   */
  version(): number | null;
  /** Runs long reading work that sees the database as it is at one moment, without keeping anybody from writing. */
  snapshot<T>(work: (read: Reader) => Promise<T>): Promise<T>;
  /** Reaches the other processes on this database. */
  readonly bell: Bell;
  /** Resolves when the database answers; rejects when it does not. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
