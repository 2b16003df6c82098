// What `npm test` runs: the suite once for each size of deployment.
//
//   npm test -- [parts of file names…] [flags of bun test…]
//
// Files named *.once.test.ts do not depend on the database and run in the first pass only. With Redis run those that start
// the whole program, which alone reads REDIS_URL: what drives the engine makes no difference to anything beneath. In the
// last pass run those that start a fleet, whose size REPLICAS says.
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { findPostgres, startPostgres } from "./support/postgres.ts";
import { findRedis, startRedis } from "./support/redis.ts";
import { type Count, runFiles } from "./support/runner.ts";

interface Pass {
  name: string;
  files: string[];
  /** Why this machine cannot run it. */
  obstacle: string | null;
  /** Starts what the pass needs, which ends with this process, and says how the tests find it. */
  prepare(): Promise<Record<string, string>>;
}

/** Passes at the same time: the first takes as long as all others together. */
const LANES = Math.min(2, Number(process.env.TEST_LANES ?? availableParallelism()));

const root = join(import.meta.dir, "..");
const inCi = process.env.CI === "true";
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130));

// Flags may have values, so all from the first flag on is left to bun.
const given = process.argv.slice(2);
const firstFlag = [...given, "-"].findIndex((argument) => argument.startsWith("-"));
const filters = given.slice(0, firstFlag).map((path) => path.replace(`${root}/`, "").replace(/^\.\//, ""));
const flags = given.slice(firstFlag);
const files = [...new Bun.Glob("test/**/*.test.ts").scanSync(root)]
  .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
  .sort();

const everySize = files.filter((file) => !file.endsWith(".once.test.ts"));
const importers = (name: string) =>
  everySize.filter((file) => readFileSync(join(root, file), "utf8").includes(`support/${name}.ts"`));
const fleets = importers("fleet");
const wholeProgram = [...importers("service"), ...fleets].sort();

let postgres: ReturnType<typeof startPostgres> | undefined;
async function createDatabase(): Promise<string> {
  postgres ??= startPostgres();
  return (await postgres).createDatabase();
}
const noPostgres = findPostgres() ? null : "PostgreSQL is not installed";
const noRedis = findRedis() ? null : "Redis is not installed";

async function withRedis(): Promise<Record<string, string>> {
  return { DATABASE_URL: await createDatabase(), REDIS_URL: (await startRedis()).url };
}

const passes: Pass[] = [
  { name: "sqlite", files, obstacle: null, prepare: async () => ({}) },
  {
    name: "postgres",
    files: everySize,
    obstacle: noPostgres,
    prepare: async () => ({ DATABASE_URL: await createDatabase() }),
  },
  {
    name: "postgres+redis",
    files: wholeProgram,
    obstacle: noPostgres ?? noRedis,
    prepare: withRedis,
  },
  {
    name: "postgres+redis, 3 replicas",
    files: fleets,
    obstacle: noPostgres ?? noRedis,
    prepare: async () => ({ ...(await withRedis()), REPLICAS: "3" }),
  },
];

const waiting = passes.filter(({ files }) => files.length > 0);
const alone = LANES === 1 || waiting.length === 1;

async function run({ name, files, obstacle, prepare }: Pass): Promise<Count> {
  console.log(`\n${name}: ${files.length} files${obstacle ? ` skipped, because ${obstacle}` : ""}`);
  if (obstacle) return { passed: 0, failed: 0, skipped: files.length };
  try {
    const output = alone ? "inherit" : { prefix: `${name} | ` };
    return await runFiles({ root, files, environment: await prepare(), flags, output });
  } catch (error) {
    console.error(error);
    return { passed: 0, failed: files.length, skipped: 0 };
  }
}

const sum: Count = { passed: 0, failed: 0, skipped: 0 };

/** Runs passes one after the other until none is left. Passes share nothing but the machine. */
async function runLane(): Promise<void> {
  for (let pass = waiting.shift(); pass; pass = waiting.shift()) {
    const { passed, failed, skipped } = await run(pass);
    sum.passed += passed;
    sum.failed += failed;
    sum.skipped += skipped;
  }
}
await Promise.all(Array.from({ length: LANES }, runLane));
if (files.length === 0) {
  console.log(`no test file is named like ${filters.join(" or ")}`);
  sum.failed = 1;
}
if (inCi && sum.skipped > 0) console.log("\nIn CI nothing may be skipped.");
console.log(`\n${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exit(sum.failed > 0 || (inCi && sum.skipped > 0) ? 1 : 0);
