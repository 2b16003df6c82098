import { systemClock } from "../clock.ts";
import { type Config, readConfig } from "../config.ts";
import { createLog, type Log, withoutEchoes } from "../log.ts";

/** Parses the environment and opens the log, as every command does that needs either. */
export function loadSettings(): { config: Config; log: Log } {
  const config = readConfig(process.env);
  return { config, log: withoutEchoes(createLog(config.logLevel, systemClock)) };
}

/**
 * Makes this process one of SQLite. The schema asks the environment which database it is for when it is first loaded, so
 * this comes before the import of whatever uses a database.
 */
export function useSqlite(): void {
  delete process.env.DATABASE_URL;
  delete process.env.DATABASE_URL_FILE;
}
