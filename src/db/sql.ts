import { type SQL, sql } from "drizzle-orm";
import { dialect } from "./dialect.ts";
import type { Tx } from "./store.ts";

// SQL that differs between the two databases, for statements written by hand.

/** Limits the values of one statement. SQLite accepts 32,766, and all of them are in memory at once. */
export const MAX_STATEMENT_VALUES = 30_000;

type ColumnType = "text" | "bigint" | "integer";

/** The values of a batch, row by row, as one chunk of a query. The SQLite store writes a placeholder for each. */
export class Cells {
  constructor(
    readonly values: (string | number | null)[],
    readonly width: number,
  ) {}

  /** Builds the placeholders `(?,?),(?,?)`. */
  placeholders(): string {
    const row = `(${"?,".repeat(this.width).slice(0, -1)})`;
    return `${row},`.repeat(this.values.length / this.width).slice(0, -1);
  }
}

/**
 * Builds a derived table from `rows`, so that one statement serves a whole batch. Use it as
 * `from ${rowsOf("n", rows, { id: "text" })} cross join messages m where m.id = n.id`: SQLite executes a cross join from left
 * to right, where its planner would otherwise scan the whole table for each row.
 *
 * Postgres gets one JSON parameter, so that its statement is the same for every size (`json`, which it parses twice as fast
 * as `jsonb`); SQLite gets one parameter for each value, which is five times faster than JSON there.
 * @throws RangeError beyond MAX_CELLS: work on more rows is cut into slices (`slices.ts`)
 */
export function valuesTable<Row extends Record<string, string | number | null>>(
  alias: string,
  rows: readonly Row[],
  columns: { [Name in keyof Row & string]: ColumnType },
): SQL {
  const names = Object.keys(columns) as (keyof Row & string)[];
  if (rows.length * names.length > MAX_STATEMENT_VALUES)
    throw new RangeError(`a statement for ${rows.length} rows of ${names.length} values: cut them into slices`);
  if (dialect === "postgres") {
    const typed = names.map((name) => `"${name}" ${columns[name]}`).join(", ");
    return sql`json_to_recordset(${JSON.stringify(rows)}::text::json) as ${sql.raw(alias)}(${sql.raw(typed)})`;
  }
  if (rows.length === 0) {
    const columnList = names.map((name) => `null as "${name}"`).join(", ");
    return sql.raw(`(select ${columnList} where false) as ${alias}`);
  }
  // By index: an array for each row cost the engine more than the MACs of its ledger entries do.
  const values = new Array<string | number | null>(rows.length * names.length);
  let at = 0;
  for (const row of rows) for (const name of names) values[at++] = row[name] ?? null;
  const cells = new Cells(values, names.length);
  const fields = names.map((name, index) => `column${index + 1} as "${name}"`).join(", ");
  return sql`(select ${sql.raw(fields)} from (values ${cells})) as ${sql.raw(alias)}`;
}

/** Builds a derived table with one column `id`: see `valuesTable`. */
export function idTable(alias: string, ids: readonly string[]): SQL {
  return valuesTable(
    alias,
    ids.map((id) => ({ id })),
    { id: "text" },
  );
}

/** Ends a select whose rows this transaction will change. Rows that another replica has locked are skipped. */
export function skipLocked(alias: string): SQL {
  return dialect === "postgres" ? sql.raw(`for update of ${alias} skip locked`) : sql.empty();
}

/** Ends a select whose rows must not change before this transaction ends. Empty on SQLite, which has a single writer. */
export function forUpdate(alias: string): SQL {
  return dialect === "postgres" ? sql.raw(`for update of ${alias}`) : sql.empty();
}

/** Names the index that SQLite must use: its planner once chose another one and ran 55 times slower. Empty on Postgres. */
export function indexedBy(index: string): SQL {
  return dialect === "postgres" ? sql.empty() : sql.raw(`indexed by ${index}`);
}

/**
 * Compares a column with a constant in a form that matches no partial index. For rows that are found by their ids: without
 * statistics (right after a launch) Postgres assumes that the index of `PENDING` rows is small and reads all of it for each
 * batch, 680 ms instead of 12 for 250 of 10,000 messages.
 */
export function equalsUnindexed(column: string, word: string): SQL {
  return sql.raw(`coalesce(${column}, '') = '${word}'`);
}

/**
 * Makes Postgres plan each statement of this transaction for its own parameters, and raises the time limit. A cached plan
 * that was made for three rows took ten seconds for twenty thousand. For rare transactions of many rows.
 */
export async function forceCustomPlans(tx: Tx): Promise<void> {
  if (dialect !== "postgres") return;
  await tx.all(sql.raw("set local plan_cache_mode = force_custom_plan"));
  await tx.all(sql.raw("set local statement_timeout = '10min'"));
}

/**
 * Makes Postgres use index scans in every statement of this transaction. It estimates any batch as a hundred rows, and a table
 * without statistics as small, so it read the whole table for fifty messages: with 14,000 of them a delivery batch took four
 * times as long. For batches that are small compared with their tables.
 */
export async function forceIndexScans(tx: Tx): Promise<void> {
  if (dialect !== "postgres") return;
  const settings = ["hashjoin", "mergejoin", "seqscan"].map((method) => `set_config('enable_${method}', 'off', true)`);
  await tx.all(sql.raw(`select ${settings.join(", ")}`));
}
