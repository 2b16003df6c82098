import type { Database } from "bun:sqlite";
import type { Sql } from "postgres";
import { AppError } from "../../lib/errors.ts";
import type { Table } from "./tables.ts";

/** The cells of a row in the order of the table's columns, in the same form for both databases. */
export type Row = Cell[];
export type Cell = string | number | boolean | null | object;

const quoted = (names: readonly string[]) => names.map((name) => `"${name}"`).join(", ");

/** Selects rows of the source in the order of their key, after a key. All 64-bit integers of the schema are exact numbers. */
export function selectRows(source: Database, table: Table, after: Cell[] | null, limit: number): Row[] {
  const keys = quoted(table.key);
  const where = after === null ? "" : `where (${keys}) > (${table.key.map(() => "?").join(", ")})`;
  const query = `select ${quoted(table.columns.map(({ name }) => name))} from "${table.name}" ${where} order by ${keys} limit ${limit}`;
  const rows = source.query<unknown, (string | number)[]>(query).values(...((after ?? []) as (string | number)[]));
  return rows.map((cells) =>
    cells.map((cell, index) => {
      const { name = "", type = "" } = table.columns[index] ?? {};
      const problem = findProblem(cell, type);
      if (problem !== null)
        throw new AppError(
          "CONFLICT",
          `--from: ${table.name}.${name} holds ${problem}: correct it, and run this again`,
        );
      return normalizeCell(cell, type);
    }),
  );
}

/** Describes a value that Postgres cannot store, since SQLite does not enforce column types; null when it can. */
function findProblem(cell: unknown, type: string): string | null {
  if (cell === null) return null;
  if (type === "boolean") return cell === 0 || cell === 1 ? null : "a value that is neither 0 nor 1";
  if (type === "bigint" || type === "integer") return Number.isSafeInteger(cell) ? null : "a value that is no integer";
  if (type === "double precision") return Number.isFinite(cell) ? null : "a value that is no finite number";
  if (typeof cell !== "string") return "a value that is no text";
  const hasNul = cell.includes("\0") || (type === "jsonb" && /(?<!\\)(\\\\)*\\u0000/.test(cell));
  return hasNul ? "a NUL byte, which Postgres cannot store" : null;
}

/** Converts a cell: SQLite has neither booleans nor JSON, and Postgres returns numbers of some types as text. */
function normalizeCell(cell: unknown, type: string): Cell {
  if (cell === null || cell === undefined) return null;
  if (type === "boolean") return cell === 1 || cell === true;
  if (type === "jsonb") return typeof cell === "string" ? (JSON.parse(cell) as Cell) : (cell as object);
  if (type === "bigint") return Number(cell);
  return cell as Cell;
}

/** Returns the key cells of a row, after which `selectRows` continues. */
export function getKeyCells(table: Table, row: Row): Cell[] {
  return table.key.map((name) => row[table.columns.findIndex((column) => column.name === name)] ?? null);
}

/** Inserts rows into the target, within its transaction. */
export async function insertRows(target: Pick<Sql, "unsafe">, table: Table, rows: readonly Row[]): Promise<void> {
  const names = table.columns.map(({ name }) => name);
  const typed = table.columns.map(({ name, type }) => `"${name}" ${type}`).join(", ");
  const records = rows.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index]])));
  await target.unsafe(
    `insert into "${table.name}" (${quoted(names)}) select ${quoted(names)} from jsonb_to_recordset($1::text::jsonb) as r (${typed})`,
    [JSON.stringify(records)],
    { prepare: true },
  );
}

/** Streams all rows of the target in batches, in no particular order. */
export async function* streamRows(target: Sql, table: Table, limit: number): AsyncGenerator<Row[]> {
  const columns = quoted(table.columns.map(({ name }) => name));
  const query = target.unsafe<Record<string, unknown>[]>(`select ${columns} from "${table.name}"`);
  for await (const rows of query.cursor(limit)) {
    yield rows.map((row) => table.columns.map(({ name, type }) => normalizeCell(row[name], type)));
  }
}
