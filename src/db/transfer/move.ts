import type { Sql } from "postgres";
import { AppError } from "../../lib/errors.ts";
import { LEASE_PREFIX } from "../installation.ts";
import { NEWEST_MIGRATION } from "../migrate.ts";
import { addRows, createDigest, type Digest, equalDigests } from "./digest.ts";
import { findMark, saveMark, TRANSFER_NAME } from "./mark.ts";
import type { Progress } from "./progress.ts";
import { type Cell, getKeyCells, insertRows, selectRows, streamRows } from "./rows.ts";
import type { Source } from "./source.ts";
import { listTables, type Table } from "./tables.ts";

/** Rows copied by one transaction. */
const BATCH_ROWS = 2000;

/** The progress of one table, stored in the target by the transaction that writes the rows. */
interface Position {
  after: Cell[] | null;
  rows: number;
  done: boolean;
}

const START: Position = { after: null, rows: 0, done: false };
const positionName = (table: Table) => `${TRANSFER_NAME} ${table.name}`;

export interface CopyResult {
  tables: Table[];
  /** Rows of all tables together. */
  rows: number;
}

/**
 * Copies all rows into an empty target, or continues an interrupted transfer. The source is marked before the first row, so
 * that it is not served meanwhile.
 * @param to the name of the target, without a password
 * @throws AppError CONFLICT when the target contains other data, or the source is being transferred to another target
 */
export async function copyTables(source: Source, target: Sql, to: string, progress: Progress): Promise<CopyResult> {
  const { handle } = source;
  const tables = await listTables(handle, target);
  await begin(source, target, tables, to);
  const counts = tables.map(({ name }) => count(source, name));
  const total = counts.reduce((sum, rows) => sum + rows, 0);
  let done = 0;
  for (const [index, table] of tables.entries()) {
    let position = await findPosition(target, table);
    progress.update(done + position.rows, total, table.name);
    while (!position.done) {
      const from = position;
      const rows = selectRows(handle, table, from.after, BATCH_ROWS);
      const last = rows.at(-1);
      const next: Position = {
        after: last ? getKeyCells(table, last) : from.after,
        rows: from.rows + rows.length,
        done: rows.length < BATCH_ROWS,
      };
      await target.begin(async (tx) => {
        if (rows.length > 0) await insertRows(tx, table, rows);
        await setValue(tx, positionName(table), JSON.stringify(next));
      });
      position = next;
      progress.update(done + position.rows, total, table.name);
    }
    done += counts[index] ?? 0;
  }
  await copyInstallation(source, target);
  // Without statistics Postgres plans for empty tables.
  await target.unsafe("analyze");
  return { tables, rows: total };
}

function count({ handle }: Source, table: string): number {
  return handle.query<{ n: number }, []>(`select count(*) as n from "${table}"`).get()?.n ?? 0;
}

/** Marks both databases, the source first, so that it is not served while the target contains its messages. */
async function begin({ handle }: Source, target: Sql, tables: readonly Table[], to: string): Promise<void> {
  const known = findMark(handle);
  const mark = known ?? { id: crypto.randomUUID(), to, schema: NEWEST_MIGRATION, done: false };
  if (mark.schema !== NEWEST_MIGRATION && !mark.done)
    throw new AppError(
      "CONFLICT",
      "--from: another version of Reprise began this move: continue with that version, or abandon the move",
    );
  await target.begin(async (tx) => {
    // Locked, so that the second of two concurrent transfers finds the mark of the first.
    await tx.unsafe("lock table installation in exclusive mode");
    const [there] = await tx<{ value: string }[]>`select value from installation where name = ${TRANSFER_NAME}`;
    if (there && (JSON.parse(there.value) as { id: string }).id !== mark.id)
      throw new AppError("CONFLICT", "--to: another installation is being moved into this database");
    if (!there && mark.done) throw new AppError("CONFLICT", `--from: it was moved to ${mark.to} already`);
    if (there) return saveMark(handle, { ...mark, to });
    for (const { name } of tables) {
      const [row] = await tx.unsafe(`select 1 from "${name}" limit 1`);
      if (row) throw new AppError("CONFLICT", `--to: expected an empty database, ${name} contains rows`);
    }
    saveMark(handle, { ...mark, to });
    await setValue(tx, TRANSFER_NAME, JSON.stringify({ id: mark.id }));
  });
}

async function findPosition(target: Sql, table: Table): Promise<Position> {
  const [row] = await target<{ value: string }[]>`select value from installation where name = ${positionName(table)}`;
  return row ? (JSON.parse(row.value) as Position) : START;
}

async function setValue(tx: Pick<Sql, "unsafe">, name: string, value: string): Promise<void> {
  const statement = "insert into installation values ($1, $2) on conflict (name) do update set value = excluded.value";
  await tx.unsafe(statement, [name, value]);
}

/** Copies the settings of the installation, without the leases of periodic jobs. */
async function copyInstallation({ handle }: Source, target: Sql): Promise<void> {
  const rows = handle
    .query<{ name: string; value: string }, []>("select name, value from installation")
    .all()
    .filter(({ name }) => name !== TRANSFER_NAME && !name.startsWith(LEASE_PREFIX));
  for (const { name, value } of rows) await setValue(target, name, value);
}

/** A table whose rows differ between source and target, with the number of rows in each. */
export interface TableDifference {
  table: string;
  source: number;
  target: number;
}

/** Reads all rows of both databases again and compares them. */
export async function compareTables(
  source: Source,
  target: Sql,
  { tables, rows }: CopyResult,
  progress: Progress,
): Promise<TableDifference[]> {
  const differences: TableDifference[] = [];
  let done = 0;
  for (const table of tables) {
    const there = createDigest();
    for await (const batch of streamRows(target, table, BATCH_ROWS)) addRows(there, batch);
    const here = computeDigest(source, table);
    done += here.rows;
    progress.update(done, rows, table.name);
    if (!equalDigests(here, there)) differences.push({ table: table.name, source: here.rows, target: there.rows });
  }
  return differences;
}

function computeDigest({ handle }: Source, table: Table): Digest {
  const digest = createDigest();
  for (let after: Cell[] | null = null; ; ) {
    const rows = selectRows(handle, table, after, BATCH_ROWS);
    addRows(digest, rows);
    const last = rows.at(-1);
    if (!last || rows.length < BATCH_ROWS) return digest;
    after = getKeyCells(table, last);
  }
}

/** Marks the transfer as done: the target may be served, the source may not. */
export async function completeTransfer({ handle }: Source, target: Sql): Promise<void> {
  const mark = findMark(handle);
  if (mark) saveMark(handle, { ...mark, done: true });
  await target`delete from installation where name = ${TRANSFER_NAME} or name like ${`${TRANSFER_NAME} %`}`;
}
