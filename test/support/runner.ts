import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Count {
  passed: number;
  failed: number;
  skipped: number;
}

export interface Run {
  /** Where `files` start from. */
  root: string;
  files: string[];
  environment: Record<string, string>;
  /** Further flags of `bun test`. */
  flags: string[];
  /** `{ prefix }` passes each line on behind a prefix, so that runs at the same time can be told apart. */
  output: "inherit" | "ignore" | { prefix: string };
}

/** Prints what a run says, a line at a time. */
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

/** Runs test files in one `bun test` and counts from its own report. What that leaves out counts as failed. */
export async function runFiles({ root, files, environment, flags, output }: Run): Promise<Count> {
  const folder = mkdtempSync(join(tmpdir(), "reprise-report-"));
  const path = join(folder, "report.xml");
  // Twice as many passes as cores may run beside each other: a test that takes half a second alone may take ten.
  const reporting = ["--timeout=30000", "--reporter=junit", `--reporter-outfile=${path}`];
  // A developer's own settings, from the shell or a file, must not lead the tests to a database with something in it.
  const { DATABASE_URL: _, REDIS_URL: __, REPLICAS: ___, ...inherited } = process.env;
  const stdio = typeof output === "object" ? "pipe" : output;
  const bun = Bun.spawn(
    [process.execPath, "test", "--no-env-file", ...reporting, ...flags, ...files.map((file) => `./${file}`)],
    { cwd: root, env: { ...inherited, ...environment }, stdio: ["ignore", stdio, stdio] },
  );
  if (typeof output === "object") {
    const printed = [bun.stdout, bun.stderr].map((stream) =>
      stream instanceof ReadableStream ? printLines(stream, output.prefix) : undefined,
    );
    await Promise.all(printed);
  }
  const exitCode = await bun.exited;
  // There is none when the process died, or when no file could be loaded.
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
