import { type SQL, sql } from "drizzle-orm";
import { dialect } from "./dialect.ts";
import type { Tx } from "./store.ts";

// Work on any number of rows is cut into slices of a bounded number: no statement grows with the data, memory does not
// either, and requests are answered between two slices. On SQLite everything shares one thread, so a slice is also the
// longest time for which nobody else is served; other writers wait until the transaction ends all the same.

/** Rows that one slice writes, with all that hangs on them: about 10 ms on SQLite. */
export const SLICE_ROWS = 250;
/** Rows that one slice only looks at. */
export const SCAN_ROWS = 2000;

/** Lets whatever waits on this thread go first. A transaction may stay open meanwhile: readers see what was committed. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Calls `work` with the items a slice at a time, in order. */
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
 * Calls `work` with rows page by page, in the order of their ids. `page` returns the first rows after an id, at most as
 * many as it likes, and none at the end.
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
    // A handful of rows is no reason to keep other writers waiting for longer.
    if (rows.length >= SLICE_ROWS) await yieldToEventLoop();
  }
}

/** Repeats work on a limited number of rows, which must leave less of them each time, until it finds none. Returns how many. */
export async function untilNone(work: () => Promise<number>): Promise<number> {
  let total = 0;
  for (let found = await work(); found > 0; found = await work()) {
    total += found;
    await yieldToEventLoop();
  }
  return total;
}

/**
 * Deletes the rows of a table that a condition on its columns names, and returns how many there were. `table` is a name
 * of ours, never input. On SQLite a slice at a time. Postgres works elsewhere and lets this thread go on, and each
 * slice would pass over all that the slices before it deleted: there it is one statement.
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
