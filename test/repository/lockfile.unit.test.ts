import { expect, test } from "bun:test";
import { join } from "node:path";
import { PROJECT_ROOT } from "../support/project-root.ts";

interface Entry {
  resolved?: string;
  integrity?: string;
}

test("package-lock.json: each package has a SHA-512 hash and comes from the npm registry", async () => {
  const lock = await Bun.file(join(PROJECT_ROOT, "package-lock.json")).json();
  const entries = Object.entries(lock.packages as Record<string, Entry>).filter(([path]) => path !== "");
  expect(entries.length).toBeGreaterThan(200);
  const registry = "https://registry.npmjs.org/";
  const unchecked = entries.filter(
    ([, { resolved = registry, integrity = "" }]) =>
      !/^sha512-[\w+/]{86}==$/.test(integrity) || !resolved.startsWith(registry),
  );
  expect(unchecked.map(([path]) => path)).toEqual([]);
});
