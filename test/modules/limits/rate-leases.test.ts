import { afterAll, beforeAll, expect, test } from "bun:test";
import fc from "fast-check";
import { dialect } from "../../../src/db/dialect.ts";
import { openStore } from "../../../src/db/open.ts";
import type { Store } from "../../../src/db/store.ts";
import { VirtualClock } from "../../../src/lib/clock.ts";
import { leasedRates } from "../../../src/modules/limits/rates.ts";
import { countToday, leaseTokens, purgeCounts } from "../../../src/modules/limits/tokens.ts";
import { startApp, type TestApp } from "../../support/app.ts";

// Count with several processes in one database. On Postgres each process has its own store. SQLite allows one
// process, so there the test only shows that the statements behave the same.

const START = Date.UTC(2026, 10, 23, 9);
const clock = new VirtualClock(START);
const PROCESSES = 3;

let app: TestApp;
const stores: Store[] = [];
let writes = 0;
beforeAll(async () => {
  app = await startApp({ clock });
  for (let n = 0; n < PROCESSES; n++) {
    const own = dialect === "sqlite" ? app.store : await openStore({ ...app.deps.config, clock, durability: "off" });
    const write: Store["write"] = (work) => {
      writes++;
      return own.write(work);
    };
    stores.push({ ...own, write });
  }
});
afterAll(async () => {
  if (dialect === "postgres") await Promise.all(stores.map((store) => store.close()));
  await app.close();
});

let subjects = 0;
const newSubject = () => `user ${++subjects}`;

test("leasedRates: three processes together admit no more than the limit plus one lease each, with one write per hundred requests", async () => {
  const rate = { quota: 6000, windowMs: 60_000 };
  const processes = stores.map((store) => leasedRates(store, clock));
  const subject = newSubject();
  writes = 0;
  let admitted = 0;
  const burst = async (requests: number) => {
    for (let n = 0; n < requests; n += 300) {
      const takes = Array.from({ length: 300 }, (_, i) =>
        processes[i % PROCESSES]?.take(subject, "readsPerMinute", rate),
      );
      for (const taken of await Promise.all(takes)) if (taken?.waitMs === 0) admitted++;
    }
  };
  await burst(9000);
  expect(admitted).toBeLessThanOrEqual(6000);
  expect(admitted).toBeGreaterThan(6000 - 300 * PROCESSES);
  // Twenty leases of 300 tokens and one refused lease per process; after a refused lease a process asks the database no
  // more.
  expect(writes).toBeLessThanOrEqual(20 + 2 * PROCESSES);

  const before = admitted;
  for (let second = 0; second < 60; second++) {
    clock.advance(1000);
    await burst(300);
  }
  expect(admitted - before).toBeLessThanOrEqual(6000 + 300 * PROCESSES);
  expect(admitted - before).toBeGreaterThan(5000);
});

test("leasedRates: small quotas are leased one token at a time and enforced exactly across processes", async () => {
  const rate = { quota: 5, windowMs: 60_000 };
  const processes = stores.map((store) => leasedRates(store, clock));
  const subject = newSubject();
  const all = await Promise.all(
    Array.from({ length: 32 }, (_, i) => processes[i % PROCESSES]?.take(subject, "mailboxLoginsPerMinute", rate)),
  );
  expect(all.filter((taken) => taken?.waitMs === 0)).toHaveLength(5);
  expect(all.find((taken) => taken?.waitMs !== 0)).toMatchObject({ waitMs: 12_000, remaining: 0 });
});

test("leaseTokens: grants exactly what an in-memory token bucket grants, for any sequence of requests", async () => {
  const steps = fc.array(fc.record({ gap: fc.nat(400), tokens: fc.integer({ min: 1, max: 4 }) }), { maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(1, 2, 4, 5, 10), steps, async (quota, asked) => {
      const rate = { quota, windowMs: 1000 };
      const subject = newSubject();
      // Count in thousandths of a token, which are whole numbers here.
      let level = quota * 1000;
      for (const { gap, tokens } of asked) {
        clock.advance(gap);
        level = Math.min(quota * 1000, level + gap * quota);
        const lease = await app.store.write((tx) => leaseTokens(tx, subject, "readsPerMinute", rate, tokens));
        expect(lease.granted).toBe(level >= tokens * 1000);
        if (lease.granted) level -= tokens * 1000;
        if (tokens <= quota) expect(lease.left).toBe(Math.floor(level / 1000));
        if (!lease.granted && tokens <= quota) expect(lease.waitMs).toBe(Math.ceil((tokens * 1000 - level) / quota));
      }
    }),
    { numRuns: 25 },
  );
});

test("countToday: 32 concurrent counts admit exactly the 20 that the day allows, and the next day starts from zero", async () => {
  const count = (n: number) =>
    (stores[n % PROCESSES] ?? app.store).write((tx) => countToday(tx, "brand 1", "mailboxLoginsPerDay", 20));
  const counted = await Promise.all(Array.from({ length: 32 }, (_, n) => count(n)));
  expect(counted.filter(Boolean)).toHaveLength(20);
  clock.set(START + 15 * 3_600_000);
  expect(await count(0)).toBe(true);
  clock.advance(3 * 86_400_000);
  expect(await app.store.write(purgeCounts)).toBeGreaterThan(2);
  expect(await app.store.write(purgeCounts)).toBe(0);
});
