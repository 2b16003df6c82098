import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { isOutage } from "../../src/db/errors.ts";
import { callLater } from "../../src/db/listeners.ts";
import { OutageMonitor } from "../../src/db/outage-monitor.ts";
import { WritesRefused } from "../../src/db/refusable-store.ts";
import { openSqlite } from "../../src/db/sqlite/sqlite-store.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { createLog } from "../../src/lib/logger.ts";
import { startPollLoop } from "../../src/modules/delivery/poll-loop.ts";
import type { DatabaseWait } from "../../src/server/database.ts";
import { waitForDatabase } from "../../src/server/wait-for-database.ts";
import { findFreePort, isListening, waitUntil } from "../support/servers/temp-server.ts";

// Listeners of outages are called while an error is handled. A failing listener must not cause another error, skip a
// rollback or end the work of a timer.

const failure = new Error("the listener failed");

test("outage listener: when it throws, the store's error is kept, the transaction is rolled back, and the thrown error is reported", async () => {
  const folder = mkdtempSync(join(tmpdir(), "reprise-listeners-"));
  const reported: unknown[] = [];
  const monitor = new OutageMonitor(
    () => {
      throw failure;
    },
    (error) => reported.push(error),
  );
  const store = openSqlite(join(folder, "reprise.db"), () => ({ now: 0, newId: () => "" }), "off", monitor);
  await store.write((tx) => tx.all(sql`create table notes (note blob)`));
  await store.read.all(sql`select 1`);
  const fill = () =>
    store.write(async (tx) => {
      const [size] = await tx.all<{ page_count: number }>(sql`pragma page_count`);
      await tx.all(sql`pragma max_page_count = ${sql.raw(String(size?.page_count))}`);
      await tx.all(sql`insert into notes values ('half')`);
      await tx.all(sql`insert into notes values (zeroblob(100000))`);
    });
  const failed = await fill().then(
    () => null,
    (error: unknown) => error,
  );
  expect(isOutage(failed)).toBe(true);
  await Bun.sleep(0);
  expect(reported).toEqual([failure]);
  expect(await store.read.all<object>(sql`select note from notes`)).toEqual([]);
  await store.write(async (tx) => {
    await tx.all(sql`pragma max_page_count = 1000000`);
    await tx.all(sql`insert into notes values ('whole')`);
  });
  expect(await store.read.all<object>(sql`select note from notes`)).toEqual([{ note: "whole" }]);
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

test("outage listener: called after the handling of the error that reported the outage, never during it", async () => {
  const order: string[] = [];
  const monitor = new OutageMonitor(() => order.push("told"));
  monitor.record(Object.assign(new Error("no"), { code: "57P01" }));
  order.push("handled");
  await Bun.sleep(0);
  expect(order).toEqual(["handled", "told"]);
  const thrown: unknown[] = [];
  callLater(
    () => {
      throw failure;
    },
    (error) => thrown.push(error),
  );
  await Bun.sleep(0);
  expect(thrown).toEqual([failure]);
});

test("standby server of a waiting start: never listens again once the start is over", async () => {
  const port = findFreePort();
  let begin: DatabaseWait["begin"] = () => {};
  const during = await waitForDatabase({ port, host: "127.0.0.1" }, async (waiting) => {
    begin = waiting.begin;
    begin();
    return isListening(port);
  });
  expect([during, await isListening(port)]).toEqual([true, false]);
  begin();
  expect(await isListening(port)).toBe(false);
  // A service that found its database at once listens itself, and an outage comes later.
  const own = Bun.serve({ port, hostname: "127.0.0.1", fetch: () => new Response("own") });
  await waitForDatabase({ port, host: "127.0.0.1" }, async (waiting) => {
    begin = waiting.begin;
  });
  expect(begin).not.toThrow();
  expect(await (await fetch(own.url)).text()).toBe("own");
  await own.stop(true);
});

test("standby server of a waiting start: a port that is in use ends the start at once with the port's number", async () => {
  const taken = createServer();
  const port = findFreePort();
  await new Promise<void>((resolve) => taken.listen(port, "127.0.0.1", resolve));
  const start = waitForDatabase({ port, host: "127.0.0.1" }, async ({ begin, signal }) => {
    expect(begin).not.toThrow();
    signal.throwIfAborted();
  });
  expect(start).rejects.toThrow(String(port));
  await start.catch(() => {});
  taken.close();
});

test("log: a line that cannot be written or serialized throws nothing, and later lines are written", () => {
  const lines: string[] = [];
  let isFull = true;
  const log = createLog("info", systemClock, (line) => {
    if (isFull) throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
    lines.push(line);
  });
  log.error("lost");
  isFull = false;
  log.error("unserializable", { amount: 1n });
  log.error("kept");
  expect(lines.map((line) => JSON.parse(line).event)).toEqual(["unserializable", "kept"]);
});

test("poll loop: an iteration that throws is followed by the next one", async () => {
  let began = 0;
  const loop = startPollLoop(async () => {
    if (++began === 1) throw failure;
    return 60_000;
  });
  await waitUntil("the next iteration", async () => began === 2);
  loop.stop();
});

test("outage monitor: writes refused and connections closed by a stop are not reported as outage", async () => {
  const reports: string[] = [];
  const closed = () => Object.assign(new Error("closed"), { code: "CONNECTION_CLOSED" });
  const [running, ending] = ["running", "ending"].map((name) => new OutageMonitor(() => reports.push(name)));
  running?.record(new Error("Failed query", { cause: new WritesRefused() }));
  ending?.stop();
  ending?.record(closed());
  running?.record(closed());
  await Bun.sleep(20);
  expect(reports).toEqual(["running"]);
});
