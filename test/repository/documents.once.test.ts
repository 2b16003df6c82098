import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { JsonObject } from "../../src/http/json.ts";
import { startApp, type TestApp } from "../support/app.ts";
import { listOperations } from "../support/openapi-operations.ts";
import { PROJECT_ROOT } from "../support/project-root.ts";

// Check that the documents name links, files, folders and operations that exist.

const files = ["*.md", "docs/*.md"].flatMap((pattern) => [...new Bun.Glob(pattern).scanSync(PROJECT_ROOT)]).sort();
const documents = await Promise.all(
  files.map(async (file) => ({ file, text: await Bun.file(join(PROJECT_ROOT, file)).text() })),
);

/** Files and operations that a guide adds as its example, and that must therefore not exist. */
const INVENTED: Readonly<Record<string, readonly string[]>> = {
  "docs/adding-a-channel.md": ["src/channels/sms/http-sms.ts"],
  "docs/adding-a-route.md": ["GET /api/auth/banned/:id"],
};
const isInvented = ({ file, found }: { file: string; found: string }) => INVENTED[file]?.includes(found) ?? false;

/** Lists what a pattern finds in all documents, with the name of the document. */
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
  const missing = paths.filter(({ found }) => !places.some((place) => existsSync(join(PROJECT_ROOT, place, found))));
  expect(missing.filter((path) => !isInvented(path))).toEqual([]);
});

test("documents: README's map names every folder of src and every module", () => {
  const map = documents.find(({ file }) => file === "README.md")?.text.match(/^src\/\n[\s\S]*?^```/m)?.[0] ?? "";
  const folders = ["src", "src/modules"].flatMap((parent) =>
    [...new Bun.Glob("*").scanSync({ cwd: join(PROJECT_ROOT, parent), onlyFiles: false })].filter(
      (name) => !name.includes("."),
    ),
  );
  expect(folders).toContain("campaigns");
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
  const named = findAll(/\b(?:GET|POST|PUT|PATCH|DELETE) \/api\/[\w/:{}-]+/g).map(({ file, found }) => ({
    file,
    found: found.replace(/\{\w+\}/g, ":id"),
  }));
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((operation) => !known.has(operation.found) && !isInvented(operation))).toEqual([]);
  const invented = Object.values(INVENTED).flat();
  expect(invented.filter((name) => known.has(name) || existsSync(join(PROJECT_ROOT, name)))).toEqual([]);
});
