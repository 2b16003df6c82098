import { expect, test } from "bun:test";
import { join, posix } from "node:path";
import { PROJECT_ROOT } from "../support/project-root.ts";
import { kindOf } from "../support/test-kinds.ts";

/** Modules of test support that start a server or a process, or create a database. */
const OUTSIDE = /^test\/support\/(servers\/(?!temp-server)|app|service|fleet|replica|store|database)/;
/** Modules that start the program with the Redis of the pass. */
const PROGRAM = /^test\/support\/(service|fleet)\.ts$/;

const files = [...new Bun.Glob("test/**/*.ts").scanSync(PROJECT_ROOT)].sort();
const tests = files.filter((file) => file.endsWith(".test.ts"));
const texts = new Map(
  await Promise.all(files.map(async (file) => [file, await Bun.file(join(PROJECT_ROOT, file)).text()] as const)),
);
const transpiler = new Bun.Transpiler({ loader: "ts" });

/** Lists the files of test/ that a file imports, directly or through others. */
function importsOf(file: string, seen = new Set<string>()): Set<string> {
  for (const { path } of transpiler.scanImports(texts.get(file) ?? "")) {
    const target = posix.join(posix.dirname(file), path);
    if (!path.startsWith(".") || seen.has(target) || !texts.has(target)) continue;
    seen.add(target);
    importsOf(target, seen);
  }
  return seen;
}

/** Lists the files that a test imports and `pattern` matches, as test → file. */
function offences(kinds: readonly string[], pattern: RegExp): string[] {
  return tests
    .filter((file) => kinds.includes(kindOf(file)))
    .flatMap((file) => [...importsOf(file)].filter((path) => pattern.test(path)).map((path) => `${file} → ${path}`));
}

test("test kinds: a unit test imports no support that starts a server or creates a database", () => {
  expect(tests.filter((file) => kindOf(file) === "unit").length).toBeGreaterThan(20);
  expect(offences(["unit"], OUTSIDE)).toEqual([]);
});

test("test kinds: a unit test starts no server or process and opens no database itself", () => {
  const starts = /\bBun\.(serve|listen|connect|spawn)|\bcreateServer\(|\bnew Database\(|\bopenStore\(/;
  const units = tests.filter((file) => kindOf(file) === "unit" && !file.endsWith("test-kinds.unit.test.ts"));
  expect(units.filter((file) => starts.test(texts.get(file) ?? ""))).toEqual([]);
});

test("test kinds: a test that starts the program runs on every deployment, or once", () => {
  expect(offences(["database", "unit"], PROGRAM)).toEqual([]);
});

test.each([
  ["test/a.unit.test.ts", "unit"],
  ["test/a.once.test.ts", "once"],
  ["test/a.test.ts", "database"],
  ["test/a.scale.test.ts", "scale"],
  ["test/a.e2e.test.ts", "e2e"],
  ["test/a.fleet.test.ts", "fleet"],
])("test kinds: %s is of kind %s", (file, kind) => {
  expect<string>(kindOf(file)).toBe(kind);
});
