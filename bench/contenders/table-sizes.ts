import { sql } from "drizzle-orm";
import { dialect } from "../../src/db/dialect.ts";
import type { Store } from "../../src/db/store.ts";

export interface TableSize {
  table: string;
  rows: number;
  /** Including indexes. */
  bytes: number;
}

const bytesByTable = sql.raw(
  dialect === "postgres"
    ? `select relname as "table", pg_total_relation_size(oid) as bytes from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace`
    : `select s.tbl_name as "table", sum(d.pgsize) as bytes from dbstat d join sqlite_schema s on s.name = d.name where s.tbl_name not like 'sqlite_%' group by 1`,
);

/** Counts the rows and the bytes on disk of each table. Scans all tables, so it suits small databases only. */
export async function getTableSizes(store: Store): Promise<TableSize[]> {
  const found = await store.read.all<{ table: string; bytes: number }>(bytesByTable);
  const sizes: TableSize[] = [];
  for (const { table, bytes } of found) {
    const [row] = await store.read.all<{ rows: unknown }>(sql.raw(`select count(*) as rows from "${table}"`));
    sizes.push({ table, rows: Number(row?.rows), bytes: Number(bytes) });
  }
  return sizes.sort((a, b) => b.bytes - a.bytes);
}
