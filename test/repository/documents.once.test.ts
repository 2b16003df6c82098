import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { JsonObject } from "../../src/http/json.ts";
import { startApp, type TestApp } from "../support/app.ts";
import { listOperations } from "../support/openapi-operations.ts";
import { PROJECT_ROOT } from "../support/project-root.ts";

// What people read before they read code: that it names things that exist.

const files = ["*.md", "docs/*.md"].flatMap((pattern) => [...new Bun.Glob(pattern).scanSync(PROJECT_ROOT)]).sort();
const documents = await Promise.all(
  files.map(async (file) => ({ file, text: await Bun.file(join(PROJECT_ROOT, file)).text() })),
);

/** Returns what a pattern finds in all documents, as `document: match`. */
function findAll(pattern: RegExp): { file: string; found: string }[] {
  return documents.flatMap(({ file, text }) =>
    [...text.matchAll(pattern)].map(([whole, group]) => ({ file, found: group ?? whole })),
  );
}

test("documents: every relative link leads to a file", () => {
  const links = findAll(/\]\((?!https?:|#)([^)#]+)/g);
  expect(links.length).toBeGreaterThan(20);
  expect(links.filter(({ file, found }) => !existsSync(join(PROJECT_ROOT, dirname(file), found)))).toEqual([]);
});

test("documents: every source file that is named exists", () => {
  const paths = findAll(/`((?:[\w.-]+\/)+[\w.-]+\.(?:ts|mjs|json|txt))`/g).filter(
    ({ found }) => !found.startsWith("dist/"),
  );
  expect(paths.length).toBeGreaterThan(10);
  const places = ["", "src", "src/modules"];
  expect(paths.filter(({ found }) => !places.some((place) => existsSync(join(PROJECT_ROOT, place, found))))).toEqual(
    [],
  );
});

test("documents: README's map names every folder of src", () => {
  const map = documents.find(({ file }) => file === "README.md")?.text.match(/^src\/\n[\s\S]*?^```/m)?.[0] ?? "";
  const folders = [...new Bun.Glob("*").scanSync({ cwd: join(PROJECT_ROOT, "src"), onlyFiles: false })].filter(
    (name) => !name.includes("."),
  );
  expect(folders.filter((name) => !map.includes(` ${name}/`))).toEqual([]);
});

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

test("documents: every operation of the API that is named exists", async () => {
  const answer = await app.app.handle(new Request("http://localhost/swagger/json"));
  const known = new Set(
    listOperations((await answer.json()) as JsonObject).map(
      ({ method, path }) => `${method} ${path.replace(/\{\w+\}/g, ":id")}`,
    ),
  );
  const named = findAll(/\b(?:GET|POST|PUT|PATCH|DELETE) \/api\/[\w/:-]+/g);
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter(({ found }) => !known.has(found))).toEqual([]);
});
