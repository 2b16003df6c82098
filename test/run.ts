// Runs the test suite as `npm test`: each file on every deployment that its suffix names (see support/test-kinds.ts).
//
//   npm test -- [parts of file paths…] [flags of bun test…]
import { availableParallelism } from "node:os";
import { PROJECT_ROOT } from "./support/project-root.ts";
import { runFiles, type TestCount } from "./support/runner.ts";
import { findPostgres, startPostgres } from "./support/servers/postgres.ts";
import { findRedis, startRedis } from "./support/servers/redis.ts";
import { kindOf, type TestKind } from "./support/test-kinds.ts";

interface Pass {
  name: string;
  kinds: TestKind[];
  /** Reason why this machine cannot run it. */
  obstacle: string | null;
  /** Starts the servers of the pass, which end with this process, and returns the variables that name them. */
  prepare(): Promise<Record<string, string>>;
}

/** Passes that run at the same time. */
const LANES = Math.min(2, Number(process.env.TEST_LANES ?? availableParallelism()));

const inCi = process.env.CI === "true";
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130));

// Flags may have values, so all from the first flag on is left to bun.
const given = process.argv.slice(2);
const firstFlag = [...given, "-"].findIndex((argument) => argument.startsWith("-"));
const filters = given.slice(0, firstFlag).map((path) => path.replace(`${PROJECT_ROOT}/`, "").replace(/^\.\//, ""));
const flags = given.slice(firstFlag);
const files = [...new Bun.Glob("test/**/*.test.ts").scanSync(PROJECT_ROOT)]
  .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
  .sort();

const noPostgres = findPostgres() ? null : "PostgreSQL is not installed";
const noRedis = findRedis() ? null : "Redis is not installed";

let postgres: ReturnType<typeof startPostgres> | undefined;
async function withPostgres(): Promise<Record<string, string>> {
  postgres ??= startPostgres();
  return { DATABASE_URL: await (await postgres).createDatabase() };
}
async function withRedis(): Promise<Record<string, string>> {
  return { ...(await withPostgres()), REDIS_URL: (await startRedis()).url };
}
const onSqlite = async () => ({});
const onPostgres = { obstacle: noPostgres, prepare: withPostgres };

/** All passes, the longest first: the short ones at the end even out the lanes. */
const passes: Pass[] = [
  { name: "postgres", kinds: ["database"], ...onPostgres },
  { name: "sqlite", kinds: ["database"], obstacle: null, prepare: onSqlite },
  { name: "postgres, scale", kinds: ["scale"], ...onPostgres },
  { name: "sqlite, scale", kinds: ["scale"], obstacle: null, prepare: onSqlite },
  { name: "once", kinds: ["once"], obstacle: null, prepare: onSqlite },
  { name: "postgres+redis", kinds: ["e2e", "fleet"], obstacle: noPostgres ?? noRedis, prepare: withRedis },
  { name: "postgres, whole program", kinds: ["e2e", "fleet"], ...onPostgres },
  { name: "sqlite, whole program", kinds: ["e2e", "fleet"], obstacle: null, prepare: onSqlite },
  {
    name: "postgres+redis, 3 replicas",
    kinds: ["fleet"],
    obstacle: noPostgres ?? noRedis,
    prepare: async () => ({ ...(await withRedis()), REPLICAS: "3" }),
  },
  { name: "unit", kinds: ["unit"], obstacle: null, prepare: onSqlite },
];

const filesOf = ({ kinds }: Pass) => files.filter((file) => kinds.includes(kindOf(file)));
const waiting = passes.filter((pass) => filesOf(pass).length > 0);
const isAlone = LANES === 1 || waiting.length === 1;

function addCounts(counts: readonly TestCount[]): TestCount {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const { passed, failed, skipped } of counts) {
    sum.passed += passed;
    sum.failed += failed;
    sum.skipped += skipped;
  }
  return sum;
}

async function run(pass: Pass): Promise<TestCount> {
  const { name, obstacle, prepare } = pass;
  const own = filesOf(pass);
  console.log(`\n${name}: ${own.length} files${obstacle ? ` skipped, because ${obstacle}` : ""}`);
  if (obstacle) return { passed: 0, failed: 0, skipped: own.length };
  const output = isAlone ? "inherit" : { prefix: `${name} | ` };
  const startedAt = performance.now();
  try {
    const environment = await prepare();
    const processes = pass.kinds.includes("scale") ? own.map((file) => [file]) : [own];
    const counts: TestCount[] = [];
    for (const files of processes) {
      counts.push(await runFiles({ root: PROJECT_ROOT, files, environment, flags, output }));
    }
    return addCounts(counts);
  } catch (error) {
    console.error(error);
    return { passed: 0, failed: own.length, skipped: 0 };
  } finally {
    console.log(`\n${name}: took ${Math.round((performance.now() - startedAt) / 1000)} s`);
  }
}

const total: TestCount[] = [];

/** Runs passes one after the other until none is left. Passes share nothing but the machine. */
async function runLane(): Promise<void> {
  for (let pass = waiting.shift(); pass; pass = waiting.shift()) {
    total.push(await run(pass));
  }
}
await Promise.all(Array.from({ length: LANES }, runLane));
const sum = addCounts(total);
if (files.length === 0) {
  console.log(`no test file is named like ${filters.join(" or ")}`);
  sum.failed = 1;
}
if (inCi && sum.skipped > 0) console.log("\nIn CI nothing may be skipped.");
console.log(`\n${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exit(sum.failed > 0 || (inCi && sum.skipped > 0) ? 1 : 0);
