import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { dialect } from "../../../src/db/dialect.ts";
import { type Random, seededRandom } from "../../../src/lib/random.ts";
import { expireLots } from "../../../src/modules/credits/ledger.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";
import { getCreditState, insertOwnerlessBrand, receiveEvents, spendCredits } from "./credit-fixture.ts";
import type { Event } from "./fake-site.ts";
import { buildYear, CATALOG, CREDITS_USED_AT_MS, YEAR_ENDS_AT_MS, YEAR_STARTS_AT_SECONDS } from "./year-fixture.ts";

// Process the same events in any order and any number of times and expect the same ledger. SQLite runs 250 random
// orders for each of two tests, Postgres 25, where every statement is a round trip; BILLING_WORLDS=2000 BILLING_SEED=1
// runs more.

const ORDERS = Number(process.env.BILLING_WORLDS ?? (dialect === "sqlite" ? 250 : 25));
const SEED = process.env.BILLING_SEED ?? String(Math.floor(Math.random() * 1e9));
/** Use more than the subscription and the first pack have: some of the pack that is refunded afterwards. */
const USED = 1_700_000;

setDefaultTimeout(ORDERS * 2000 + 60_000);

let world: OutreachApp;
let inOrder: Awaited<ReturnType<typeof getCreditState>>;
let inOrderUnused: Awaited<ReturnType<typeof getCreditState>>;
beforeAll(async () => {
  console.log(`a year of Chargebee: ${ORDERS} orders, seed ${SEED}`);
  world = await startOutreachApp();
  inOrder = await processInOrder("order", true);
  inOrderUnused = await processInOrder("unused", false);
});
afterAll(async () => {
  expect(await world.listDrifts()).toEqual([]);
  await world.close();
});

/** Processes each event at its own time, and expires credits in between. */
async function processInOrder(prefix: string, uses: boolean) {
  const { store, clock } = world;
  clock.set(YEAR_STARTS_AT_SECONDS * 1000);
  const brandId = await insertOwnerlessBrand(store);
  let used = !uses;
  for (const event of buildYear(prefix, brandId).events) {
    if (!used && event.occurred_at * 1000 > CREDITS_USED_AT_MS) {
      clock.set(CREDITS_USED_AT_MS);
      await store.write(expireLots);
      await spendCredits(store, brandId, USED);
      used = true;
    }
    clock.set(event.occurred_at * 1000);
    await store.write(expireLots);
    await receiveEvents(store, [event], CATALOG);
  }
  return finish(prefix, brandId);
}

async function finish(prefix: string, brandId: string) {
  world.clock.set(YEAR_ENDS_AT_MS);
  await world.store.write(expireLots);
  return getCreditState(world.store, brandId, prefix);
}

/** Repeats each event one to three times, in any order. */
function shuffled(events: readonly Event[], random: Random): Event[] {
  const repeated = events.flatMap((event) => Array.from({ length: 1 + Math.floor(random() * 3) }, () => event));
  for (let at = repeated.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [repeated[at], repeated[other]] = [repeated[other] as Event, repeated[at] as Event];
  }
  return repeated;
}

test("Chargebee events of a year in order: subscription, renewals, packs, failure, refund and void give the expected ledger and payments", () => {
  const [account] = inOrder.accounts;
  const refunded = Math.ceil((500_000 * 777) / 1999);
  expect(account).toEqual({
    granted: 14_000_000,
    // The rest of the second pack.
    available: 1_000_000 - (USED - 1_000_000) - refunded,
    reserved: 0,
    used: USED,
    // Of 13 months one was used and one was voided.
    expired: 11_000_000,
    clawedBack: 1_000_000 + refunded,
    debt: 0,
  });
  expect(inOrder.lots).toHaveLength(15);
  const { payments } = inOrder;
  expect(payments.map(({ type, status }) => `${type} ${status}`).sort()).toEqual([
    ...Array(2).fill("CREDIT_PURCHASE SUCCESS"),
    "REFUND SUCCESS",
    ...Array(12).fill("SUBSCRIPTION SUCCESS"),
    "SUBSCRIPTION VOIDED",
  ]);
  // The credits of the listed payments add up to those of the ledger.
  expect(payments.reduce((sum, { creditsAdded }) => sum + creditsAdded, 0)).toBe(14_000_000 - 1_000_000 - refunded);
  expect(payments.find(({ type }) => type === "REFUND")).toMatchObject({ amountMinor: -777, creditsAdded: -refunded });
  expect(payments.every(({ type, planName }) => planName === (type === "SUBSCRIPTION" ? "Gold" : null))).toBe(true);
});

test("Chargebee events of a year, shuffled, repeated and processed a year late: the ledger is the same as in order", async () => {
  const random = seededRandom(SEED);
  for (let n = 0; n < ORDERS; n++) {
    const brandId = await insertOwnerlessBrand(world.store);
    world.clock.set(YEAR_ENDS_AT_MS);
    await receiveEvents(world.store, shuffled(buildYear(`a${n}.`, brandId).events, random), CATALOG);
    expect(await finish(`a${n}.`, brandId)).toEqual(inOrderUnused);
  }
});

test("Chargebee events of a year, shuffled before and after credits are used: the ledger is the same as in order", async () => {
  const random = seededRandom(`${SEED} used`);
  for (let n = 0; n < ORDERS; n++) {
    const brandId = await insertOwnerlessBrand(world.store);
    const { events } = buildYear(`b${n}.`, brandId);
    world.clock.set(CREDITS_USED_AT_MS);
    const before = events.filter((event) => event.occurred_at * 1000 <= CREDITS_USED_AT_MS);
    await receiveEvents(world.store, shuffled(before, random), CATALOG);
    await spendCredits(world.store, brandId, USED);
    world.clock.set(YEAR_ENDS_AT_MS);
    await receiveEvents(world.store, shuffled(events, random), CATALOG);
    expect(await finish(`b${n}.`, brandId)).toEqual(inOrder);
  }
});
