import { isReportedOutage } from "../db/outage-monitor.ts";
import { systemClock } from "../lib/clock.ts";
import { createLog, type Log, withoutOutageNoise } from "../lib/logger.ts";
import { type Config, parseConfig } from "../server/config/config.ts";

/** Parses the environment and opens the log, as every command does that needs either. */
export function loadSettings(): { config: Config; log: Log } {
  const config = parseConfig(process.env);
  return { config, log: withoutOutageNoise(createLog(config.logLevel, systemClock), isReportedOutage) };
}

/**
 * Sets the database of this process to SQLite. The schema asks the environment for its dialect when it is first loaded, so
 * this must run before any module is imported that uses a database.
 */
export function useSqlite(): void {
  delete process.env.DATABASE_URL;
  delete process.env.DATABASE_URL_FILE;
}
