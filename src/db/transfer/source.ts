import { Database } from "bun:sqlite";
import { existsSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { checkDataFolder } from "../../lib/data-folder/data-folder.ts";
import { AppError } from "../../lib/errors.ts";
import { migrateSqlite, NEWEST_MIGRATION } from "../migrate.ts";
import { lockDataDir } from "../sqlite/folder-lock.ts";

/** The SQLite installation that is transferred. Its data folder is locked meanwhile. */
export interface Source {
  /** The data folder. */
  folder: string;
  handle: Database;
  close(): void;
}

/**
 * Opens the installation at `sqlite://<its folder, or reprise.db in it>`, and applies missing migrations.
 * @throws AppError CONFLICT while its service runs, NOT_FOUND when it is no Reprise database
 */
export function openSource(url: string): Source {
  const given = resolve(decodeURIComponent(url.replace(/^sqlite:(\/\/)?/, "")));
  const path = existsSync(given) && statSync(given).isDirectory() ? join(given, "reprise.db") : given;
  if (!existsSync(path)) throw new AppError("NOT_FOUND", `--from: there is no database at ${path}`);
  const folder = dirname(path);
  checkDataFolder(folder, true);
  const unlock = lockDataDir(folder);
  let handle: Database | null = null;
  try {
    handle = new Database(path);
    handle.run("pragma busy_timeout = 5000");
    if (!isReprise(handle)) throw new AppError("NOT_FOUND", `--from: ${path} is no database of Reprise`);
    if (getNewestMigration(handle) > NEWEST_MIGRATION)
      throw new AppError("CONFLICT", `--from: ${path} was written by a newer Reprise: use that version`);
    handle.run("pragma foreign_keys = on");
    handle.run("pragma synchronous = full");
    migrateSqlite(handle);
  } catch (error) {
    handle?.close();
    unlock();
    throw error;
  }
  const opened = handle;
  return {
    folder,
    handle: opened,
    close() {
      opened.close();
      unlock();
    },
  };
}

function isReprise(handle: Database): boolean {
  try {
    return handle.query("select 1 from schema_migrations limit 1").get() !== null;
  } catch {
    return false;
  }
}

function getNewestMigration(handle: Database): string {
  return handle.query<{ name: string }, []>("select max(name) as name from schema_migrations").get()?.name ?? "";
}
