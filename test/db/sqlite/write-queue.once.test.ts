import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isOutage, isUnavailable } from "../../../src/db/errors.ts";
import { OutageMonitor } from "../../../src/db/outage-monitor.ts";
import { openSqlite } from "../../../src/db/sqlite/sqlite-store.ts";
import { MAX_WAITING_WRITES } from "../../../src/db/sqlite/write-queue.ts";
import { VirtualClock } from "../../../src/lib/clock.ts";

const folder = mkdtempSync(join(tmpdir(), "reprise-write-queue-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("SQLite write queue: behind a long transaction a bounded number of writes waits, and further ones fail as unavailable", async () => {
  const clock = new VirtualClock(0);
  const begin = () => ({ now: clock.now(), newId: () => crypto.randomUUID() });
  const store = openSqlite(join(folder, "reprise.db"), begin, "off", new OutageMonitor(() => {}));
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  const long = store.write(() => over);
  // Let the transaction begin, so that it no longer waits.
  await Bun.sleep(0);
  let done = 0;
  const waiting = Array.from({ length: MAX_WAITING_WRITES }, () => store.write(async () => void done++));
  const error = await store
    .write(async () => {})
    .then(
      () => null,
      (failure: unknown) => failure,
    );
  expect(isUnavailable(error)).toBe(true);
  expect(isOutage(error)).toBe(false);
  end();
  await Promise.all([long, ...waiting]);
  expect(done).toBe(MAX_WAITING_WRITES);
  await store.write(async () => void done++);
  expect(done).toBe(MAX_WAITING_WRITES + 1);
  await store.close();
});
