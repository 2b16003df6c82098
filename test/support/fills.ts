import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { dialect } from "../../src/db/dialect.ts";
import { PROJECT_ROOT } from "./project-root.ts";

/** Returns the statements by which migrations fill the counters from existing rows. */
export function fillStatements(): string[] {
  const folder = join(PROJECT_ROOT, "drizzle", dialect);
  return readdirSync(folder)
    .filter((file) => file.endsWith(".sql"))
    .sort()
    .flatMap((file) => readFileSync(join(folder, file), "utf8").split("--> statement-breakpoint"))
    .filter((statement) => /^\s*INSERT INTO (message_tallies|brand_days)/.test(statement));
}
