import { afterAll, afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { sql } from "drizzle-orm";
import { processDueEvents } from "../../../src/modules/chargebee/event-worker.ts";
import { reconcile } from "../../../src/modules/chargebee/reconcile.ts";
import { DEFAULT_RETRY_POLICY } from "../../../src/modules/chargebee/site.ts";
import type { ChargebeeSite, Event } from "./fake-site.ts";
import { ADMIN_PATH, startWebhookApp, type WebhookApp } from "./webhook-app.ts";

setDefaultTimeout(60_000);

// Serve events as Chargebee documents it (https://apidocs.chargebee.com/docs/api/events#list_events): pages with a next
// offset, an API key as the user of basic authentication, 429 with Retry-After for too many requests.

const KEY = "test_key_that_is_never_logged";
const PAGE = 3;
let knownEvents: Event[] = [];
/** Responses to give instead of pages, in order. */
let queuedResponses: (() => Response | Promise<Response>)[] = [];
let asked: URL[] = [];
const waits: number[] = [];
const quick = { ...DEFAULT_RETRY_POLICY, timeout: 300, sleep: async (time: number) => void waits.push(time) };

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  async fetch(request) {
    const url = new URL(request.url);
    asked.push(url);
    if (request.headers.get("authorization") !== `Basic ${btoa(`${KEY}:`)}`) {
      return Response.json(
        { message: "Sorry, authentication failed.", api_error_code: "api_authentication_failed" },
        { status: 401 },
      );
    }
    const obstacle = queuedResponses.shift();
    if (obstacle) return obstacle();
    if (url.pathname !== "/api/v2/events") return new Response("not found", { status: 404 });
    const after = Number(url.searchParams.get("occurred_at[after]"));
    const events = knownEvents
      .filter((event) => event.occurred_at > after)
      .sort((a, b) => a.occurred_at - b.occurred_at);
    const from = Number(JSON.parse(url.searchParams.get("offset") ?? "[0]")[0]);
    const list = events.slice(from, from + PAGE).map((event) => ({ event }));
    const next = from + PAGE < events.length ? { next_offset: JSON.stringify([from + PAGE]) } : {};
    return Response.json({ list, ...next });
  },
});

let billing: WebhookApp;
beforeAll(async () => {
  billing = await startWebhookApp();
});
beforeEach(() => {
  billing.app.deps.config.chargebee.site = { url: server.url.origin, apiKey: KEY };
  knownEvents = [];
  queuedResponses = [];
  asked = [];
  waits.length = 0;
});
afterEach(() => billing.prove());
afterAll(async () => {
  await server.stop(true);
  await billing.close();
});

const PACK = { lines: [{ item: "pack-USD", amount: 1999, type: "charge_item_price" as const }] };

/** Creates paid packs, whose webhooks arrive only when the test sends them. */
async function packs(count: number): Promise<{ site: ChargebeeSite; brandId: string }> {
  const { site, owner } = await billing.customer();
  for (let n = 0; n < count; n++) {
    site.now -= 3600;
    site.pay(site.invoice(PACK));
  }
  knownEvents = [...site.events];
  return { site, brandId: owner.brandId };
}

test("Chargebee reconciliation: events that never arrived are loaded page by page and processed like webhook events", async () => {
  const { site, brandId } = await packs(5);
  site.events.splice(2, 4);
  await billing.tell(site);
  expect(await billing.balance(brandId)).toMatchObject({ creditAvailable: 1500 });
  const answer = await billing.boss<{ seen: number; added: number }>("POST", `${ADMIN_PATH}/reconcile-chargebee`, {});
  expect(answer).toMatchObject({ status: 200, body: { seen: 10, added: 4 } });
  expect(asked).toHaveLength(4);
  expect(await billing.balance(brandId)).toMatchObject({ creditAvailable: 2500 });
  expect((await billing.list("limit=100")).data.filter(({ cameBy }) => cameBy === "API")).toHaveLength(4);
  expect(await billing.boss("POST", `${ADMIN_PATH}/reconcile-chargebee`, {})).toMatchObject({ body: { added: 0 } });
  // The second run starts a little before the end of the first.
  const [first, second] = [asked[0], asked.at(-1)].map((url) => Number(url?.searchParams.get("occurred_at[after]")));
  expect(second).toBeGreaterThan(first ?? 0);
});

test("Chargebee reconciliation: waits for Retry-After on 429, and retries after server errors and timeouts", async () => {
  const { brandId } = await packs(2);
  queuedResponses = [
    () => new Response("slow down", { status: 429, headers: { "retry-after": "7" } }),
    () => new Response("oh no", { status: 503 }),
    () => new Promise((answer) => setTimeout(() => answer(new Response("late")), 1000)),
  ];
  expect(await reconcile(billing.app.deps, { patience: quick })).toMatchObject({ seen: 4, added: 4 });
  expect(waits).toEqual([7000, 2000, 4000]);
  await processDueEvents(billing.app.deps);
  expect(await billing.balance(brandId)).toMatchObject({ creditAvailable: 1000 });
});

test("Chargebee reconciliation: gives up after five failures, records the error, and the next run continues; a repeated offset is an error", async () => {
  await packs(4);
  // Return the first page before the failures.
  const page = (next: string) => () =>
    Response.json({ list: knownEvents.slice(0, 3).map((event) => ({ event })), next_offset: next });
  queuedResponses = [page("[3]"), ...Array.from({ length: 5 }, () => () => new Response("", { status: 500 }))];
  await expect(reconcile(billing.app.deps, { patience: quick })).rejects.toMatchObject({ code: "UNAVAILABLE" });
  expect(waits).toHaveLength(4);
  const [run] = await billing.app.store.read.all<{ added: number; error: string }>(
    sql`select added, error from chargebee_reconciliations order by id desc limit 1`,
  );
  expect(run).toMatchObject({ added: 3, error: "Chargebee answered 500 repeatedly" });
  expect(await reconcile(billing.app.deps, { patience: quick })).toMatchObject({ seen: 8, added: 5 });
  queuedResponses = [page("[3]"), page("[3]")];
  await expect(reconcile(billing.app.deps, { patience: quick })).rejects.toThrow("same page offset twice");
});

test("Chargebee reconciliation: a refused API key, an unreachable site and a missing configuration are reported without the key", async () => {
  const ask = () => billing.boss("POST", `${ADMIN_PATH}/reconcile-chargebee`, {});
  billing.app.deps.config.chargebee.site = { url: server.url.origin, apiKey: "another_key" };
  const refused = await ask();
  expect(refused.status).toBe(503);
  expect(refused.text).toContain("CHARGEBEE_API_KEY was rejected");
  billing.app.deps.config.chargebee.site = { url: "http://127.0.0.1:1", apiKey: KEY };
  await expect(reconcile(billing.app.deps, { patience: quick })).rejects.toThrow("cannot be reached");
  billing.app.deps.config.chargebee.site = null;
  expect((await ask()).status).toBe(409);
  expect(billing.app.logged.join("\n")).not.toMatch(/another_key|test_key/);
});
