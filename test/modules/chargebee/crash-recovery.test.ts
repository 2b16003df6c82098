import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type SQL, sql } from "drizzle-orm";
import { openStore } from "../../../src/db/open.ts";
import type { Store } from "../../../src/db/store.ts";
import { VirtualClock } from "../../../src/lib/clock.ts";
import { listDueEvents, tryProcessEvent } from "../../../src/modules/chargebee/events.ts";
import { verifyLedger } from "../../../src/modules/credits/verify.ts";
import { createTestDatabase } from "../../support/database.ts";
import { TEST_LEDGER_KEY } from "../../support/ledger-key.ts";
import { receiveInChildProcess, SCENARIO_ENDS_AT_MS, shortScenario } from "./crashing-billing.ts";
import { getCreditState, insertOwnerlessBrand, receiveEvents } from "./credit-fixture.ts";
import { CATALOG } from "./year-fixture.ts";

// Kill a process that works on events before every statement, and before and after every commit. Each time another
// process takes over the rest.

let folder: string;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
const open = (): Promise<Store> =>
  openStore({
    dataDir: folder,
    databaseUrl: database.url,
    clock: new VirtualClock(SCENARIO_ENDS_AT_MS),
    ledgerKey: TEST_LEDGER_KEY,
  });
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "reprise-billing-"));
  database = await createTestDatabase();
});
afterAll(async () => {
  await database.drop();
  rmSync(folder, { recursive: true });
});

const processEventsElsewhere = (prefix: string, brandId: string, diesAt: number) =>
  receiveInChildProcess({ folder, databaseUrl: database.url, prefix, brandId, diesAt });

test("Chargebee events: a worker killed before any statement or commit neither posts credits twice nor loses an event", async () => {
  const first = await open();
  const undisturbed = await insertOwnerlessBrand(first);
  await first.close();
  const whole = await processEventsElsewhere("whole.", undisturbed, 0);
  expect(whole.stderr).toBe("");
  const statements = Number(whole.stdout);
  expect(statements).toBeGreaterThan(100);

  const brands = new Map<number, string>();
  const making = await open();
  for (let diesAt = 1; diesAt <= statements; diesAt++) brands.set(diesAt, await insertOwnerlessBrand(making));
  await making.close();
  for (const [diesAt, brandId] of brands) {
    const { exitCode } = await processEventsElsewhere(`k${diesAt}.`, brandId, diesAt);
    expect([diesAt, exitCode]).toEqual([diesAt, 137]);
  }

  // Start the service again: the stored events are processed without being sent again.
  const store = await open();
  const expected = await getCreditState(store, undisturbed, "whole.");
  expect(expected.lots).toHaveLength(2);
  const workOff = async () => {
    for (const id of await listDueEvents(store.read, SCENARIO_ENDS_AT_MS, 10_000))
      await tryProcessEvent(store, id, CATALOG);
  };
  const left = (status: SQL) => store.read.all(sql`select id from chargebee_events where ${status}`);
  await workOff();
  // Events whose customer is not linked to a brand yet stay WAITING.
  expect(await left(sql`status not in ('DONE', 'WAITING')`)).toEqual([]);
  // Send all events again, as Chargebee does for events that were not answered with 200.
  for (const [diesAt, brandId] of brands) {
    await receiveEvents(store, shortScenario(`k${diesAt}.`, brandId), CATALOG);
    expect([diesAt, await getCreditState(store, brandId, `k${diesAt}.`)]).toEqual([diesAt, expected]);
  }
  expect(await left(sql`status <> 'DONE'`)).toEqual([]);
  expect(await verifyLedger(store.read)).toMatchObject({ ok: true });
  await store.close();
  console.log(`killed before ${brands.size} of ${statements} statements and commits`);
}, 900_000);
