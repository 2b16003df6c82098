import type { Database } from "bun:sqlite";
import type { Sql } from "postgres";
import { readMigrations } from "./migrations.macro.ts" with { type: "macro" };

const sqlite = readMigrations("sqlite");
const postgres = readMigrations("postgres");

/** The last migration this program knows; both sets have the same names. */
export const newestMigration = sqlite.at(-1)?.name ?? "";

/** Any number will do, as long as no other program on the same Postgres takes it: two starters migrate one after the other. */
const ADVISORY_LOCK = 7_273_774_723;

const CREATE_JOURNAL =
  "create table if not exists schema_migrations (name text primary key, applied_at bigint not null)";

/** Brings a SQLite file to the current schema. All missing migrations are applied in one transaction; returns their names. */
export function migrateSqlite(handle: Database): string[] {
  handle.run("begin immediate");
  try {
    handle.run(CREATE_JOURNAL);
    const done = new Set(
      handle
        .query<{ name: string }, []>("select name from schema_migrations")
        .all()
        .map((row) => row.name),
    );
    const missing = sqlite.filter((migration) => !done.has(migration.name));
    for (const { name, statements } of missing) {
      for (const statement of statements) handle.run(statement);
      handle.query("insert into schema_migrations values (?, ?)").run(name, Date.now());
    }
    handle.run("commit");
    return missing.map((migration) => migration.name);
  } catch (error) {
    handle.run("rollback");
    throw error;
  }
}

/** The same for Postgres, within a transaction. An advisory lock lets replicas that start together take turns. */
export async function migratePostgres({ unsafe }: Pick<Sql, "unsafe">): Promise<string[]> {
  // Both may take longer than what is usual here.
  await unsafe("set local lock_timeout = 0; set local statement_timeout = 0");
  await unsafe(`select pg_advisory_xact_lock(${ADVISORY_LOCK})`);
  await unsafe(CREATE_JOURNAL);
  const rows = await unsafe<{ name: string }[]>("select name from schema_migrations");
  const done = new Set(rows.map((row) => row.name));
  const missing = postgres.filter((migration) => !done.has(migration.name));
  for (const { name, statements } of missing) {
    for (const statement of statements) await unsafe(statement);
    await unsafe("insert into schema_migrations values ($1, $2)", [name, Date.now()]);
  }
  return missing.map((migration) => migration.name);
}
