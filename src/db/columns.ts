import { sql } from "drizzle-orm";
import * as pg from "drizzle-orm/pg-core";
import * as lite from "drizzle-orm/sqlite-core";
import { dialect } from "./dialect.ts";

/**
 * Picks the builder of the dialect in use, so that one schema serves both databases.
 *
 * All builders are typed as those of *Postgres*, which offer less: a call that only SQLite supports does not compile. This is
 * the only cast between the two; a process uses one dialect from start to end.
 */
function pick<P>(postgres: P, sqlite: unknown): P {
  return dialect === "postgres" ? postgres : (sqlite as P);
}

export const table = pick(pg.pgTable, lite.sqliteTable);
export const index = pick(pg.index, lite.index);
export const uniqueIndex = pick(pg.uniqueIndex, lite.uniqueIndex);
export const primaryKey = pick(pg.primaryKey, lite.primaryKey);
export const check = pick(pg.check, lite.check);

export const text = pick(
  (name: string) => pg.text(name),
  (name: string) => lite.text(name),
);

/** Creates a text column limited to these values. */
export function enumText<const T extends readonly [string, ...string[]]>(name: string, words: T) {
  return pick(pg.text(name, { enum: words as unknown as [string, ...string[]] }), lite.text(name)).$type<T[number]>();
}

export const integer = pick(
  (name: string) => pg.integer(name),
  (name: string) => lite.integer(name, { mode: "number" }),
);

/** A 64-bit integer column. Its values must stay exact in a JavaScript number. */
export const bigint = pick(
  (name: string) => pg.bigint(name, { mode: "number" }),
  (name: string) => lite.integer(name, { mode: "number" }),
);

/** A time in epoch milliseconds on both databases: comparable, sortable and the same in raw SQL. */
export const timestampMs = bigint;

/** Credits in integer thousandths. */
export const thousandths = bigint;

export const real = pick(
  (name: string) => pg.doublePrecision(name),
  (name: string) => lite.real(name),
);

export const bool = pick(
  (name: string) => pg.boolean(name),
  (name: string) => lite.integer(name, { mode: "boolean" }),
);

export const json = pick(
  (name: string) => pg.jsonb(name),
  (name: string) => lite.text(name, { mode: "json" }),
);

/** Builds the condition of a partial index, in SQL that both databases understand. */
export const rawCondition = (condition: string) => sql.raw(condition);
