import { expect, test } from "bun:test";
import lock from "../package-lock.json";

interface Entry {
  resolved?: string;
  integrity?: string;
}

test("every package in the lock file, for whatever platform, has a hash, and none comes from elsewhere than npm's registry", () => {
  const entries = Object.entries(lock.packages as Record<string, Entry>).filter(([path]) => path !== "");
  expect(entries.length).toBeGreaterThan(200);
  const registry = "https://registry.npmjs.org/";
  const unchecked = entries.filter(
    ([, { resolved = registry, integrity = "" }]) =>
      !/^sha512-[\w+/]{86}==$/.test(integrity) || !resolved.startsWith(registry),
  );
  expect(unchecked.map(([path]) => path)).toEqual([]);
});
