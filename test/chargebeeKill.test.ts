import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type SQL, sql } from "drizzle-orm";
import { dueEvents, workOn } from "../src/chargebee/events.ts";
import { VirtualClock } from "../src/clock.ts";
import { verifyLedger } from "../src/credits/verify.ts";
import { openStore } from "../src/db/open.ts";
import type { Store } from "../src/db/store.ts";
import { bareBrand, booksOf, hear } from "./support/chargebeeBooks.ts";
import { CATALOG } from "./support/chargebeeYear.ts";
import { freshDatabase } from "./support/database.ts";
import { hearInAnotherProcess, STORY_ENDS, shortStory } from "./support/dyingBilling.ts";
import { TEST_LEDGER_KEY } from "./support/ledgerKey.ts";

// A process that works on events is killed before every single statement, and before and after every commit. Each time
// another process takes over what it left.

let folder: string;
let database: Awaited<ReturnType<typeof freshDatabase>>;
const open = (): Promise<Store> =>
  openStore({
    dataDir: folder,
    databaseUrl: database.url,
    clock: new VirtualClock(STORY_ENDS),
    ledgerKey: TEST_LEDGER_KEY,
  });
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "reprise-billing-"));
  database = await freshDatabase();
});
afterAll(async () => {
  await database.drop();
  rmSync(folder, { recursive: true });
});

const hearElsewhere = (prefix: string, brandId: string, diesAt: number) =>
  hearInAnotherProcess({ folder, databaseUrl: database.url, prefix, brandId, diesAt });

test("killed at every statement, nothing is granted twice and nothing is lost", async () => {
  const first = await open();
  const undisturbed = await bareBrand(first);
  await first.close();
  const whole = await hearElsewhere("whole.", undisturbed, 0);
  expect(whole.stderr).toBe("");
  const statements = Number(whole.stdout);
  expect(statements).toBeGreaterThan(100);

  const brands = new Map<number, string>();
  const making = await open();
  for (let diesAt = 1; diesAt <= statements; diesAt++) brands.set(diesAt, await bareBrand(making));
  await making.close();
  for (const [diesAt, brandId] of brands) {
    const { exitCode } = await hearElsewhere(`k${diesAt}.`, brandId, diesAt);
    expect([diesAt, exitCode]).toEqual([diesAt, 137]);
  }

  // The service starts again. What was heard is worked on, without being told again.
  const store = await open();
  const expected = await booksOf(store, undisturbed, "whole.");
  expect(expected.lots).toHaveLength(2);
  const workOff = async () => {
    for (const id of await dueEvents(store.read, STORY_ENDS, 10_000)) await workOn(store, id, CATALOG);
  };
  const left = (status: SQL) => store.read.all(sql`select id from chargebee_events where ${status}`);
  await workOff();
  // Whose customer nobody has named yet waits, and is not lost.
  expect(await left(sql`status not in ('DONE', 'WAITING')`)).toEqual([]);
  // Chargebee tells again what was not answered with 200; to be sure, all of it.
  for (const [diesAt, brandId] of brands) {
    await hear(store, shortStory(`k${diesAt}.`, brandId), CATALOG);
    expect([diesAt, await booksOf(store, brandId, `k${diesAt}.`)]).toEqual([diesAt, expected]);
  }
  expect(await left(sql`status <> 'DONE'`)).toEqual([]);
  expect(await verifyLedger(store.read)).toMatchObject({ ok: true });
  await store.close();
  console.log(`killed before ${brands.size} of ${statements} statements and commits`);
}, 900_000);
