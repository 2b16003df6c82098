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
export async function inSlices<Item>(
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
export async function byPages<Row extends { id: string }>(
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
export async function untilNone(work: () => Promise<number>): Promise<number> {
  let total = 0;
  for (let found = await work(); found > 0; found = await work()) {
    total += found;
    await yieldToEventLoop();
  }
  return total;
}

/**
 * Deletes the rows of a table that match a condition, and returns their number. `table` is a constant of the program, never
 * input. SQLite deletes in slices. On Postgres it is one statement: the work does not block this thread, and each slice would
 * read past all rows that the slices before it deleted.
 */
export async function deleteWhere(tx: Tx, table: string, condition: SQL): Promise<number> {
  const from = sql.raw(table);
  if (dialect === "postgres") {
    const [row] = await tx.all<{ count: unknown }>(
      sql`with gone as (delete from ${from} where ${condition} returning 1) select count(*) as count from gone`,
    );
    return Number(row?.count ?? 0);
  }
  const some = sql`select rowid from ${from} where ${condition} limit ${SLICE_ROWS}`;
  return untilNone(async () => (await tx.all(sql`delete from ${from} where rowid in (${some}) returning 1`)).length);
}
