import type { Database } from "bun:sqlite";
import type { Sql } from "postgres";

export interface Column {
  name: string;
  /** As Postgres calls it, `bigint`. */
  type: string;
}

/** A table that both databases have. */
export interface Table {
  name: string;
  columns: Column[];
  /** The columns that order its rows and find each: no two rows have the same. */
  key: string[];
}

/** Moved apart: it says how far the move is. */
const NOT_COPIED = new Set(["installation", "schema_migrations"]);
/** The index of contacts, which each database keeps in its own way and makes anew (`contacts/reindex.ts`). */
const INDEX = /^contact_(words$|numbers$|term)/;

export const isCopied = (name: string): boolean => !NOT_COPIED.has(name) && !INDEX.test(name);

/**
 * The tables to move, those that others refer to first. What there is, the target says; both have the same schema.
 * @throws Error when they have not: that is a mistake of ours
 */
export async function tablesOf(source: Database, target: Sql): Promise<Table[]> {
  const columns = await target<{ table: string; name: string; type: string }[]>`
    select table_name as table, column_name as name, data_type as type from information_schema.columns
    where table_schema = 'public' order by table_name, ordinal_position`;
  const references = await target<{ from: string; to: string }[]>`
    select conrelid::regclass::text as from, confrelid::regclass::text as to from pg_constraint where contype = 'f'`;
  const byTable = Map.groupBy(columns, (column) => column.table);
  const tables = [...byTable].flatMap(([name, columns]) => {
    if (!isCopied(name)) return [];
    return [{ name, columns: columns.map(({ name, type }) => ({ name, type })), key: keyOf(source, name) }];
  });
  expectTheSame(source, tables);
  return inOrder(tables, references);
}

function keyOf(source: Database, table: string): string[] {
  const primary = source
    .query<{ name: string; pk: number }, [string]>("select name, pk from pragma_table_info(?) where pk > 0 order by pk")
    .all(table);
  if (primary.length > 0) return primary.map(({ name }) => name);
  const [unique] = source
    .query<{ name: string }, [string]>(`select name from pragma_index_list(?) where "unique" = 1 and partial = 0`)
    .all(table);
  return source
    .query<{ name: string }, [string]>("select name from pragma_index_info(?) order by seqno")
    .all(unique?.name ?? "")
    .map(({ name }) => name);
}

function expectTheSame(source: Database, tables: readonly Table[]): void {
  const found = source
    .query<{ table: string; name: string }, []>(
      `select m.name as "table", c.name from sqlite_master m join pragma_table_info(m.name) c
      where m.type = 'table' and m.name not like 'sqlite\\_%' escape '\\'`,
    )
    .all()
    .filter(({ table }) => isCopied(table));
  const here = found.map(({ table, name }) => `${table}.${name}`).sort();
  const there = tables.flatMap(({ name, columns }) => columns.map((column) => `${name}.${column.name}`)).sort();
  if (here.join() !== there.join()) throw new Error("the two databases do not have the same tables");
  const lost = tables.find(({ key }) => key.length === 0);
  if (lost) throw new Error(`nothing tells the rows of ${lost.name} apart`);
}

function inOrder(tables: readonly Table[], references: readonly { from: string; to: string }[]): Table[] {
  const done = new Set<string>();
  const ordered: Table[] = [];
  while (ordered.length < tables.length) {
    const ready = tables.filter(
      ({ name }) => !done.has(name) && references.every(({ from, to }) => from !== name || to === name || done.has(to)),
    );
    if (ready.length === 0) throw new Error("tables refer to each other in a circle");
    for (const table of ready) {
      done.add(table.name);
      ordered.push(table);
    }
  }
  return ordered;
}
