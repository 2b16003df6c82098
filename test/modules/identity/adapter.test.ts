import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Where } from "better-auth";
import { storeAdapter } from "../../../src/modules/identity/adapter.ts";
import { startApp, type TestApp } from "../../support/app.ts";

let app: TestApp;
let adapter: ReturnType<ReturnType<typeof storeAdapter>>;
const earlier = new Date("2026-11-23T09:00:00.000Z");
const later = new Date("2026-11-24T09:00:00.000Z");

beforeAll(async () => {
  app = await startApp();
  adapter = storeAdapter(app.store)({});
  for (const [identifier, value, expiresAt] of [
    ["Apple_1", "x", earlier],
    ["apple%2", "y", later],
    ["pear", "z", later],
  ])
    await adapter.create({ model: "verification", data: { identifier, value, expiresAt } });
});
afterAll(() => app.close());

async function found(where: Where[]): Promise<string> {
  const sortBy = { field: "identifier", direction: "desc" } as const;
  const rows = await adapter.findMany<{ value: string }>({ model: "verification", where, sortBy });
  return rows
    .map(({ value }) => value)
    .sort()
    .join("");
}

const field = "identifier";
test.each<[Where[], string]>([
  [[], "xyz"],
  [[{ field, value: "pear" }], "z"],
  [[{ field, value: "PEAR" }], ""],
  [[{ field, value: "PEAR", mode: "insensitive" }], "z"],
  [[{ field, value: "pear", operator: "ne" }], "xy"],
  [[{ field, value: "APPLE_1", operator: "ne", mode: "insensitive" }], "yz"],
  [[{ field: "expiresAt", value: later, operator: "lt" }], "x"],
  [[{ field: "expiresAt", value: earlier, operator: "lte" }], "x"],
  [[{ field: "expiresAt", value: earlier, operator: "gt" }], "yz"],
  [[{ field: "expiresAt", value: later, operator: "gte" }], "yz"],
  [[{ field: "expiresAt", value: null, operator: "ne" }], "xyz"],
  [[{ field: "expiresAt", value: null }], ""],
  [[{ field, value: ["pear", "Apple_1"], operator: "in" }], "xz"],
  [[{ field, value: ["PEAR"], operator: "in", mode: "insensitive" }], "z"],
  [[{ field, value: ["pear", "Apple_1"], operator: "not_in" }], "y"],
  [[{ field, value: "apple", operator: "starts_with" }], "y"],
  [[{ field, value: "apple", operator: "starts_with", mode: "insensitive" }], "xy"],
  [[{ field, value: "%2", operator: "ends_with" }], "y"],
  [[{ field, value: "longer than any of them", operator: "ends_with" }], ""],
  [[{ field, value: "ppl", operator: "contains" }], "xy"],
  [[{ field, value: "PPL", operator: "contains" }], ""],
  [[{ field, value: "_", operator: "contains" }], "x"],
  [[{ field, value: "", operator: "contains" }], "xyz"],
  [
    [
      { field, value: "pear", connector: "OR" },
      { field, value: "Apple_1", connector: "OR" },
    ],
    "xz",
  ],
  [
    [
      { field: "expiresAt", value: later },
      { field, value: "pear", connector: "OR" },
      { field, value: "Apple_1", connector: "OR" },
    ],
    "z",
  ],
])("better-auth adapter: findMany and count with %j return %s", async (where, values) => {
  expect(await found(where)).toBe(values);
  expect(await adapter.count({ model: "verification", where })).toBe(values.length);
});

test("better-auth adapter: dates are returned as Date, and ids are UUIDs of version 7", async () => {
  const row = await adapter.findOne<{ id: string; expiresAt: Date }>({
    model: "verification",
    where: [{ field, value: "pear" }],
  });
  expect(row?.expiresAt).toEqual(later);
  expect(row?.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
});

test("better-auth adapter: a failing transaction is rolled back", async () => {
  const failing = adapter.transaction(async (within) => {
    await within.deleteMany({ model: "verification", where: [{ field, value: "pear" }] });
    expect(await within.count({ model: "verification" })).toBe(2);
    throw new Error("no");
  });
  expect(failing).rejects.toThrow("no");
  await failing.catch(() => {});
  expect(await found([])).toBe("xyz");
});

test("better-auth adapter: rows are updated and counted, and consumeOne returns a row to one caller", async () => {
  const where = [{ field, value: "pear" }];
  const changed = await adapter.update<{ value: string }>({ model: "verification", where, update: { value: "q" } });
  expect(changed?.value).toBe("q");
  const update = { value: "r" };
  expect(
    await adapter.updateMany({ model: "verification", where: [{ field: "expiresAt", value: later }], update }),
  ).toBe(2);
  const taken = await Promise.all([1, 2, 3].map(() => adapter.consumeOne({ model: "verification", where })));
  expect(taken.filter((row) => row !== null)).toHaveLength(1);
});
