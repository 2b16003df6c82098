import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Migration {
  name: string;
  statements: string[];
}

/**
 * Reads `drizzle/<dialect>` while the program is bundled, so that a binary without any file beside it has its migrations.
 * Runs as a Bun macro, whose result is inlined as data.
 */
export function loadMigrations(dialect: "sqlite" | "postgres"): Migration[] {
  const folder = join(import.meta.dir, "../../drizzle", dialect);
  return readdirSync(folder)
    .filter((file) => file.endsWith(".sql"))
    .sort()
    .map((file) => ({
      name: file.replace(/\.sql$/, ""),
      statements: readFileSync(join(folder, file), "utf8").split("--> statement-breakpoint"),
    }));
}
