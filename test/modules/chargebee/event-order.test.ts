import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { dialect } from "../../../src/db/dialect.ts";
import {
  mergeObservation,
  paymentCycles,
  type ResourceHistory,
} from "../../../src/modules/chargebee/resource-history.ts";
import { expireLots } from "../../../src/modules/credits/ledger.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";
import { getCreditState, insertOwnerlessBrand, receiveEvents, spendCredits } from "./credit-fixture.ts";
import { ChargebeeSite, type Event } from "./fake-site.ts";
import type { Json } from "./resource-shapes.ts";
import { CATALOG, YEAR_STARTS_AT_SECONDS } from "./year-fixture.ts";

// Generate random histories: invoices paid, failed late, disputed, paid again, partially refunded, voided, their credit
// notes voided, plans changed, in any sequence. In any order of arrival, the events lead to the same ledger.

const RUNS = Number(process.env.BILLING_LIVES ?? (dialect === "sqlite" ? 150 : 15));
setDefaultTimeout(RUNS * 2000 + 60_000);

let world: OutreachApp;
let brandCount = 0;
beforeAll(async () => {
  world = await startOutreachApp();
});
afterAll(async () => {
  expect(await world.listDrifts()).toEqual([]);
  await world.close();
});

const ACTION = fc.constantFrom(
  "pay",
  "late",
  "dispute",
  "refund",
  "chargeback",
  "void",
  "voidNote",
  "plan",
  "pack",
  "fail",
);

/** Performs the actions that are possible, one per hour, and returns the events. */
function eventsOf(prefix: string, brandId: string, actions: readonly (readonly [string, number])[]): Event[] {
  const site = new ChargebeeSite(prefix, YEAR_STARTS_AT_SECONDS, { meta_data: { brandId } });
  site.customerChanged();
  const invoices: Json[] = [];
  const notes: { note: Json; invoice: Json }[] = [];
  const returned = (invoice: Json) =>
    notes
      .filter((each) => each.invoice === invoice && each.note.status !== "voided")
      .reduce((sum, { note }) => sum + Number(note.total), 0);
  for (const [action, number] of actions) {
    site.now += 3600;
    if (action === "plan")
      invoices.push(
        site.invoice({ lines: [{ item: "gold-USD-monthly", amount: 4999 }], subscription: `${prefix}sub` }),
      );
    if (action === "pack")
      invoices.push(
        site.invoice({
          lines: [{ item: "pack-USD", amount: 1999, type: "charge_item_price", quantity: 1 + (number % 3) }],
        }),
      );
    const invoice = invoices[number % Math.max(1, invoices.length)];
    if (!invoice) continue;
    const isPaid = invoice.status === "paid";
    const left = Number(invoice.total) - returned(invoice);
    if (action === "pay" && !isPaid && invoice.status !== "voided") site.pay(invoice);
    if (action === "fail" && !isPaid && invoice.status !== "voided") site.fail(invoice);
    if (action === "late" && isPaid && returned(invoice) === 0) site.unpay(invoice, "late_failure");
    if (action === "dispute" && isPaid && returned(invoice) === 0) site.unpay(invoice, "payment_reversal");
    if (action === "void" && invoice.status !== "voided" && returned(invoice) === 0) site.void(invoice);
    if ((action === "refund" || action === "chargeback") && isPaid && left > 0) {
      const part = Math.max(1, Math.floor((left * (1 + (number % 4))) / 4));
      const change = action === "chargeback" ? { reason_code: "chargeback" } : {};
      notes.push({ invoice, note: site.refund(invoice, part, change) });
    }
    const mine = notes.find((each) => each.note.status !== "voided");
    if (action === "voidNote" && mine) site.voidNote(mine.note);
  }
  return site.events;
}

const ENDS = (YEAR_STARTS_AT_SECONDS + 90 * 86_400) * 1000;

async function ledgerAfter(events: (prefix: string, brandId: string) => Event[]) {
  const prefix = `life${brandCount++}.`;
  const brandId = await insertOwnerlessBrand(world.store);
  world.clock.set(ENDS);
  await receiveEvents(world.store, events(prefix, brandId), CATALOG);
  await world.store.write(expireLots);
  const { lots, ...rest } = await getCreditState(world.store, brandId, prefix);
  // Compare lots of one kind and expiry as one: the ledger chooses which of them pays a debt, but what can be spent
  // until when must not depend on the order of events.
  const sum = (some: typeof lots, field: "granted" | "remaining" | "expired" | "repaid") =>
    some.reduce((total, lot) => total + lot[field], 0);
  const merged = [...Map.groupBy(lots, ({ kind, expiresAt }) => `${kind} until ${expiresAt}`)].map(([which, some]) => ({
    which,
    sources: some.map(({ source }) => source),
    granted: sum(some, "granted"),
    remaining: sum(some, "remaining"),
  }));
  return { ...rest, lots: merged, expired: sum(lots, "expired"), repaid: sum(lots, "repaid") };
}

test("Chargebee events: any history of invoices leads to the same ledger and payments in any order of arrival", async () => {
  const history = fc.array(fc.tuple(ACTION, fc.nat(1000)), { minLength: 6, maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(history, fc.array(fc.nat(), { minLength: 80, maxLength: 80 }), async (actions, sortKeys) => {
      const inOrder = await ledgerAfter((prefix, brandId) => eventsOf(prefix, brandId, actions));
      const shuffled = await ledgerAfter((prefix, brandId) =>
        eventsOf(prefix, brandId, actions)
          .map((event, index) => [sortKeys[index % sortKeys.length] ?? 0, event] as const)
          .sort(([a], [b]) => a - b)
          .map(([, event]) => event),
      );
      expect(shuffled).toEqual(inOrder);
      const [account] = inOrder.accounts;
      const listed = inOrder.payments.reduce((sum, { creditsAdded }) => sum + creditsAdded, 0);
      expect(listed).toBe((account?.granted ?? 0) - (account?.clawedBack ?? 0) - (account?.debt ?? 0));
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
});

test("Chargebee payment cycles: the cycles are the same for any order of observations, and one more observation never lowers their number", () => {
  const observations = fc.uniqueArray(fc.record({ version: fc.nat(100), on: fc.boolean() }), {
    selector: ({ version }) => version,
    maxLength: 12,
  });
  fc.assert(
    fc.property(observations, fc.infiniteStream(fc.nat()), (given, sortKeys) => {
      const add = (facts: ResourceHistory<string> | null, { version, on }: { version: number; on: boolean }) =>
        mergeObservation(facts, { version, on, at: version, state: `${version}` });
      let [on, off] = [0, 0];
      let facts: ResourceHistory<string> | null = null;
      const keyed = given.map((observation) => [sortKeys.next().value, observation] as const).sort(([a], [b]) => a - b);
      for (const [, observation] of keyed) {
        facts = add(facts, observation);
        const cycles = paymentCycles(facts);
        expect(cycles.on).toBeGreaterThanOrEqual(on);
        expect(cycles.off.length).toBeGreaterThanOrEqual(off);
        expect(cycles.on - cycles.off.length).toBeWithin(0, 2);
        [on, off] = [cycles.on, cycles.off.length];
        expect(add(facts, observation)).toBe(facts);
      }
      const inOrder = given.toSorted((a, b) => a.version - b.version).reduce<ResourceHistory<string> | null>(add, null);
      expect(facts).toEqual(inOrder);
    }),
  );
});

test("Chargebee refunds: a debt is repaid by later credits, whether the refund or the later payment is processed first", async () => {
  const ends: unknown[] = [];
  for (const refundFirst of [true, false]) {
    const prefix = `debt${brandCount++}.`;
    const brandId = await insertOwnerlessBrand(world.store);
    world.clock.set(ENDS);
    const site = new ChargebeeSite(prefix, YEAR_STARTS_AT_SECONDS, { meta_data: { brandId } });
    const pack = { lines: [{ item: "pack-USD", amount: 1999, type: "charge_item_price" as const }] };
    const invoice = site.invoice(pack);
    site.pay(invoice);
    await receiveEvents(world.store, site.events.splice(0), CATALOG);
    await spendCredits(world.store, brandId, 400_000);
    site.now += 60;
    site.refund(invoice, 1999);
    const refund = site.events.splice(0);
    site.now += 60;
    site.pay(site.invoice(pack));
    const later = site.events.splice(0);
    await receiveEvents(world.store, refundFirst ? [...refund, ...later] : [...later, ...refund], CATALOG);
    ends.push((await getCreditState(world.store, brandId, prefix)).accounts);
  }
  expect(ends[0]).toEqual(ends[1] as never);
  expect(ends[0]).toMatchObject([{ available: 100_000, debt: 0, used: 400_000 }]);
});
