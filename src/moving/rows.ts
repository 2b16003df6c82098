import type { Database } from "bun:sqlite";
import type { Sql } from "postgres";
import { Fault } from "../fault.ts";
import type { Table } from "./tables.ts";

/** A row, its cells in the order of the table's columns, spelled alike whichever database it comes from. */
export type Row = Cell[];
export type Cell = string | number | boolean | null | object;

const quoted = (names: readonly string[]) => names.map((name) => `"${name}"`).join(", ");

/** Rows of the source in the order of their key, from behind `after` on. Whole numbers of 64 bits are exact in ours. */
export function readRows(source: Database, table: Table, after: Cell[] | null, limit: number): Row[] {
  const keys = quoted(table.key);
  const where = after === null ? "" : `where (${keys}) > (${table.key.map(() => "?").join(", ")})`;
  const query = `select ${quoted(table.columns.map(({ name }) => name))} from "${table.name}" ${where} order by ${keys} limit ${limit}`;
  const rows = source.query<unknown, (string | number)[]>(query).values(...((after ?? []) as (string | number)[]));
  return rows.map((cells) =>
    cells.map((cell, index) => {
      const { name = "", type = "" } = table.columns[index] ?? {};
      const flaw = flawOf(cell, type);
      if (flaw !== null)
        throw new Fault("CONFLICT", `--from: ${table.name}.${name} holds ${flaw}: correct it, and run this again`);
      return spelled(cell, type);
    }),
  );
}

/** Why Postgres could not hold the same. SQLite asks no column for its type. */
function flawOf(cell: unknown, type: string): string | null {
  if (cell === null) return null;
  if (type === "boolean") return cell === 0 || cell === 1 ? null : "what is neither true nor false";
  if (type === "bigint" || type === "integer") return Number.isSafeInteger(cell) ? null : "no whole number";
  if (type === "double precision") return Number.isFinite(cell) ? null : "no number";
  if (typeof cell !== "string") return "no text";
  const hasNul = cell.includes("\0") || (type === "jsonb" && /(?<!\\)(\\\\)*\\u0000/.test(cell));
  return hasNul ? "a NUL byte, which Postgres cannot keep" : null;
}

/** SQLite knows neither booleans nor JSON; Postgres knows both, and gives numbers of some types as text. */
export function spelled(cell: unknown, type: string): Cell {
  if (cell === null || cell === undefined) return null;
  if (type === "boolean") return cell === 1 || cell === true;
  if (type === "jsonb") return typeof cell === "string" ? (JSON.parse(cell) as Cell) : (cell as object);
  if (type === "bigint") return Number(cell);
  return cell as Cell;
}

/** What `readRows` goes on behind. */
export function keyOf(table: Table, row: Row): Cell[] {
  return table.key.map((name) => row[table.columns.findIndex((column) => column.name === name)] ?? null);
}

/** Writes rows into the target, within its transaction. */
export async function writeRows(target: Pick<Sql, "unsafe">, table: Table, rows: readonly Row[]): Promise<void> {
  const names = table.columns.map(({ name }) => name);
  const typed = table.columns.map(({ name, type }) => `"${name}" ${type}`).join(", ");
  const records = rows.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index]])));
  await target.unsafe(
    `insert into "${table.name}" (${quoted(names)}) select ${quoted(names)} from jsonb_to_recordset($1::text::jsonb) as r (${typed})`,
    [JSON.stringify(records)],
    { prepare: true },
  );
}

/** All rows of the target, some at a time, in no order that matters. */
export async function* readTarget(target: Sql, table: Table, limit: number): AsyncGenerator<Row[]> {
  const columns = quoted(table.columns.map(({ name }) => name));
  const query = target.unsafe<Record<string, unknown>[]>(`select ${columns} from "${table.name}"`);
  for await (const rows of query.cursor(limit)) {
    yield rows.map((row) => table.columns.map(({ name, type }) => spelled(row[name], type)));
  }
}
