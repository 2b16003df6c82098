import { afterAll, beforeAll, expect, test } from "bun:test";
import type { ListedEvent } from "../src/chargebee/model.ts";
import { enrol } from "./support/campaign.ts";
import type { Event } from "./support/chargebee.ts";
import { basic, HOOK } from "./support/chargebeeApp.ts";
import { CATALOG, yearOf } from "./support/chargebeeYear.ts";
import { type Service, startService } from "./support/service.ts";
import { until } from "./support/throwaway.ts";

// The whole program, told of a year over HTTP and killed while it is told. Like Chargebee, whoever tells it does so again
// until it is heard.

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

const tell = (event: Event, password = "let me in") =>
  service
    .api("POST", HOOK, { body: event, headers: { authorization: basic("chargebee", password) } })
    .then(({ status }) => status)
    .catch(() => 0);

test("killed while it is told of a year, it knows all of it in the end, and nothing twice", async () => {
  const owner = await enrol(service, admin, "owner@brand.example");
  const made = await service.api<{ brand: { id: string } }>("POST", "/api/brands", {
    token: owner,
    body: { name: "B" },
  });
  const brandId = made.body.brand.id;
  const { events } = yearOf("y.", brandId);
  expect(await tell(events[0] as Event, "wrong")).toBe(401);
  let untold = [...events];
  for (let kill = 0; kill < KILLS; kill++) {
    const batch = untold.slice(0, Math.ceil(events.length / KILLS));
    const told = Promise.all(batch.map(async (event) => ((await tell(event)) === 200 ? event.id : null)));
    await Bun.sleep(Math.random() * 40);
    await service.kill();
    const heard = new Set(await told);
    untold = untold.filter(({ id }) => !heard.has(id));
    await service.start();
  }
  for (const event of untold) expect(await tell(event)).toBe(200);
  const left = async () => {
    const path = "/api/auth/admin/chargebee-events?status=unprocessed";
    return (await service.api<{ data: ListedEvent[] }>("GET", path, { token: admin })).body.data;
  };
  // What waited for its customer's brand is looked at by the sweep.
  await until("all is worked on", async () => (await left()).length === 0, 40_000);
  const balance = await service.api("GET", `/api/credits?brandId=${brandId}`, { token: admin });
  const { totalGranted, creditDebt } = balance.body.balance as unknown as Record<string, number>;
  expect([totalGranted, creditDebt]).toEqual([14_000, 0]);
  const verdict = await service.api("POST", "/api/auth/admin/verify-ledger", { token: admin, body: {} });
  expect(verdict.body).toMatchObject({ ok: true });
  expect(service.output()).not.toContain("let me in");
}, 120_000);
