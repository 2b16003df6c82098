import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runFiles } from "./runner.ts";

const root = mkdtempSync(join(tmpdir(), "reprise-suite-"));
mkdirSync(join(root, "test"));
afterAll(() => rmSync(root, { recursive: true }));

/** Runs a suite of files with these texts. */
async function run(...texts: string[]) {
  const files = texts.map((_, number) => `test/${number}.test.ts`);
  const imports = 'import { afterAll, expect, test } from "bun:test";\n';
  await Promise.all(texts.map((text, number) => Bun.write(join(root, `test/${number}.test.ts`), imports + text)));
  return runFiles({ root, files, environment: { MARK: "set" }, flags: [], output: "ignore" });
}

const good = 'test("good", () => {});';

test("what passes, fails and is skipped is counted over all files", async () => {
  const mixed = 'test("bad", () => expect(1).toBe(2)); test.skip("not now", () => {}); test.todo("later");';
  expect(await run(good, good + mixed)).toEqual({ passed: 2, failed: 1, skipped: 2 });
});

test("tests see the environment of the pass and never the developer's own database or number of replicas", async () => {
  process.env.DATABASE_URL = "postgres://production";
  process.env.REPLICAS = "7";
  const text = `test("environment", () => {
    expect([process.env.MARK, process.env.DATABASE_URL, process.env.REPLICAS]).toEqual(["set", undefined, undefined]);
  });`;
  expect(await run(text)).toEqual({ passed: 1, failed: 0, skipped: 0 });
  delete process.env.DATABASE_URL;
  delete process.env.REPLICAS;
});

test.each([
  ["does not load", 'import "./nowhere.ts";'],
  ["throws while it loads", 'test("never run", () => {}); throw new Error("half");'],
  ["holds no test", ""],
])("a file that %s has failed, beside files that pass", async (_, text) => {
  expect(await run(good, text)).toEqual({ passed: 1, failed: 1, skipped: 0 });
});

test("a process that ends in the middle fails every file, even with exit code 0", async () => {
  expect(await run(good, 'test("leave", () => process.exit(0));')).toEqual({ passed: 0, failed: 2, skipped: 0 });
});

test("what fails after the last test has failed", async () => {
  expect((await run(`${good} afterAll(() => { throw new Error("late"); });`)).failed).toBe(1);
});
