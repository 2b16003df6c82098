import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TestCount {
  passed: number;
  failed: number;
  skipped: number;
}

export interface TestRun {
  /** Folder that the paths of `files` start from. */
  root: string;
  files: string[];
  environment: Record<string, string>;
  /** Further flags of `bun test`. */
  flags: string[];
  /** `{ prefix }` prints each line behind a prefix, so that runs at the same time can be told apart. */
  output: "inherit" | "ignore" | { prefix: string };
}

/**
 * Returns the variables of this process without those that name servers: a developer's own settings must not lead the tests
 * to a database with something in it.
 */
export function testEnvironment(): Record<string, string | undefined> {
  const { DATABASE_URL: _, REDIS_URL: __, REPLICAS: ___, ...inherited } = process.env;
  return inherited;
}

/** Prints the output of a run line by line, each behind a prefix. */
async function printLines(stream: ReadableStream<Uint8Array>, prefix: string): Promise<void> {
  const text = stream.pipeThrough(new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>);
  let rest = "";
  for await (const chunk of text) {
    const lines = `${rest}${chunk}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) console.log(`${prefix}${line}`);
  }
  if (rest) console.log(`${prefix}${rest}`);
}

/** Runs test files in one `bun test` and counts from its JUnit report. A file that the report leaves out counts as failed. */
export async function runFiles({ root, files, environment, flags, output }: TestRun): Promise<TestCount> {
  const folder = mkdtempSync(join(tmpdir(), "reprise-report-"));
  const path = join(folder, "report.xml");
  // Passes share the cores with each other and with the servers they start: a test of half a second may take ten.
  const reporting = ["--timeout=30000", "--reporter=junit", `--reporter-outfile=${path}`];
  const stdio = typeof output === "object" ? "pipe" : output;
  const bun = Bun.spawn(
    [process.execPath, "test", "--no-env-file", ...reporting, ...flags, ...files.map((file) => `./${file}`)],
    { cwd: root, env: { ...testEnvironment(), ...environment }, stdio: ["ignore", stdio, stdio] },
  );
  if (typeof output === "object") {
    const printed = [bun.stdout, bun.stderr].map((stream) =>
      stream instanceof ReadableStream ? printLines(stream, output.prefix) : undefined,
    );
    await Promise.all(printed);
  }
  const exitCode = await bun.exited;
  // The report is missing when the process died, or when no file could be loaded.
  const report = (await Bun.file(path).exists()) ? await Bun.file(path).text() : "";
  rmSync(folder, { recursive: true });

  const lost = files.filter((file) => !report.includes(` file="${file}"`));
  const tests = total(report, "tests");
  const skipped = total(report, "skipped");
  const failed = total(report, "failures");
  const unexplained = exitCode !== 0 && failed + lost.length === 0 ? 1 : 0;
  if (output !== "ignore") {
    for (const file of lost) console.log(`${file} does not load, holds no test, or took the process down`);
    if (unexplained) console.log(`bun test ended with exit code ${exitCode} for no reason it reports`);
  }
  return { passed: tests - skipped - failed, failed: failed + lost.length + unexplained, skipped };
}

function total(report: string, name: "tests" | "failures" | "skipped"): number {
  return Number(report.match(new RegExp(`<testsuites [^>]*\\b${name}="(\\d+)"`))?.[1] ?? 0);
}
