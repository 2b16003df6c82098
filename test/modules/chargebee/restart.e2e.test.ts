import { afterAll, beforeAll, expect, test } from "bun:test";
import type { ListedEvent } from "../../../src/modules/chargebee/model.ts";
import { createSignedInUser } from "../../support/api-campaign.ts";
import { waitUntil } from "../../support/servers/temp-server.ts";
import { type Service, startService } from "../../support/service.ts";
import type { Event } from "./fake-site.ts";
import { basicAuth, WEBHOOK_PATH } from "./webhook-app.ts";
import { buildYear, CATALOG } from "./year-fixture.ts";

// Send a year of events over HTTP to the whole program and kill the program meanwhile. Like Chargebee, send every event
// again until it is answered with 200.

const KILLS = 5;
const credits = Object.fromEntries(
  [...CATALOG].map(([id, product]) => [id, { ...product, credits: product.credits / 1000 }]),
);

let service: Service;
let admin: string;
beforeAll(async () => {
  service = await startService({
    env: {
      CHARGEBEE_WEBHOOK_USER: "chargebee",
      CHARGEBEE_WEBHOOK_PASSWORD: "let me in",
      CHARGEBEE_CREDITS: JSON.stringify(credits),
    },
  });
  admin = await service.admin();
}, 60_000);
afterAll(() => service.remove());

const postEvent = (event: Event, password = "let me in") =>
  service
    .api("POST", WEBHOOK_PATH, { body: event, headers: { authorization: basicAuth("chargebee", password) } })
    .then(({ status }) => status)
    .catch(() => 0);

test("Chargebee events: a service killed five times while a year of events arrives processes each event exactly once", async () => {
  const owner = await createSignedInUser(service, admin, "owner@brand.example");
  const made = await service.api<{ brand: { id: string } }>("POST", "/api/brands", {
    token: owner,
    body: { name: "B" },
  });
  const brandId = made.body.brand.id;
  const { events } = buildYear("y.", brandId);
  expect(await postEvent(events[0] as Event, "wrong")).toBe(401);
  let unsent = [...events];
  for (let kill = 0; kill < KILLS; kill++) {
    const batch = unsent.slice(0, Math.ceil(events.length / KILLS));
    const responses = Promise.all(batch.map(async (event) => ((await postEvent(event)) === 200 ? event.id : null)));
    await Bun.sleep(Math.random() * 40);
    await service.kill();
    const accepted = new Set(await responses);
    unsent = unsent.filter(({ id }) => !accepted.has(id));
    await service.start();
  }
  for (const event of unsent) expect(await postEvent(event)).toBe(200);
  const left = async () => {
    const path = "/api/auth/admin/chargebee-events?status=unprocessed";
    return (await service.api<{ data: ListedEvent[] }>("GET", path, { token: admin })).body.data;
  };
  // Events that waited for their customer's brand are processed by the periodic sweep.
  await waitUntil("all is worked on", async () => (await left()).length === 0, 40_000);
  const balance = await service.api("GET", `/api/credits?brandId=${brandId}`, { token: admin });
  const { totalGranted, creditDebt } = balance.body.balance as unknown as Record<string, number>;
  expect([totalGranted, creditDebt]).toEqual([14_000, 0]);
  const verification = await service.api("POST", "/api/auth/admin/verify-ledger", { token: admin, body: {} });
  expect(verification.body).toMatchObject({ ok: true });
  expect(service.output()).not.toContain("let me in");
}, 120_000);
