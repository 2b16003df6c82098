import type { Database } from "bun:sqlite";
import type { Sql } from "postgres";

interface Column {
  name: string;
  /** The type name of Postgres, such as `bigint`. */
  type: string;
}

/** A table that exists in both databases. */
export interface Table {
  name: string;
  columns: Column[];
  /** The columns of a unique key. */
  key: string[];
}

/** Handled separately, since they contain the progress of the transfer and the migrations. */
const NOT_COPIED = new Set(["installation", "schema_migrations"]);
/** The word index of contacts, which differs between the databases and is rebuilt (`contacts/reindex.ts`). */
const WORD_INDEX = /^contact_(words$|numbers$|term)/;

export const isCopied = (name: string): boolean => !NOT_COPIED.has(name) && !WORD_INDEX.test(name);

/**
 * Lists the tables to copy, referenced tables first. The target defines them; both databases have the same schema.
 * @throws Error when the schemas differ, which is a bug
 */
export async function listTables(source: Database, target: Sql): Promise<Table[]> {
  const columns = await target<{ table: string; name: string; type: string }[]>`
    select table_name as table, column_name as name, data_type as type from information_schema.columns
    where table_schema = 'public' order by table_name, ordinal_position`;
  const references = await target<{ from: string; to: string }[]>`
    select conrelid::regclass::text as from, confrelid::regclass::text as to from pg_constraint where contype = 'f'`;
  const byTable = Map.groupBy(columns, (column) => column.table);
  const tables = [...byTable].flatMap(([name, columns]) => {
    if (!isCopied(name)) return [];
    return [{ name, columns: columns.map(({ name, type }) => ({ name, type })), key: findKeyColumns(source, name) }];
  });
  assertSameTables(source, tables);
  return sortByReferences(tables, references);
}

function findKeyColumns(source: Database, table: string): string[] {
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

function assertSameTables(source: Database, tables: readonly Table[]): void {
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
  const keyless = tables.find(({ key }) => key.length === 0);
  if (keyless) throw new Error(`the table ${keyless.name} has no unique key`);
}

function sortByReferences(tables: readonly Table[], references: readonly { from: string; to: string }[]): Table[] {
  const done = new Set<string>();
  const ordered: Table[] = [];
  while (ordered.length < tables.length) {
    const ready = tables.filter(
      ({ name }) => !done.has(name) && references.every(({ from, to }) => from !== name || to === name || done.has(to)),
    );
    if (ready.length === 0) throw new Error("the references between tables form a cycle");
    for (const table of ready) {
      done.add(table.name);
      ordered.push(table);
    }
  }
  return ordered;
}
