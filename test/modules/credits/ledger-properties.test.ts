import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { sql } from "drizzle-orm";
import fc from "fast-check";
import { isUniqueViolation } from "../../../src/db/errors.ts";
import { brands } from "../../../src/db/schema/brands.ts";
import type { Store, Tx } from "../../../src/db/store.ts";
import { DAY } from "../../../src/lib/clock.ts";
import { clawBack } from "../../../src/modules/credits/clawback.ts";
import { hold, settle } from "../../../src/modules/credits/holds.ts";
import { grant } from "../../../src/modules/credits/ledger.ts";
import { getWeights, updateWeight } from "../../../src/modules/credits/weights.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";
import { findUnendedHolds, getAccountFigures, LedgerModel } from "./ledger-model.ts";
import { applyOperation, elapsedBy, type LedgerOperation, ledgerOperations } from "./ledger-operations.ts";

// Set the number of sequences: LEDGER_RUNS=5000 npm test ledger-properties
const RUNS = Number(process.env.LEDGER_RUNS ?? (process.env.DATABASE_URL ? 60 : 200));

setDefaultTimeout(3_600_000);

let world: OutreachApp;
let store: Store;
beforeAll(async () => {
  world = await startOutreachApp();
  store = world.store;
});
afterAll(() => world.close());

async function newBrand(): Promise<string> {
  return store.write(async (tx) => {
    const id = tx.newId();
    await tx.insert(brands).values({ id, name: "Ledger", createdAt: tx.now, updatedAt: tx.now });
    return id;
  });
}

/** Returns false when the database refused the hold because the message already had one. */
async function applies(brandId: string, run: string, model: LedgerModel, operation: LedgerOperation): Promise<boolean> {
  world.clock.advance(elapsedBy(operation));
  const price = (await getWeights(store.read)).EMAIL;
  try {
    const effect = await store.write((tx) => applyOperation(tx, brandId, run, operation));
    model.apply(operation, effect, price);
    return true;
  } catch (error) {
    if (operation.do !== "hold" || !isUniqueViolation(error)) throw error;
    expect(model.wasHeld(operation.message)).toBe(true);
    return false;
  }
}

test("ledger: after any sequence of operations the balances match at every commit and equal the sum of the entries", async () => {
  const property = fc.asyncProperty(fc.array(ledgerOperations, { maxLength: 40, size: "max" }), async (operations) => {
    const brandId = await newBrand();
    const run = brandId;
    const model = new LedgerModel((kind, index) => `${run} ${kind} ${index}`);
    for (const operation of operations) {
      await applies(brandId, run, model, operation);
      await model.check(store.read, brandId);
    }
    expect(await findUnendedHolds(store.read, brandId)).toEqual([]);
  });
  await fc.assert(property, { numRuns: RUNS }).finally(() => store.write((tx) => updateWeight(tx, "EMAIL", 1000)));
});

/** Describes an event of a billing provider: a payment or a refund, each with its own time. */
type BillingEvent =
  | { grant: number; amount: number; days: number | null }
  | { refund: number; amount: number; of: number | null; daysAgo: number };

const billingEvent: fc.Arbitrary<BillingEvent> = fc.oneof(
  fc.record({
    grant: fc.integer({ min: 3, max: 8 }),
    amount: fc.integer({ min: 1, max: 1000 }),
    days: fc.constantFrom(null, -3, -1, 1, 5),
  }),
  fc.record({
    refund: fc.nat(8),
    amount: fc.integer({ min: 1, max: 1500 }),
    of: fc.option(fc.nat(8)),
    daysAgo: fc.nat(4),
  }),
);
const nameOf = (event: BillingEvent) => ("grant" in event ? `lot ${event.grant}` : `refund ${event.refund}`);

function postEvent(tx: Tx, brandId: string, event: BillingEvent): Promise<unknown> {
  const source = `${brandId} ${nameOf(event)}`;
  if ("grant" in event) {
    const { amount, days } = event;
    const kind = days === null ? "PURCHASED" : "SUBSCRIPTION";
    const expiresAt = days === null ? null : tx.now + days * DAY;
    return grant(tx, { brandId, amount, kind, expiresAt, source, reason: "payment" });
  }
  const lotSource = event.of === null ? null : `${brandId} lot ${event.of}`;
  const at = tx.now - event.daysAgo * DAY;
  return clawBack(tx, { brandId, amount: event.amount, lotSource, source, reason: "refund", at });
}

/** Creates a brand with three lots, spends some credits, then posts the events. */
async function balancesAfter(spent: number, events: readonly BillingEvent[]): Promise<object> {
  const brandId = await newBrand();
  const messageId = `${brandId} message`;
  await store.write(async (tx) => {
    for (const [index, days] of [null, 2, 4].entries())
      await postEvent(tx, brandId, { grant: index, amount: 400, days });
    const request = { messageId, brandId, campaignId: brandId, creditType: "EMAIL" as const, weight: 1 };
    expect((await hold(tx, [{ ...request, amount: spent }])).size).toBe(0);
    await settle(tx, [messageId]);
  });
  for (const event of events) await store.write((tx) => postEvent(tx, brandId, event));
  const lots = await store.read.all<{ kind: string; expires_at: number | null; remaining: unknown; expired: unknown }>(
    sql`select l.kind, l.expires_at, sum(l.remaining) as remaining, sum(l.expired) as expired
      from credit_lots l where l.brand_id = ${brandId} group by l.kind, l.expires_at`,
  );
  const byTime = Object.fromEntries(
    lots.map(({ kind, expires_at, remaining, expired }) => [
      `${kind} ${expires_at}`,
      [Number(remaining), Number(expired)],
    ]),
  );
  return { ...(await getAccountFigures(store.read, brandId)), byTime };
}

test("ledger: payments and refunds in any order, each up to three times, lead to the same balances", async () => {
  const events = fc.uniqueArray(billingEvent, { selector: nameOf, maxLength: 10, size: "max" });
  const property = fc.asyncProperty(
    fc.nat(1200),
    events.chain((list) =>
      fc.tuple(
        fc.constant(list),
        fc.shuffledSubarray([...list, ...list, ...list], { minLength: list.length * 3, maxLength: list.length * 3 }),
      ),
    ),
    async (spent, [inOrder, shuffled]) => {
      expect(await balancesAfter(spent, shuffled)).toEqual(await balancesAfter(spent, inOrder));
    },
  );
  await fc.assert(property, { numRuns: RUNS });
});
