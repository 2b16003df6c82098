/**
 * Kinds of test files. The suffix of a file names its kind, and so the deployments that it runs on:
 * - `*.unit.test.ts`: needs neither a database nor a server. Runs once; `npm run test:unit` runs these alone.
 * - `*.once.test.ts`: starts the servers it needs itself, on any deployment. Runs once.
 * - `*.test.ts`: opens a database in this process. Runs on SQLite and on Postgres.
 * - `*.scale.test.ts`: the same with hundreds of thousands of rows, each file in a process of its own, whose memory it measures.
 * - `*.e2e.test.ts`: starts the program as a process. Runs on SQLite, on Postgres, and on Postgres with Redis.
 * - `*.fleet.test.ts`: the same with one replica or several. Runs also with three replicas.
 */
export type TestKind = "unit" | "once" | "database" | "scale" | "e2e" | "fleet";

const SUFFIXES: readonly TestKind[] = ["unit", "once", "scale", "e2e", "fleet"];

/** Returns the kind that the suffix of a test file names. */
export function kindOf(file: string): TestKind {
  return SUFFIXES.find((suffix) => file.endsWith(`.${suffix}.test.ts`)) ?? "database";
}
