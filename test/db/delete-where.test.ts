import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { type SQL, sql } from "drizzle-orm";
import { dialect } from "../../src/db/dialect.ts";
import { deleteWhere, SLICE_ROWS } from "../../src/db/slices.ts";
import type { Store, Tx } from "../../src/db/store.ts";
import { numberTable } from "../scale/bulk-data.ts";
import { openTestStore } from "../support/store.ts";

// A deletion of any size is many statements of one size, and deletes what one statement would.

const ENDED = 3 * SLICE_ROWS + 7;

let store: Store;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ store, close } = await openTestStore());
  await store.write((tx) =>
    tx.all(
      sql`insert into users (id, name, email, role, created_at, updated_at) values ('u', 'U', 'u@x.example', 'user', 1, 1)`,
    ),
  );
});
afterAll(() => close());
beforeEach(async () => {
  const insert = (first: string, expiresAt: number, rows: number) =>
    sql.raw(`insert into sessions (id, user_id, token, expires_at, created_at, updated_at)
      select '${first}' || n.i, 'u', '${first}' || n.i, ${expiresAt}, 1, 1 from ${numberTable(rows)}`);
  await store.write(async (tx) => {
    await tx.all(sql`delete from sessions`);
    await tx.all(insert("ended", 1, ENDED));
    await tx.all(insert("live", 9, 5));
  });
});

/** Deletes ended sessions. Returns their number and the rows that each statement returned. `between` runs before each statement. */
async function deleteEnded(between: (tx: Tx, statement: number) => Promise<unknown> = async () => {}) {
  const answered: number[] = [];
  const deleted = await store.write((tx) => {
    const all = async (query: SQL) => {
      await between(tx, answered.length);
      const rows = await tx.all(query);
      answered.push(rows.length);
      return rows;
    };
    return deleteWhere(Object.create(tx, { all: { value: all } }), "sessions", sql`expires_at <= ${1}`);
  });
  return { deleted, answered };
}

const left = async () =>
  (await store.read.all<{ id: string }>(sql`select id from sessions order by id`)).map(({ id }) => id);
const LIVE = ["live0", "live1", "live2", "live3", "live4"];

test("deleteWhere: more rows than a slice are deleted a slice at a time, and no others", async () => {
  const { deleted, answered } = await deleteEnded();
  expect(deleted).toBe(ENDED);
  expect(Math.max(...answered)).toBe(SLICE_ROWS);
  expect(await left()).toEqual(LIVE);
  expect((await deleteEnded()).deleted).toBe(0);
});

if (dialect === "postgres") {
  test("deleteWhere: rows that another transaction changes meanwhile are deleted if the condition still holds", async () => {
    const { deleted } = await deleteEnded(async (_, statement) => {
      // The cursor has begun; the last of its rows are still to come.
      if (statement !== 2) return;
      await store.write((other) =>
        other.all(sql`update sessions set updated_at = 2 where id = ${`ended${ENDED - 1}`}`),
      );
      await store.write((other) =>
        other.all(sql`update sessions set expires_at = 9 where id = ${`ended${ENDED - 2}`}`),
      );
    });
    expect(deleted).toBe(ENDED - 1);
    expect(await left()).toEqual([`ended${ENDED - 2}`, ...LIVE]);
  });

  test("deleteWhere: each statement passes over its own slice, not over what was deleted before", async () => {
    const visited: number[] = [];
    let before = 0;
    await deleteEnded(async (tx) => {
      const [row] = await tx.all<{ rows: unknown }>(sql`select seq_tup_read + coalesce(idx_tup_fetch, 0) as rows
        from pg_stat_xact_user_tables where relname = 'sessions'`);
      visited.push(Number(row?.rows) - before);
      before = Number(row?.rows);
    });
    // The first tells what this connection did before.
    const each = visited.slice(1);
    expect(Math.max(...each)).toBeLessThanOrEqual(SLICE_ROWS + LIVE.length);
    const total = each.reduce((sum, rows) => sum + rows, 0);
    expect(total).toBeGreaterThanOrEqual(ENDED);
    expect(total).toBeLessThanOrEqual(2 * (ENDED + LIVE.length));
  });
}
