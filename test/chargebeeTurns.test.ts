import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { type Facts, turnsOf, withSight } from "../src/chargebee/facts.ts";
import { expireLots } from "../src/credits/ledger.ts";
import { dialect } from "../src/db/dialect.ts";
import { ChargebeeSite, type Event } from "./support/chargebee.ts";
import { bareBrand, booksOf, hear, useCredits } from "./support/chargebeeBooks.ts";
import type { Json } from "./support/chargebeeShapes.ts";
import { CATALOG, YEAR_BEGINS } from "./support/chargebeeYear.ts";
import { type Outreach, startOutreach } from "./support/outreach.ts";

// Lives that nobody wrote: invoices paid, failed late, disputed, paid again, refunded in parts, voided, their credit notes
// voided, plans changed, in any sequence. In whatever order that is heard of, the books end the same.

const RUNS = Number(process.env.BILLING_LIVES ?? (dialect === "sqlite" ? 150 : 15));
setDefaultTimeout(RUNS * 2000 + 60_000);

let world: Outreach;
let lives = 0;
beforeAll(async () => {
  world = await startOutreach();
});
afterAll(async () => {
  expect(await world.drifts()).toEqual([]);
  await world.close();
});

const DEED = fc.constantFrom(
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

/** Does what can be done of these deeds, one an hour. */
function lifeOf(prefix: string, brandId: string, deeds: readonly (readonly [string, number])[]): Event[] {
  const site = new ChargebeeSite(prefix, YEAR_BEGINS, { meta_data: { brandId } });
  site.customerChanged();
  const invoices: Json[] = [];
  const notes: { note: Json; invoice: Json }[] = [];
  const returned = (invoice: Json) =>
    notes
      .filter((each) => each.invoice === invoice && each.note.status !== "voided")
      .reduce((sum, { note }) => sum + Number(note.total), 0);
  for (const [deed, number] of deeds) {
    site.now += 3600;
    if (deed === "plan")
      invoices.push(
        site.invoice({ lines: [{ item: "gold-USD-monthly", amount: 4999 }], subscription: `${prefix}sub` }),
      );
    if (deed === "pack")
      invoices.push(
        site.invoice({
          lines: [{ item: "pack-USD", amount: 1999, type: "charge_item_price", quantity: 1 + (number % 3) }],
        }),
      );
    const invoice = invoices[number % Math.max(1, invoices.length)];
    if (!invoice) continue;
    const isPaid = invoice.status === "paid";
    const left = Number(invoice.total) - returned(invoice);
    if (deed === "pay" && !isPaid && invoice.status !== "voided") site.pay(invoice);
    if (deed === "fail" && !isPaid && invoice.status !== "voided") site.fail(invoice);
    if (deed === "late" && isPaid && returned(invoice) === 0) site.unpay(invoice, "late_failure");
    if (deed === "dispute" && isPaid && returned(invoice) === 0) site.unpay(invoice, "payment_reversal");
    if (deed === "void" && invoice.status !== "voided" && returned(invoice) === 0) site.void(invoice);
    if ((deed === "refund" || deed === "chargeback") && isPaid && left > 0) {
      const part = Math.max(1, Math.floor((left * (1 + (number % 4))) / 4));
      const change = deed === "chargeback" ? { reason_code: "chargeback" } : {};
      notes.push({ invoice, note: site.refund(invoice, part, change) });
    }
    const mine = notes.find((each) => each.note.status !== "voided");
    if (deed === "voidNote" && mine) site.voidNote(mine.note);
  }
  return site.events;
}

const ENDS = (YEAR_BEGINS + 90 * 86_400) * 1000;

async function booksAfter(events: (prefix: string, brandId: string) => Event[]) {
  const prefix = `life${lives++}.`;
  const brandId = await bareBrand(world.store);
  world.clock.set(ENDS);
  await hear(world.store, events(prefix, brandId), CATALOG);
  await world.store.write(expireLots);
  const { lots, ...books } = await booksOf(world.store, brandId, prefix);
  // Which of the brand's lots paid a debt is the ledger's affair: what can be spent until when, and what is gone, is not.
  const sum = (some: typeof lots, field: "granted" | "remaining" | "expired" | "repaid") =>
    some.reduce((total, lot) => total + lot[field], 0);
  const together = [...Map.groupBy(lots, ({ kind, expiresAt }) => `${kind} until ${expiresAt}`)].map(
    ([which, some]) => ({
      which,
      sources: some.map(({ source }) => source),
      granted: sum(some, "granted"),
      remaining: sum(some, "remaining"),
    }),
  );
  return { ...books, lots: together, expired: sum(lots, "expired"), repaid: sum(lots, "repaid") };
}

test("whatever happens to invoices, the order in which it is heard of does not matter", async () => {
  const life = fc.array(fc.tuple(DEED, fc.nat(1000)), { minLength: 6, maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(life, fc.array(fc.nat(), { minLength: 80, maxLength: 80 }), async (deeds, luck) => {
      const inOrder = await booksAfter((prefix, brandId) => lifeOf(prefix, brandId, deeds));
      const shuffled = await booksAfter((prefix, brandId) =>
        lifeOf(prefix, brandId, deeds)
          .map((event, index) => [luck[index % luck.length] ?? 0, event] as const)
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

test("turns are counted alike in any order, and one more sight never makes them fewer", () => {
  const sights = fc.uniqueArray(fc.record({ version: fc.nat(100), on: fc.boolean() }), {
    selector: ({ version }) => version,
    maxLength: 12,
  });
  fc.assert(
    fc.property(sights, fc.infiniteStream(fc.nat()), (given, luck) => {
      const add = (facts: Facts<string> | null, { version, on }: { version: number; on: boolean }) =>
        withSight(facts, { version, on, at: version, state: `${version}` });
      let [on, off] = [0, 0];
      let facts: Facts<string> | null = null;
      const keyed = given.map((sight) => [luck.next().value, sight] as const).sort(([a], [b]) => a - b);
      for (const [, sight] of keyed) {
        facts = add(facts, sight);
        const turns = turnsOf(facts);
        expect(turns.on).toBeGreaterThanOrEqual(on);
        expect(turns.off.length).toBeGreaterThanOrEqual(off);
        expect(turns.on - turns.off.length).toBeWithin(0, 2);
        [on, off] = [turns.on, turns.off.length];
        expect(add(facts, sight)).toBe(facts);
      }
      const inOrder = given.toSorted((a, b) => a.version - b.version).reduce<Facts<string> | null>(add, null);
      expect(facts).toEqual(inOrder);
    }),
  );
});

test("refunds are owed until later credits repay them, in whatever order the two are heard of", async () => {
  const ends: unknown[] = [];
  for (const refundFirst of [true, false]) {
    const prefix = `debt${lives++}.`;
    const brandId = await bareBrand(world.store);
    world.clock.set(ENDS);
    const site = new ChargebeeSite(prefix, YEAR_BEGINS, { meta_data: { brandId } });
    const pack = { lines: [{ item: "pack-USD", amount: 1999, type: "charge_item_price" as const }] };
    const invoice = site.invoice(pack);
    site.pay(invoice);
    await hear(world.store, site.events.splice(0), CATALOG);
    await useCredits(world.store, brandId, 400_000);
    site.now += 60;
    site.refund(invoice, 1999);
    const refund = site.events.splice(0);
    site.now += 60;
    site.pay(site.invoice(pack));
    const later = site.events.splice(0);
    await hear(world.store, refundFirst ? [...refund, ...later] : [...later, ...refund], CATALOG);
    ends.push((await booksOf(world.store, brandId, prefix)).accounts);
  }
  expect(ends[0]).toEqual(ends[1] as never);
  expect(ends[0]).toMatchObject([{ available: 100_000, debt: 0, used: 400_000 }]);
});
