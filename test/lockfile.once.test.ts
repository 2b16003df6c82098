import { expect, test } from "bun:test";
import { join } from "node:path";
import { PROJECT_ROOT } from "./support/project-root.ts";

interface Entry {
  resolved?: string;
  integrity?: string;
}

test("every package in the lock file, for whatever platform, has a hash, and none comes from elsewhere than npm's registry", async () => {
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
