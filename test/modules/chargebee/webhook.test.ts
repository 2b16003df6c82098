import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { sql } from "drizzle-orm";
import { processDueEvents } from "../../../src/modules/chargebee/event-worker.ts";
import type { BrandOwner } from "../../support/brands.ts";
import { fuzzEndpoint } from "../../support/fuzz-body.ts";
import { waitUntil } from "../../support/servers/temp-server.ts";
import {
  ADMIN_PATH,
  basicAuth,
  startWebhookApp,
  WEBHOOK_HEADERS,
  WEBHOOK_PATH,
  type WebhookApp,
} from "./webhook-app.ts";

setDefaultTimeout(60_000);

let billing: WebhookApp;
beforeAll(async () => {
  billing = await startWebhookApp();
});
afterEach(() => billing.prove());
afterAll(() => billing.close());

async function stored(): Promise<number> {
  const [row] = await billing.app.store.read.all<{ n: unknown }>(sql`select count(*) as n from chargebee_events`);
  return Number(row?.n);
}

const PACK = { lines: [{ item: "pack-USD", amount: 1999, type: "charge_item_price" as const }] };

describe("POST /api/webhooks/chargebee with invalid requests", () => {
  test("wrong credentials answer 401, oversized bodies 413, malformed events 400, and no event is stored", async () => {
    const { site } = await billing.customer();
    const event = site.customerChanged();
    const before = await stored();
    const json = { "content-type": "application/json" };
    const refused: [number, unknown, Record<string, string>][] = [
      [401, event, json],
      [401, event, { ...json, authorization: basicAuth("chargebee", "wrong") }],
      [401, event, { ...json, authorization: basicAuth("", "") }],
      [401, event, { ...json, authorization: "Basic %%%" }],
      [401, event, { ...json, authorization: `Bearer ${WEBHOOK_HEADERS.authorization.slice(6)}` }],
      [401, "x".repeat(2_000_000), json],
      [413, { ...event, padding: "x".repeat(1_000_000) }, { ...WEBHOOK_HEADERS, "content-length": "1000200" }],
      [413, { ...event, padding: "x".repeat(1_000_000) }, WEBHOOK_HEADERS],
      [400, "", WEBHOOK_HEADERS],
      [400, "{", WEBHOOK_HEADERS],
      [400, "null", WEBHOOK_HEADERS],
      [400, "[]", WEBHOOK_HEADERS],
      [400, "{}", WEBHOOK_HEADERS],
      [400, { ...event, id: 1 }, WEBHOOK_HEADERS],
      [400, { ...event, id: "a\0b" }, WEBHOOK_HEADERS],
      [400, { ...event, occurred_at: "yesterday" }, WEBHOOK_HEADERS],
      [400, { ...event, content: [] }, WEBHOOK_HEADERS],
      [
        400,
        `{"id":"x","event_type":"y","occurred_at":1,"content":${'{"a":'.repeat(5000)}1${"}".repeat(5000)}}`,
        WEBHOOK_HEADERS,
      ],
    ];
    for (const [status, body, headers] of refused) {
      const answer = await billing.post(body, headers);
      expect([answer.status, JSON.stringify(body).slice(0, 60)]).toEqual([status, JSON.stringify(body).slice(0, 60)]);
      expect(answer.body.success).toBe(false);
      expect(answer.headers.has("www-authenticate")).toBe(status === 401);
    }
    expect(await stored()).toBe(before);
    expect(billing.app.logged.join("")).not.toContain("let me in");
  });

  test("answers 404 when no webhook is configured", async () => {
    const { webhook } = billing.app.deps.config.chargebee;
    billing.app.deps.config.chargebee.webhook = null;
    expect((await billing.post({}, WEBHOOK_HEADERS)).status).toBe(404);
    billing.app.deps.config.chargebee.webhook = webhook;
  });

  test("invalid input to the webhook and the admin routes never causes a 500", async () => {
    const { site } = await billing.customer();
    const invoice = site.invoice(PACK);
    const asChargebee: BrandOwner["request"] = (method, path, body, headers) =>
      billing.app.request(method, path, { body, headers: { ...WEBHOOK_HEADERS, ...headers } }) as never;
    await fuzzEndpoint({ token: "", brandId: "", request: asChargebee }, "POST", WEBHOOK_PATH, site.pay(invoice));
    const admin = { token: "", brandId: "", request: billing.boss };
    await fuzzEndpoint(admin, "GET", `${ADMIN_PATH}/chargebee-events`);
    await fuzzEndpoint(admin, "POST", `${ADMIN_PATH}/link-chargebee-customer`, { brandId: "x", customerId: "y" });
    await fuzzEndpoint(admin, "POST", `${ADMIN_PATH}/replay-chargebee-event`, { eventId: "x" });
    await fuzzEndpoint(admin, "POST", `${ADMIN_PATH}/reconcile-chargebee`, { since: "2026-01-01T00:00:00Z" });
  });
});

test("Chargebee events: card data is never stored", async () => {
  const { site } = await billing.customer();
  site.pay(site.invoice(PACK));
  await billing.tell(site);
  const kept = await billing.app.store.read.all<{ text: string }>(
    sql`select body as text from chargebee_events union all select cast(facts as text) from chargebee_resources`,
  );
  expect(kept.map(({ text }) => text).join("")).not.toMatch(/1111|"card"|masked/);
});

test("POST /api/webhooks/chargebee: one event sent twenty times concurrently is stored once and processed once", async () => {
  const { site, owner } = await billing.customer();
  const paid = site.pay(site.invoice(PACK));
  const answers = await Promise.all(Array.from({ length: 20 }, () => billing.post(paid)));
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
  await waitUntil("the event is done", async () => (await billing.shown(paid))?.status === "done");
  await Promise.all([processDueEvents(billing.app.deps), processDueEvents(billing.app.deps)]);
  expect(await billing.balance(owner.brandId)).toMatchObject({ creditAvailable: 500, purchasedCredits: 500 });
  expect(await billing.payments(owner.brandId)).toHaveLength(1);
  expect(billing.wakes()).toBeGreaterThan(0);
});

test("POST /api/webhooks/chargebee: answers 200 although processing fails; the failed event is listed and retried until done", async () => {
  const { site, owner } = await billing.customer();
  const paid = site.pay(site.invoice(PACK));
  await billing.byHand("alter table payments rename to payments_away");
  expect((await billing.post(paid)).status).toBe(200);
  await waitUntil("the event has failed", async () => (await billing.shown(paid))?.status === "failed");
  const failed = await billing.shown(paid);
  expect(failed).toMatchObject({ attempts: 1, brandId: null, processedAt: null });
  expect(failed?.reason).not.toMatch(/payments|select|insert/i);
  await billing.byHand("alter table payments_away rename to payments");
  await processDueEvents(billing.app.deps);
  expect((await billing.shown(paid))?.status).toBe("failed");
  billing.clock.advance(60_000);
  await processDueEvents(billing.app.deps);
  expect(await billing.shown(paid)).toMatchObject({ status: "done", reason: null, brandId: owner.brandId });
  expect(await billing.balance(owner.brandId)).toMatchObject({ creditAvailable: 500 });
  const again = await billing.boss("POST", `${ADMIN_PATH}/replay-chargebee-event`, { eventId: paid.id });
  expect(again.status).toBe(200);
  expect(await billing.balance(owner.brandId)).toMatchObject({ creditAvailable: 500 });
});
