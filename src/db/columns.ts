import { sql } from "drizzle-orm";
import * as pg from "drizzle-orm/pg-core";
import * as lite from "drizzle-orm/sqlite-core";
import { dialect } from "./dialect.ts";

/**
 * Our own column words, so that one schema serves both databases.
 *
 * Everything is typed as the *Postgres* builder: its surface is the smaller one, so a call that only SQLite knows does
 * not compile. This is the only cast between the two; at run time each process uses one dialect from start to end.
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

/** A text that is one of a few words. */
export function word<const T extends readonly [string, ...string[]]>(name: string, words: T) {
  return pick(pg.text(name, { enum: words as unknown as [string, ...string[]] }), lite.text(name)).$type<T[number]>();
}

export const integer = pick(
  (name: string) => pg.integer(name),
  (name: string) => lite.integer(name, { mode: "number" }),
);

/** A whole number beyond 32 bits, still exact in a JavaScript number. */
export const whole = pick(
  (name: string) => pg.bigint(name, { mode: "number" }),
  (name: string) => lite.integer(name, { mode: "number" }),
);

/** A moment, in epoch milliseconds on both databases: comparable, sortable and the same in raw SQL. */
export const instant = whole;

/** Credits, in integer thousandths. */
export const thousandths = whole;

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

/** A condition for a partial index, written in SQL that both databases read alike. */
export const where = (condition: string) => sql.raw(condition);
