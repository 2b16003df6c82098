import { afterAll, beforeAll, expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { dialect } from "../../src/db/dialect.ts";
import { isUnavailable } from "../../src/db/errors.ts";
import { createRefusableStore } from "../../src/db/refusable-store.ts";
import { installation } from "../../src/db/schema/installation.ts";
import { BackgroundTasks } from "../../src/lib/background-tasks.ts";
import { startApp, type TestApp } from "../support/app.ts";

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const names = async () =>
  (await app.store.read.all<{ name: string }>(sql`select name from installation where name like 'test %'`)).map(
    ({ name }) => name,
  );

test("refusable store: writes that have not committed when writes are refused fail as unavailable and are rolled back", async () => {
  const store = createRefusableStore(app.store);
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
  // On SQLite other writes queue behind the only writer; on Postgres this one may commit before writes are refused.
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
  // The wrapped store itself still accepts writes.
  await app.store.write((tx) => tx.insert(installation).values({ name: "test engine", value: "" }));
  expect((await names()).sort()).toEqual(["test before", "test engine"]);
});

test("BackgroundTasks: stop aborts the work, ended waits for it, and count includes it until then", async () => {
  const background = new BackgroundTasks();
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
