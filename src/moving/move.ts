import type { Sql } from "postgres";
import { newestMigration } from "../db/migrate.ts";
import { Fault } from "../fault.ts";
import { TURN } from "../installation.ts";
import { type Digest, emptyDigest, isEqual, take } from "./digest.ts";
import { MOVING, readMark, writeMark } from "./mark.ts";
import type { Progress } from "./progress.ts";
import { type Cell, keyOf, readRows, readTarget, writeRows } from "./rows.ts";
import type { Source } from "./source.ts";
import { type Table, tablesOf } from "./tables.ts";

/** Rows of one transaction: few enough to be a small step, enough to share a commit. */
const BATCH = 2000;

/** How far one table is: kept in the target, in the transaction that wrote the rows. */
interface Place {
  after: Cell[] | null;
  rows: number;
  done: boolean;
}

const START: Place = { after: null, rows: 0, done: false };
const placeName = (table: Table) => `${MOVING} ${table.name}`;

export interface Copied {
  tables: Table[];
  /** Of all tables together. */
  rows: number;
}

/**
 * Copies all rows into an empty target, or goes on where an earlier try at the same move ended, wherever that was. From
 * the first row on the source is marked, so that it is not served meanwhile.
 * @param to what the target is called, without a password
 * @throws Fault CONFLICT when the target holds something else, or the source is on its way to somewhere else
 */
export async function copyAll(source: Source, target: Sql, to: string, progress: Progress): Promise<Copied> {
  const { handle } = source;
  const tables = await tablesOf(handle, target);
  await begin(source, target, tables, to);
  const counts = tables.map(({ name }) => count(source, name));
  const total = counts.reduce((sum, rows) => sum + rows, 0);
  let done = 0;
  for (const [index, table] of tables.entries()) {
    let place = await readPlace(target, table);
    progress.at(done + place.rows, total, table.name);
    while (!place.done) {
      const from = place;
      const rows = readRows(handle, table, from.after, BATCH);
      const last = rows.at(-1);
      const next: Place = {
        after: last ? keyOf(table, last) : from.after,
        rows: from.rows + rows.length,
        done: rows.length < BATCH,
      };
      await target.begin(async (tx) => {
        if (rows.length > 0) await writeRows(tx, table, rows);
        await note(tx, placeName(table), JSON.stringify(next));
      });
      place = next;
      progress.at(done + place.rows, total, table.name);
    }
    done += counts[index] ?? 0;
  }
  await copyInstallation(source, target);
  // Or else it plans for empty tables.
  await target.unsafe("analyze");
  return { tables, rows: total };
}

function count({ handle }: Source, table: string): number {
  return handle.query<{ n: number }, []>(`select count(*) as n from "${table}"`).get()?.n ?? 0;
}

/** Marks both sides, the source first: whoever serves it from then on would send what the target sends. */
async function begin({ handle }: Source, target: Sql, tables: readonly Table[], to: string): Promise<void> {
  const known = readMark(handle);
  const mark = known ?? { id: crypto.randomUUID(), to, schema: newestMigration, done: false };
  if (mark.schema !== newestMigration && !mark.done)
    throw new Fault(
      "CONFLICT",
      "--from: another version of Reprise began this move: go on with that one, or abandon it",
    );
  await target.begin(async (tx) => {
    // Of two that begin at the same moment, one finds what the other has noted.
    await tx.unsafe("lock table installation in exclusive mode");
    const [there] = await tx<{ value: string }[]>`select value from installation where name = ${MOVING}`;
    if (there && (JSON.parse(there.value) as { id: string }).id !== mark.id)
      throw new Fault("CONFLICT", "--to: another installation is being moved into this database");
    if (!there && mark.done) throw new Fault("CONFLICT", `--from: it was moved to ${mark.to} already`);
    if (there) return writeMark(handle, { ...mark, to });
    for (const { name } of tables) {
      const [row] = await tx.unsafe(`select 1 from "${name}" limit 1`);
      if (row) throw new Fault("CONFLICT", `--to: the database is not empty: there are ${name}`);
    }
    writeMark(handle, { ...mark, to });
    await note(tx, MOVING, JSON.stringify({ id: mark.id }));
  });
}

async function readPlace(target: Sql, table: Table): Promise<Place> {
  const [row] = await target<{ value: string }[]>`select value from installation where name = ${placeName(table)}`;
  return row ? (JSON.parse(row.value) as Place) : START;
}

async function note(tx: Pick<Sql, "unsafe">, name: string, value: string): Promise<void> {
  const statement = "insert into installation values ($1, $2) on conflict (name) do update set value = excluded.value";
  await tx.unsafe(statement, [name, value]);
}

/** What is true of the installation is true where it is now, but for who did periodic work last. */
async function copyInstallation({ handle }: Source, target: Sql): Promise<void> {
  const rows = handle
    .query<{ name: string; value: string }, []>("select name, value from installation")
    .all()
    .filter(({ name }) => name !== MOVING && !name.startsWith(TURN));
  for (const { name, value } of rows) await note(target, name, value);
}

/** A table whose rows are not the same on both sides. */
export interface Difference {
  table: string;
  source: number;
  target: number;
}

/** Reads everything on both sides once more, and compares. */
export async function compareAll(
  source: Source,
  target: Sql,
  { tables, rows }: Copied,
  progress: Progress,
): Promise<Difference[]> {
  const differences: Difference[] = [];
  let done = 0;
  for (const table of tables) {
    const there = emptyDigest();
    for await (const batch of readTarget(target, table, BATCH)) take(there, batch);
    const here = digestOf(source, table);
    done += here.rows;
    progress.at(done, rows, table.name);
    if (!isEqual(here, there)) differences.push({ table: table.name, source: here.rows, target: there.rows });
  }
  return differences;
}

function digestOf({ handle }: Source, table: Table): Digest {
  const digest = emptyDigest();
  for (let after: Cell[] | null = null; ; ) {
    const rows = readRows(handle, table, after, BATCH);
    take(digest, rows);
    const last = rows.at(-1);
    if (!last || rows.length < BATCH) return digest;
    after = keyOf(table, last);
  }
}

/** The target is complete and is served from now on, the source is not. */
export async function complete({ handle }: Source, target: Sql): Promise<void> {
  const mark = readMark(handle);
  if (mark) writeMark(handle, { ...mark, done: true });
  await target`delete from installation where name = ${MOVING} or name like ${`${MOVING} %`}`;
}
