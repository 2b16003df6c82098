import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getTableName, is } from "drizzle-orm";
import { SQLiteTable } from "drizzle-orm/sqlite-core";
import postgres from "postgres";
import { seededRandom } from "../../../src/lib/random.ts";
import { PROJECT_ROOT, SOURCE_PROGRAM } from "../../support/project-root.ts";
import { cleanEnvironment, type ProcessResult, runProgram } from "../../support/replica.ts";
import { findPostgres, type PostgresServer, startPostgres } from "../../support/servers/postgres.ts";

// Migrate an installation with rows in each table from SQLite to Postgres. More kills: MOVE_KILLS=100
// MOVE_ROWS=100000.

setDefaultTimeout(120_000);

const KILLS = Number(process.env.MOVE_KILLS ?? 4);
const ROWS = Number(process.env.MOVE_ROWS ?? 20_000);
const SEED = process.env.MOVE_SEED ?? String(Math.floor(Math.random() * 1e9));
const missing = findPostgres() === null ? " (skipped: PostgreSQL is not installed)" : "";
const SPECIAL_CHARACTERS = 'tab\t, line\nfeed, back\\slash, "quotes", \\N, {brace}, 😀, ünï';

describe.skipIf(missing !== "")(`migrate command${missing}`, () => {
  let folder: string;
  let data: string;
  let server: PostgresServer;
  const urls: string[] = [];

  const reprise = (args: string[], env: Record<string, string> = {}, input = ""): Promise<ProcessResult> =>
    runProgram([...SOURCE_PROGRAM, ...args], { cwd: folder, env: { ...cleanEnvironment(folder), ...env }, input });
  const move = (from: string, to: string) =>
    reprise(["migrate", "--from", `sqlite://${from}`, "--json"], { DATABASE_URL: to });
  const lastLine = (ended: ProcessResult) => JSON.parse(ended.stdout.trimEnd().split("\n").at(-1) ?? "");

  /** Copies the installation for one migration. */
  function another(name: string): string {
    const copy = join(folder, name);
    cpSync(data, copy, { recursive: true });
    return copy;
  }
  async function freshUrl(): Promise<string> {
    const url = (await server.createDatabase()).replace("postgres@", "postgres:hunter2@");
    urls.push(url);
    return url;
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "reprise-moving-"));
    server = await startPostgres();
    // The demo leaves a consistent ledger; fill the tables that it leaves empty.
    const demo = await reprise(["demo", "--exit", "--json"], { DATA_DIR: folder });
    expect(demo.exitCode).toBe(0);
    data = join(folder, "demo");
    fillEmptyTables(join(data, "reprise.db"));
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await server.stop();
  });

  test("copies each row of each table of the schema, including texts with special characters", async () => {
    const [from, url] = [another("whole"), await freshUrl()];
    const moved = await move(from, url);
    expect(moved.exitCode === 0 ? "" : moved.stderr).toBe("");
    expect(lastLine(moved)).toMatchObject({ ok: true, differences: [] });
    expect(moved.exitCode).toBe(0);

    const tables = await schemaTables();
    const here = new Database(join(from, "reprise.db"), { readonly: true });
    const sql = postgres(url, { max: 1 });
    for (const table of tables) {
      // The table installation differs: the source keeps a mark of the migration.
      if (table === "installation") continue;
      const { n } = here.query<{ n: number }, []>(`select count(*) as n from "${table}"`).get() ?? { n: 0 };
      expect([table, n > 0]).toEqual([table, true]);
      const [row] = await sql.unsafe(`select count(*)::integer as n from "${table}"`);
      expect([table, row?.n]).toEqual([table, n]);
    }
    const [copied] =
      await sql`select name, custom from contacts, import_rows, brands where message = ${SPECIAL_CHARACTERS} limit 1`;
    expect(copied).toBeDefined();
    here.close();
    await sql.end();
  });

  test("an incomplete call exits with 2 and shows no password", async () => {
    for (const args of [
      ["--from", `sqlite://${data}`],
      ["--to", "postgres://me:hunter2@127.0.0.1:1/x"],
    ]) {
      const { exitCode, stderr } = await reprise(["migrate", ...args]);
      expect(exitCode).toBe(2);
      expect(stderr).not.toContain("hunter2");
    }
  });

  test.each(
    [
      ["--to", "postgres://me:hunter2@127.0.0.1:1/x"],
      ["--to", "postgres://:hunter2@127.0.0.1:1/x"],
      ["--to", "postgresql://me:hunter2@one:1,two:2/x"],
      ["--to", "postgres://me:hunter2%40x@127.0.0.1:1/x?sslmode=require"],
      ["--to", "postgres://me:hunter2/#?@127.0.0.1:1/x"],
      ["--to", "postgres://127.0.0.1:1/x?user=me&password=hunter2"],
      ["--to", "mysql://me:hunter2@127.0.0.1/x"],
      ["--to=postgres://me:hunter2@127.0.0.1:1/x"],
      ["postgres://me:hunter2@127.0.0.1:1/x"],
      ["--from", "postgres://me:hunter2@127.0.0.1:1/x"],
    ].map((to) => [to]),
  )("a password on the command line is rejected and not repeated: %p", async (to) => {
    const { exitCode, stdout, stderr } = await reprise(["migrate", "--from", `sqlite://${data}`, ...to]);
    expect(exitCode).toBe(2);
    expect(stdout + stderr).not.toContain("hunter2");
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    if (to[0]?.startsWith("--to")) expect(stderr).toContain("the process list would show");
  });

  test.each(["postgres://127.0.0.1:1/x", "postgres://me@127.0.0.1:1/x", "postgres://me@[::1]:1/x?sslmode=disable"])(
    "accepts the target URL as an argument when it has no password: %s",
    async (to) => {
      const { exitCode, stderr } = await reprise(["migrate", "--from", `sqlite://${another("open")}`, "--to", to]);
      expect(exitCode).toBe(1);
      expect(stderr).toContain("cannot be used");
    },
  );

  test("the target comes from a variable, a file or standard input, and from exactly one of these", async () => {
    const url = await freshUrl();
    const file = join(folder, "url");
    await Bun.write(file, `${url}\n`);
    const at = (...to: string[]) => ["migrate", "--from", `sqlite://${another("said")}`, "--json", ...to];
    expect((await reprise(at("--to-env", "TARGET"), { TARGET: url })).exitCode).toBe(0);
    const full = { exitCode: 1, stderr: expect.stringContaining("expected an empty database") };
    expect(await reprise(at("--to-file", file))).toMatchObject(full);
    expect(await reprise(at("--to-stdin"), {}, `${url}\n`)).toMatchObject(full);
    expect(await reprise(at(), { DATABASE_URL: url })).toMatchObject(full);
    expect(await reprise(at(), { DATABASE_URL_FILE: file })).toMatchObject(full);
    const wrong = { exitCode: 2, stdout: "" };
    expect(await reprise(at("--to-env", "NOWHERE"))).toMatchObject(wrong);
    expect(await reprise(at("--to-file", join(folder, "nowhere")))).toMatchObject(wrong);
    expect(await reprise(at("--to-file", file, "--to-stdin"))).toMatchObject(wrong);
    expect(await reprise(at())).toMatchObject({ ...wrong, stderr: expect.stringContaining("--to: expected") });
  });

  test("rejects a source that is no Reprise database or has a newer schema", async () => {
    const other = join(folder, "other");
    await Bun.write(join(other, "reprise.db"), "no database at all, but a text that is long enough to be read");
    expect((await move(other, await freshUrl())).stderr).toContain("no database of Reprise");
    const newer = another("newer");
    change(newer, "insert into schema_migrations values ('9999_later', 0)");
    expect((await move(newer, await freshUrl())).stderr).toContain("newer Reprise");
  });

  test.each([
    ["brands", "name", "char(97, 0, 98)", "a NUL byte"],
    ["contacts", "custom", `'{"a": "\\u0000"}'`, "a NUL byte"],
    ["email_accounts", "is_active", "2", "a value that is neither 0 nor 1"],
    ["messages", "run_at", "'soon'", "a value that is no integer"],
  ])("names the value that Postgres cannot store: %s.%s", async (table, column, value, flaw) => {
    const from = another(`flaw-${column}`);
    change(from, `update ${table} set ${column} = ${value}`);
    const { exitCode, stderr } = await move(from, await freshUrl());
    expect(stderr).toContain(`${table}.${column} holds ${flaw}`);
    expect(exitCode).toBe(1);
  });

  test("a migration begun by another version is not continued; its source creates no admin until it is released", async () => {
    const [from, url] = [another("begun"), await freshUrl()];
    change(from, "update messages set run_at = 'soon'");
    expect((await move(from, url)).exitCode).toBe(1);
    change(from, "update installation set value = json_set(value, '$.schema', '0000_other') where name = 'moving'");
    expect((await move(from, url)).stderr).toContain("another version of Reprise");
    const admin = ["admin", "create", "--email", "late@example.com", "--password-stdin"];
    expect((await reprise(admin, { DATA_DIR: from }, "correct horse battery")).stderr).toContain("is being moved to");
    expect((await reprise(["migrate", "--abandon", "--from", `sqlite://${from}`])).exitCode).toBe(0);
    expect((await reprise(admin, { DATA_DIR: from }, "correct horse battery")).exitCode).toBe(0);
  });

  test("two sources that migrate to one target at the same time: exactly one succeeds", async () => {
    const [one, other, url] = [another("one"), another("two"), await freshUrl()];
    const codes = (await Promise.all([move(one, url), move(other, url)])).map(({ exitCode }) => exitCode);
    expect(codes.sort()).toEqual([0, 1]);
  });

  test(
    "kill -9 at random times: the repeated command continues and neither duplicates nor loses a row",
    async () => {
      const random = seededRandom(SEED);
      let [killed, moves] = [0, 0];
      while (killed < KILLS) {
        const [from, url] = [another(`killed${moves}`), await freshUrl()];
        multiply(join(from, "reprise.db"), ROWS);
        for (let ended = false; !ended; ) {
          const child = Bun.spawn([...SOURCE_PROGRAM, "migrate", "--from", `sqlite://${from}`, "--json"], {
            cwd: folder,
            env: { ...cleanEnvironment(folder), DATABASE_URL: url },
            stdio: ["ignore", "ignore", "ignore"],
          });
          // Grow the wait, so that the migration completes at last on any machine.
          await Promise.race([child.exited, Bun.sleep(200 + random() * (1_500 + killed * 100))]);
          child.kill("SIGKILL");
          await child.exited;
          ended = child.signalCode !== "SIGKILL";
          // Exit code 1 means that the previous run was killed after its last step. The next call checks this.
          if (ended) expect([0, 1]).toContain(child.exitCode ?? -1);
          else killed++;
        }
        moves++;
        expect((await move(from, url)).stderr).toContain("it was moved");
        await expectTheSameRows(from, url);
        rmSync(from, { recursive: true });
      }
      console.log(`kill -9 of the mover: ${killed} times in ${moves} moves of ${ROWS} rows and more, seed ${SEED}`);
    },
    KILLS * 10_000 + 300_000,
  );
});

/** Lists the names of all tables of the schema, from all schema files. */
async function schemaTables(): Promise<string[]> {
  const schemaFolder = join(PROJECT_ROOT, "src/db/schema");
  const files = [...new Bun.Glob("*.ts").scanSync(schemaFolder)];
  const modules = await Promise.all(files.map((file) => import(join(schemaFolder, file))));
  return modules
    .flatMap((module) => Object.values<unknown>(module))
    .filter((value) => is(value, SQLiteTable))
    .map((table) => getTableName(table))
    .sort();
}

/** Compares counts and sums beyond the command's own comparison: each line exists exactly once. */
async function expectTheSameRows(folder: string, url: string): Promise<void> {
  const query = "select count(*) as n, count(distinct line) as lines, sum(length(email)) as letters from import_rows";
  const handle = new Database(join(folder, "reprise.db"), { readonly: true });
  const here = handle.query<Record<string, number>, []>(query).get() ?? {};
  handle.close();
  const sql = postgres(url, { max: 1 });
  const [there] = await sql.unsafe<Record<string, string>[]>(query);
  await sql.end();
  for (const [name, value] of Object.entries(here)) expect([name, Number(there?.[name])]).toEqual([name, value]);
}

function change(folder: string, statement: string): void {
  const handle = new Database(join(folder, "reprise.db"));
  handle.run(statement);
  handle.close();
}

/** Inserts a row into each empty table, with special characters and all columns set. */
function fillEmptyTables(path: string): void {
  const handle = new Database(path);
  handle.run("pragma foreign_keys = off");
  const tables = handle
    .query<{ name: string }, []>("select name from sqlite_master where type = 'table' and name not like 'sqlite%'")
    .all();
  for (const { name } of tables) {
    const filled = handle.query(`select 1 from "${name}" limit 1`).get() !== null;
    if (filled && name !== "import_rows") continue;
    const columns = handle
      .query<{ name: string; type: string }, [string]>("select name, type from pragma_table_info(?)")
      .all(name);
    const parents = handle
      .query<{ from: string; table: string }, [string]>(`select "from", "table" from pragma_foreign_key_list(?)`)
      .all(name);
    const cells = columns.map((column) => {
      const parent = parents.find(({ from }) => from === column.name);
      if (parent)
        return Object.values(handle.query<object, []>(`select id from "${parent.table}" limit 1`).get() ?? {})[0];
      if (["mapping", "verdicts", "facts", "custom"].includes(column.name))
        return JSON.stringify({ b: SPECIAL_CHARACTERS, a: [1.5, null] });
      if (column.name === "done_at") return null;
      if (/^int/i.test(column.type)) return ["enabled", "rate_limit_enabled"].includes(column.name) ? 0 : 1;
      if (/^real/i.test(column.type)) return -0.1;
      return column.name === "status" ? "FAILED" : SPECIAL_CHARACTERS;
    });
    handle.query(`insert into "${name}" values (${cells.map(() => "?").join(", ")})`).run(...(cells as string[]));
  }
  handle.close();
}

/** Adds rows, so that the migration runs long enough to be killed. */
function multiply(path: string, rows: number): void {
  const handle = new Database(path);
  handle.run(
    `insert into import_rows select job_id, n + 10, 'ok', 'p' || n || '@x.example', null, ?
    from import_rows, (with recursive c(n) as (select 1 union all select n + 1 from c where n < ${rows}) select n from c)
    where line = 1`,
    [SPECIAL_CHARACTERS.repeat(10)],
  );
  handle.close();
}
