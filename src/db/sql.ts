import { type SQL, sql } from "drizzle-orm";
import { dialect } from "./dialect.ts";
import type { Tx } from "./store.ts";

// The few words of SQL that the two databases spell differently, for statements written by hand.

/** Values that one statement may bring. SQLite takes 32,766 at most, and all of them are in memory at once. */
export const MAX_CELLS = 30_000;

type ColumnType = "text" | "bigint" | "integer";

/** The cells of a batch, row by row, as one part of a query; the SQLite store writes a placeholder for each. */
export class Cells {
  constructor(
    readonly values: (string | number | null)[],
    readonly width: number,
  ) {}

  /** `(?,?),(?,?)` */
  placeholders(): string {
    const row = `(${"?,".repeat(this.width).slice(0, -1)})`;
    return `${row},`.repeat(this.values.length / this.width).slice(0, -1);
  }
}

/**
 * A derived table made of `rows`: one statement then serves a whole batch. Use as
 * `from ${rowsOf("n", rows, { id: "text" })} cross join messages m where m.id = n.id`: SQLite reads a cross join from left
 * to right, where its planner would else scan the whole table for each row.
 *
 * Postgres gets one JSON parameter, so its statement is the same for every size (`json`, which it reads twice as fast as
 * `jsonb`: nothing is looked up in it); SQLite gets one value a cell, which it
 * reads five times faster than JSON.
 * @throws RangeError beyond MAX_CELLS: work on more rows is cut into slices (`slices.ts`)
 */
export function rowsOf<Row extends Record<string, string | number | null>>(
  alias: string,
  rows: readonly Row[],
  columns: { [Name in keyof Row & string]: ColumnType },
): SQL {
  const names = Object.keys(columns) as (keyof Row & string)[];
  if (rows.length * names.length > MAX_CELLS)
    throw new RangeError(`a statement for ${rows.length} rows of ${names.length} values: cut them into slices`);
  if (dialect === "postgres") {
    const typed = names.map((name) => `"${name}" ${columns[name]}`).join(", ");
    return sql`json_to_recordset(${JSON.stringify(rows)}::text::json) as ${sql.raw(alias)}(${sql.raw(typed)})`;
  }
  if (rows.length === 0) {
    const nothing = names.map((name) => `null as "${name}"`).join(", ");
    return sql.raw(`(select ${nothing} where false) as ${alias}`);
  }
  // By index: an array for each row cost the engine more than sealing its entries does.
  const values = new Array<string | number | null>(rows.length * names.length);
  let at = 0;
  for (const row of rows) for (const name of names) values[at++] = row[name] ?? null;
  const cells = new Cells(values, names.length);
  const fields = names.map((name, index) => `column${index + 1} as "${name}"`).join(", ");
  return sql`(select ${sql.raw(fields)} from (values ${cells})) as ${sql.raw(alias)}`;
}

/** Ends a select whose rows this transaction will change: rows that another replica is working on are left to it. */
export function skipLocked(alias: string): SQL {
  return dialect === "postgres" ? sql.raw(`for update of ${alias} skip locked`) : sql.empty();
}

/** Ends a select whose rows must not change before this transaction ends. SQLite has one writer and needs nothing. */
export function forUpdate(alias: string): SQL {
  return dialect === "postgres" ? sql.raw(`for update of ${alias}`) : sql.empty();
}

/** Names the index SQLite must use: its planner once chose another one and ran 55 times slower. Postgres needs no hint. */
export function indexedBy(index: string): SQL {
  return dialect === "postgres" ? sql.empty() : sql.raw(`indexed by ${index}`);
}

/**
 * Compares a column with a word of ours so that no partial index comes to mind. For rows that are found by their ids: of a
 * table without statistics (right after a launch) Postgres takes an index of what is `PENDING` for a small one and reads it
 * to its end for each batch: 680 ms in place of 12 for 250 of 10,000 messages.
 */
export function equalsUnindexed(column: string, word: string): SQL {
  return sql.raw(`coalesce(${column}, '') = '${word}'`);
}

/**
 * Lets Postgres plan each statement of this transaction anew. It keeps the plans of prepared ones, and one that was made for
 * three rows took ten seconds for twenty thousand. For what is rare and may be large, and so may take its time.
 */
export async function planAnew(tx: Tx): Promise<void> {
  if (dialect !== "postgres") return;
  await tx.all(sql.raw("set local plan_cache_mode = force_custom_plan"));
  await tx.all(sql.raw("set local statement_timeout = '10min'"));
}

/**
 * Lets Postgres find each row of a batch by its index, in every statement of this transaction. It takes any batch for a
 * hundred rows, and a table it has no statistics of yet for a small one, so it read the whole table for fifty messages:
 * with 14,000 of them a turn of the engine took four times as long. For batches that are small beside their tables.
 */
export async function findByIndex(tx: Tx): Promise<void> {
  if (dialect !== "postgres") return;
  const off = ["hashjoin", "mergejoin", "seqscan"].map((way) => `set_config('enable_${way}', 'off', true)`);
  await tx.all(sql.raw(`select ${off.join(", ")}`));
}
