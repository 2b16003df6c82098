import { afterAll, beforeAll, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { BackgroundWork } from "../src/background.ts";
import { dialect } from "../src/db/dialect.ts";
import { refusable } from "../src/db/refusable.ts";
import { installation } from "../src/db/schema/installation.ts";
import { isUnavailable } from "../src/db/violations.ts";
import { startApp, type TestApp } from "./support/app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const names = async () =>
  (await app.store.read.all<{ name: string }>(sql`select name from installation where name like 'test %'`)).map(
    ({ name }) => name,
  );

test("a store whose writes are refused: what has not committed by then never does, and its holder hears that it failed", async () => {
  const store = refusable(app.store);
  const write = (name: string, middle: () => Promise<unknown> = async () => {}) =>
    store.write(async (tx) => {
      await tx.insert(installation).values({ name, value: "" });
      await middle();
    });
  await write("test before");
  const under = Promise.withResolvers<void>();
  const begun = write("test under way", () => {
    store.refuseWrites();
    return under.promise;
  });
  // SQLite has one writer, whom others wait for; on Postgres this one may commit before the refusal.
  const queued = dialect === "sqlite" ? [write("test queued")] : [];
  under.resolve();
  for (const late of [begun, ...queued]) {
    const error = await late.then(
      () => null,
      (failure: unknown) => failure,
    );
    expect(isUnavailable(error)).toBe(true);
  }
  expect(write("test after")).rejects.toMatchObject({ code: "CONNECTION_ENDED" });
  // Who holds the store itself goes on.
  await app.store.write((tx) => tx.insert(installation).values({ name: "test engine", value: "" }));
  expect((await names()).sort()).toEqual(["test before", "test engine"]);
});

test("background work: a stop asks it to end, waits for it, and counts it until then", async () => {
  const background = new BackgroundWork();
  const step = Promise.withResolvers<void>();
  const work = background.run("import", async (signal) => {
    while (!signal.aborted) await step.promise;
  });
  expect([background.count("import"), background.count("other")]).toEqual([1, 0]);
  background.stop();
  const ended = background.ended();
  step.resolve();
  await ended;
  await work;
  expect(background.count("import")).toBe(0);
});
