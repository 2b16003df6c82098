import { type SQL, sql } from "drizzle-orm";
import { dialect } from "./dialect.ts";
import type { Tx } from "./store.ts";

// Work on any number of rows is cut into slices of a bounded size: neither statements nor memory grow with the data, and
// requests are answered between two slices. On SQLite everything shares one thread, so a slice is also the longest time
// without an answer; other writers wait until the transaction ends.

/** Rows that one slice writes, with their dependent rows: about 10 ms on SQLite. */
export const SLICE_ROWS = 500;
/** Rows that one slice only reads. */
export const SCAN_ROWS = 2000;

/** Yields to other work on this thread. A transaction may stay open meanwhile: readers see the committed rows. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Calls `work` with one slice of the items after the other, in order. */
export async function forEachSlice<Item>(
  items: readonly Item[],
  work: (slice: readonly Item[]) => Promise<unknown>,
  size = SLICE_ROWS,
): Promise<void> {
  for (let at = 0; at < items.length; at += size) {
    if (at > 0) await yieldToEventLoop();
    await work(items.slice(at, at + size));
  }
}

/**
 * Calls `work` with one page of rows after the other, in the order of their ids. `page` returns the first rows after an id,
 * limited to a page of its own size, and none at the end.
 */
export async function forEachPage<Row extends { id: string }>(
  page: (after: string) => Promise<readonly Row[]>,
  work: (rows: readonly Row[]) => Promise<unknown>,
): Promise<void> {
  for (let after = ""; ; ) {
    const rows = await page(after);
    const last = rows.at(-1);
    if (!last) return;
    await work(rows);
    after = last.id;
    // After a small page other writers would wait longer for nothing.
    if (rows.length >= SLICE_ROWS) await yieldToEventLoop();
  }
}

/** Repeats work on a limited number of rows until it finds none, and returns the total. Each call must leave fewer rows. */
export async function repeatUntilNone(work: () => Promise<number>): Promise<number> {
  let total = 0;
  for (let found = await work(); found > 0; found = await work()) {
    total += found;
    await yieldToEventLoop();
  }
  return total;
}

/**
 * Deletes the rows of a table that match a condition, a slice at a time, and returns their number. `table` is a constant of
 * the program, never input.
 */
export async function deleteWhere(tx: Tx, table: string, condition: SQL): Promise<number> {
  const from = sql.raw(table);
  if (dialect === "postgres") return deleteByCursor(tx, from, condition);
  const some = sql`select rowid from ${from} where ${condition} limit ${SLICE_ROWS}`;
  return repeatUntilNone(
    async () => (await tx.all(sql`delete from ${from} where rowid in (${some}) returning 1`)).length,
  );
}

/**
 * Deletes through a cursor: until the transaction ends Postgres keeps deleted rows, and a new search for each slice would
 * pass over the rows that all earlier slices deleted.
 */
async function deleteByCursor(tx: Tx, from: SQL, condition: SQL): Promise<number> {
  let total = 0;
  for (let missed = true; missed; ) {
    missed = false;
    await tx.all(sql`declare doomed no scroll cursor for select ctid from ${from} where ${condition}`);
    await repeatUntilNone(async () => {
      const rows = await tx.all<{ ctid: string }>(sql.raw(`fetch ${SLICE_ROWS} from doomed`));
      if (rows.length === 0) return 0;
      const places = `{${rows.map(({ ctid }) => `"${ctid}"`).join()}}`;
      const gone = await tx.all(
        sql`delete from ${from} where ctid = any(${places}::tid[]) and ${condition} returning 1`,
      );
      total += gone.length;
      // Another transaction changed a row meanwhile, which moved it: the next pass reads its current version.
      missed ||= gone.length < rows.length;
      return rows.length;
    });
    await tx.all(sql.raw("close doomed"));
  }
  return total;
}
