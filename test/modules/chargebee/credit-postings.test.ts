import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { users } from "../../../src/db/schema/identity.ts";
import { DAY } from "../../../src/lib/clock.ts";
import { processDueEvents } from "../../../src/modules/chargebee/event-worker.ts";
import { expireLots } from "../../../src/modules/credits/ledger.ts";
import { getUserId } from "../../support/auth-helpers.ts";
import { createBrandOwner } from "../../support/brands.ts";
import { spendCredits } from "./credit-fixture.ts";
import { ChargebeeSite } from "./fake-site.ts";
import { ADMIN_PATH, startWebhookApp, type WebhookApp } from "./webhook-app.ts";

setDefaultTimeout(60_000);

let billing: WebhookApp;
beforeAll(async () => {
  billing = await startWebhookApp();
});
afterEach(() => billing.prove());
afterAll(() => billing.close());

const PACK = { lines: [{ item: "pack-USD", amount: 1999, type: "charge_item_price" as const }] };
const plan = (subscription: string, item = "gold-USD-monthly") => ({ lines: [{ item, amount: 4999 }], subscription });

describe("Chargebee payments", () => {
  test("credits of a subscription expire with its period, credits of a pack do not", async () => {
    const { site, owner } = await billing.customer();
    const invoice = site.invoice(plan("s1"), "subscription_created");
    await billing.tell(site);
    expect((await billing.payments(owner.brandId))[0]).toMatchObject({
      status: "PENDING",
      creditsAdded: 0,
      amount: 49.99,
    });
    expect(await billing.balance(owner.brandId)).toMatchObject({ creditAvailable: 0 });
    site.pay(invoice);
    site.pay(site.invoice({ lines: [{ ...PACK.lines[0], quantity: 3 } as never] }));
    await billing.tell(site);
    const balance = { creditAvailable: 2500, subscriptionCredits: 1000, purchasedCredits: 1500 };
    expect(await billing.balance(owner.brandId)).toMatchObject(balance);
    billing.clock.advance(31 * DAY);
    await billing.app.store.write(expireLots);
    expect(await billing.balance(owner.brandId)).toMatchObject({ creditAvailable: 1500, subscriptionCredits: 0 });
    expect(
      (await billing.payments(owner.brandId)).map(({ type, status, planName }) => [type, status, planName]),
    ).toEqual(
      expect.arrayContaining([
        ["SUBSCRIPTION", "SUCCESS", "Gold"],
        ["CREDIT_PURCHASE", "SUCCESS", null],
      ]),
    );
  });

  test("a failed payment adds no credits, and its later recovery adds them", async () => {
    const { site, owner } = await billing.customer();
    const invoice = site.invoice(plan("s2"), "subscription_created");
    site.fail(invoice);
    await billing.tell(site);
    expect((await billing.payments(owner.brandId))[0]).toMatchObject({ status: "FAILED", creditsAdded: 0 });
    site.now += 3 * 86_400;
    site.pay(invoice);
    await billing.tell(site);
    const payments = await billing.payments(owner.brandId);
    expect(payments).toHaveLength(1);
    expect(payments[0]).toMatchObject({ status: "SUCCESS", creditsAdded: 1000, chargebeeInvoiceId: invoice.id });
    expect(Date.parse(payments[0]?.transactionDate ?? "")).toBe(site.now * 1000);
  });

  test("a change of plan during a period expires the rest of the old credits and adds those of the new plan", async () => {
    const { site, owner } = await billing.customer();
    site.pay(site.invoice(plan("s3"), "subscription_created"));
    await billing.tell(site);
    billing.clock.advance(10 * DAY);
    site.now += 10 * 86_400;
    site.pay(site.invoice(plan("s3", "gold-USD-monthly"), "subscription_changed"));
    await billing.tell(site);
    expect(await billing.balance(owner.brandId)).toMatchObject({ creditAvailable: 1000, totalExpired: 1000 });
  });

  test("amounts in JPY have no decimals, amounts in KWD have three", async () => {
    const { site, owner } = await billing.customer();
    const [line] = PACK.lines;
    site.pay(site.invoice({ lines: [{ ...line, item: "pack-USD", amount: 3000 }], currency: "JPY" }));
    site.now += 60;
    site.pay(site.invoice({ lines: [{ ...line, item: "pack-USD", amount: 12_345 }], currency: "KWD" }));
    await billing.tell(site);
    expect(await billing.payments(owner.brandId)).toMatchObject([
      { amount: 12.345, amountMinor: 12_345, currency: "KWD" },
      { amount: 3000, amountMinor: 3000, currency: "JPY" },
    ]);
  });

  test("a written-off invoice counts as settled but unpaid and adds no credits", async () => {
    const { site, owner } = await billing.customer();
    site.customerChanged();
    const invoice = site.invoice(PACK);
    Object.assign(invoice, { status: "paid", write_off_amount: 1999, amount_adjusted: 1999, resource_version: 9e12 });
    site.emit("invoice_updated", { invoice });
    await billing.tell(site);
    expect(await billing.balance(owner.brandId)).toMatchObject({ creditAvailable: 0 });
    expect(await billing.payments(owner.brandId)).toMatchObject([{ amountMinor: 0, creditsAdded: 0 }]);
  });
});

describe("Chargebee refunds and disputes", () => {
  test("partial refunds add up to the full price and take back all credits, to the thousandth", async () => {
    const { site, owner } = await billing.customer();
    const invoice = site.invoice(PACK);
    site.pay(invoice);
    for (const part of [666, 667, 666]) {
      site.now += 60;
      site.refund(invoice, part);
    }
    await billing.tell(site);
    expect(await billing.balance(owner.brandId)).toMatchObject({ creditAvailable: 0 });
    const rows = await billing.payments(owner.brandId);
    expect(rows.map(({ type, status, amount }) => [type, status, amount])).toEqual([
      ["REFUND", "SUCCESS", -6.66],
      ["REFUND", "SUCCESS", -6.67],
      ["REFUND", "SUCCESS", -6.66],
      ["CREDIT_PURCHASE", "REFUNDED", 19.99],
    ]);
    expect(rows.reduce((sum, { creditsAdded }) => sum + creditsAdded * 1000, 0)).toBeCloseTo(0, 6);
  });

  test("a refund larger than the available credits becomes a debt, which later credits repay", async () => {
    const { site, owner } = await billing.customer();
    const invoice = site.invoice(PACK);
    site.pay(invoice);
    await billing.tell(site);
    await spendCredits(billing.app.store, owner.brandId, 400_000);
    site.refund(invoice, 1999);
    await billing.tell(site);
    expect(await billing.balance(owner.brandId)).toMatchObject({ creditAvailable: 0, creditDebt: 400, totalUsed: 400 });
    site.now += 60;
    site.pay(site.invoice(PACK));
    await billing.tell(site);
    expect(await billing.balance(owner.brandId)).toMatchObject({ creditAvailable: 100, creditDebt: 0 });
  });

  test("a chargeback by credit note or reversal takes back credits, and a renewed payment adds them again", async () => {
    const { site, owner } = await billing.customer();
    const [noted, reversed] = [site.invoice(PACK), site.invoice(PACK)];
    site.pay(noted);
    site.pay(reversed);
    site.now += 60;
    site.refund(noted, 1999, { reason_code: "chargeback" });
    site.unpay(reversed, "payment_reversal");
    await billing.tell(site);
    expect(await billing.balance(owner.brandId)).toMatchObject({ creditAvailable: 0 });
    const rows = await billing.payments(owner.brandId);
    expect(rows.filter(({ type }) => type === "CHARGEBACK").map(({ amountMinor }) => amountMinor)).toEqual([
      -1999, -1999,
    ]);
    site.now += 60;
    site.pay(reversed);
    await billing.tell(site);
    expect(await billing.balance(owner.brandId)).toMatchObject({ creditAvailable: 500 });
  });
});

describe("Chargebee events with unknown items or customers", () => {
  test("a payment for an unknown item price waits until the catalog or Chargebee defines its credits", async () => {
    const { site, owner } = await billing.customer();
    const lines = [{ item: "new-pack", amount: 100, type: "charge_item_price" as const }];
    const paid = site.pay(site.invoice({ lines }));
    await billing.tell(site);
    const waiting = await billing.shown(paid);
    expect(waiting).toMatchObject({ status: "unprocessed", brandId: owner.brandId });
    expect(waiting?.reason).toContain("new-pack");
    expect(await billing.payments(owner.brandId)).toMatchObject([{ status: "SUCCESS", creditsAdded: 0 }]);
    // Define the credits by an event of Chargebee, and then in the configuration.
    site.itemPrice("new-pack", { credits: 12.5 });
    await billing.tell(site);
    await processDueEvents(billing.app.deps);
    expect(await billing.shown(paid)).toMatchObject({ status: "done", reason: null });
    expect(await billing.balance(owner.brandId)).toMatchObject({ creditAvailable: 12.5 });
    billing.app.deps.config.chargebee.catalog = new Map([
      ["set-here", { credits: 7000 }],
      ["pack-USD", { credits: 500_000 }],
      ["gold-USD-monthly", { credits: 1_000_000, planName: "Gold" }],
    ]);
    const other = site.pay(site.invoice({ lines: [{ ...lines[0], item: "set-here", amount: 1 } as never] }));
    await billing.tell(site);
    expect((await billing.boss("POST", `${ADMIN_PATH}/replay-chargebee-event`, { eventId: other.id })).status).toBe(
      200,
    );
    expect(await billing.balance(owner.brandId)).toMatchObject({ creditAvailable: 19.5 });
  });

  test("a payment of an unlinked customer waits until an admin links the customer, who then stays with that brand", async () => {
    const { site, owner } = await billing.customer({ meta_data: {} });
    const paid = site.pay(site.invoice(PACK));
    await billing.tell(site);
    expect(await billing.shown(paid)).toMatchObject({ status: "unprocessed", brandId: null });
    expect((await billing.shown(paid))?.reason).toContain(String(site.customer.id));
    const link = (brandId: string) =>
      billing.boss("POST", `${ADMIN_PATH}/link-chargebee-customer`, { brandId, customerId: site.customer.id });
    expect((await link("unknown")).status).toBe(404);
    expect(await link(owner.brandId)).toMatchObject({ status: 200, body: { success: true, waiting: 2 } });
    expect(await billing.shown(paid)).toMatchObject({ status: "done", brandId: owner.brandId });
    expect(await billing.balance(owner.brandId)).toMatchObject({ creditAvailable: 500 });
    const other = await createBrandOwner(billing.app, "other");
    expect((await link(other.brandId)).status).toBe(409);
    expect((await link(owner.brandId)).body).toEqual({ success: true, waiting: 0 } as never);
  });

  test("a customer is linked to the brand of the owner with the same e-mail address only once the address is verified", async () => {
    const site = new ChargebeeSite("later-", billing.clock.now() / 1000, { email: "Later@Owners.example" });
    const paid = site.pay(site.invoice(PACK));
    await billing.tell(site);
    // An unverified address does not prove that the owner is the customer.
    const owner = await createBrandOwner(billing.app, "later");
    const ownerId = await getUserId(billing.app, owner.token);
    const verified = (emailVerified: boolean) =>
      billing.app.store.write((tx) => tx.update(users).set({ emailVerified }).where(eq(users.id, ownerId)));
    await verified(false);
    const retry = async () => {
      billing.clock.advance(11 * 60_000);
      await processDueEvents(billing.app.deps);
    };
    await retry();
    expect((await billing.shown(paid))?.status).toBe("unprocessed");
    await verified(true);
    await retry();
    expect((await billing.shown(paid))?.status).toBe("done");
    expect(await billing.balance(owner.brandId)).toMatchObject({ creditAvailable: 500 });
  });
});

test("GET /api/auth/admin/chargebee-events: filters by status, and pages neither repeat nor skip an event", async () => {
  const seen: string[] = [];
  let cursor = "";
  do {
    const { data, nextCursor } = await billing.list(`limit=3&status=done${cursor && `&cursor=${cursor}`}`);
    expect(data.every(({ status }) => status === "done")).toBe(true);
    seen.push(...data.map(({ id }) => id));
    cursor = nextCursor ?? "";
  } while (cursor);
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen.length).toBeGreaterThan(10);
  expect((await billing.list("status=failed")).data).toEqual([]);
});
