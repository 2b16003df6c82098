import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import postgres, { type Sql } from "postgres";
import { migratePostgres, migrateSqlite } from "../../src/db/migrate.ts";
import { findPostgres, type PostgresServer, startPostgres } from "../support/servers/postgres.ts";

setDefaultTimeout(60_000);

const FIRST = { name: "0000_first", statements: ["create table one (n bigint)", "insert into one values (1)"] };
const SECOND = { name: "0001_second", statements: ["alter table one add column m bigint", "update one set m = n + 1"] };
const BROKEN = { name: "0002_broken", statements: ["update one set m = 9", "insert into nowhere values (1)"] };

describe("migrations on SQLite", () => {
  test("each is applied once, in order, and one that was added later follows", () => {
    const handle = new Database(":memory:");
    expect(migrateSqlite(handle, [FIRST])).toEqual(["0000_first"]);
    expect(migrateSqlite(handle, [FIRST, SECOND])).toEqual(["0001_second"]);
    expect(migrateSqlite(handle, [FIRST, SECOND])).toEqual([]);
    expect(handle.query("select n, m from one").all()).toEqual([{ n: 1, m: 2 }]);
  });

  test("one that fails leaves nothing, neither of itself nor of those before it in the same run", () => {
    const handle = new Database(":memory:");
    migrateSqlite(handle, [FIRST]);
    expect(() => migrateSqlite(handle, [FIRST, SECOND, BROKEN])).toThrow("nowhere");
    expect(handle.query("select * from one").all()).toEqual([{ n: 1 }]);
    expect(handle.query("select name from schema_migrations").all()).toEqual([{ name: "0000_first" }]);
    expect(migrateSqlite(handle, [FIRST, SECOND])).toEqual(["0001_second"]);
  });
});

const missing = findPostgres() === null ? " (skipped: PostgreSQL is not installed)" : "";

describe.skipIf(missing !== "")(`migrations on Postgres${missing}`, () => {
  let server: PostgresServer;
  let url: string;
  let sql: Sql;
  beforeAll(async () => {
    server = await startPostgres();
    url = await server.createDatabase();
    sql = postgres(url, { max: 2, onnotice: () => {} });
  });
  afterAll(async () => {
    await sql.end();
    await server.stop();
  });
  const migrate = (...migrations: (typeof FIRST)[]) => sql.begin((tx) => migratePostgres(tx, migrations));

  test("two processes that start at the same time apply each once, and one that was added later follows", async () => {
    const applied = await Promise.all([migrate(FIRST), migrate(FIRST)]);
    expect(applied.flat()).toEqual(["0000_first"]);
    expect(await migrate(FIRST, SECOND)).toEqual(["0001_second"]);
    expect([...(await sql`select n::int, m::int from one`)]).toEqual([{ n: 1, m: 2 }]);
  });

  test("one that fails leaves nothing of itself", async () => {
    expect(migrate(FIRST, SECOND, BROKEN)).rejects.toThrow("nowhere");
    await migrate(FIRST, SECOND, BROKEN).catch(() => {});
    expect([...(await sql`select m::int from one`)]).toEqual([{ m: 2 }]);
    expect((await sql`select name from schema_migrations order by name`).map(({ name }) => name)).toEqual([
      "0000_first",
      "0001_second",
    ]);
  });
});
