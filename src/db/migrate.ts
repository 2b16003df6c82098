import type { Database } from "bun:sqlite";
import type { Sql } from "postgres";
import { loadMigrations } from "./migrations.macro.ts" with { type: "macro" };
import type { Migration } from "./migrations.macro.ts";

const sqliteMigrations = loadMigrations("sqlite");
const postgresMigrations = loadMigrations("postgres");

/** The last migration that this program contains. Both sets have the same names. */
export const NEWEST_MIGRATION = sqliteMigrations.at(-1)?.name ?? "";

/**
 * The advisory lock under which processes that start together migrate one after the other. Any number that no other program
 * on the server uses.
 */
const MIGRATION_LOCK_ID = 7_273_774_723;

const CREATE_JOURNAL =
  "create table if not exists schema_migrations (name text primary key, applied_at bigint not null)";

/** Applies all missing migrations to a SQLite database in one transaction. Returns their names. */
export function migrateSqlite(handle: Database, migrations: readonly Migration[] = sqliteMigrations): string[] {
  handle.run("begin immediate");
  try {
    handle.run(CREATE_JOURNAL);
    const rows = handle.query<{ name: string }, []>("select name from schema_migrations").all();
    const missing = withoutApplied(migrations, rows);
    for (const { name, statements } of missing) {
      for (const statement of statements) handle.run(statement);
      handle.query("insert into schema_migrations values (?, ?)").run(name, Date.now());
    }
    handle.run("commit");
    return missing.map(({ name }) => name);
  } catch (error) {
    handle.run("rollback");
    throw error;
  }
}

/** Applies all missing migrations to Postgres within the caller's transaction. Returns their names. */
export async function migratePostgres(
  { unsafe }: Pick<Sql, "unsafe">,
  migrations: readonly Migration[] = postgresMigrations,
): Promise<string[]> {
  // Waiting for another process, and a migration of many rows, may take longer than the session allows.
  await unsafe("set local lock_timeout = 0; set local statement_timeout = 0");
  await unsafe(`select pg_advisory_xact_lock(${MIGRATION_LOCK_ID})`);
  await unsafe(CREATE_JOURNAL);
  const missing = withoutApplied(migrations, await unsafe<{ name: string }[]>("select name from schema_migrations"));
  for (const { name, statements } of missing) {
    for (const statement of statements) await unsafe(statement);
    await unsafe("insert into schema_migrations values ($1, $2)", [name, Date.now()]);
  }
  return missing.map(({ name }) => name);
}

function withoutApplied(migrations: readonly Migration[], applied: readonly { name: string }[]): Migration[] {
  const names = new Set(applied.map(({ name }) => name));
  return migrations.filter(({ name }) => !names.has(name));
}
