import { expect, test } from "bun:test";
import lock from "../package-lock.json";

interface Entry {
  resolved?: string;
  integrity?: string;
}

test("package-lock.json: each package has a SHA-512 hash and comes from the npm registry", () => {
  const entries = Object.entries(lock.packages as Record<string, Entry>).filter(([path]) => path !== "");
  expect(entries.length).toBeGreaterThan(200);
  const registry = "https://registry.npmjs.org/";
  const unchecked = entries.filter(
    ([, { resolved = registry, integrity = "" }]) =>
      !/^sha512-[\w+/]{86}==$/.test(integrity) || !resolved.startsWith(registry),
  );
  expect(unchecked.map(([path]) => path)).toEqual([]);
});
