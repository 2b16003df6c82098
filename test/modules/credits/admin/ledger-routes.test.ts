import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { HOUR, iso } from "../../../../src/lib/clock.ts";
import type { Balance, Entry } from "../../../../src/modules/credits/model.ts";
import type { BrandOwner } from "../../../support/brands.ts";
import { fuzzEndpoint } from "../../../support/fuzz-body.ts";
import { type OutreachApp, startOutreachApp } from "../../../support/outreach-app.ts";

setDefaultTimeout(60_000);

const ADMIN = "/api/auth/admin";

let world: OutreachApp;
let admin: BrandOwner["request"];
beforeAll(async () => {
  world = await startOutreachApp();
  admin = await world.admin();
});
afterEach(async () => {
  await world.cancelAllCampaigns();
  expect(await world.listDrifts()).toEqual([]);
});
afterAll(() => world.close());

describe("POST /api/auth/admin/adjust-credits", () => {
  const adjust = (brandId: string, credits: unknown, headers?: Record<string, string>) =>
    admin<{ balance: Balance; creditAvailable: number }>(
      "POST",
      `${ADMIN}/adjust-credits`,
      { brandId, credits, reason: "miscounted" },
      headers,
    );

  test("adds and removes credits, once per Idempotency-Key, and records the actor and the reason", async () => {
    const { brandId, request } = await world.createDraft({ people: 0, credits: 0 });
    expect((await adjust(brandId, 12.5)).body.balance).toMatchObject({ creditAvailable: 12.5, totalGranted: 12.5 });
    const key = { "idempotency-key": crypto.randomUUID() };
    expect((await adjust(brandId, -2.25, key)).body.balance).toMatchObject({ creditAvailable: 10.25 });
    expect((await adjust(brandId, -2.25, key)).body.balance).toMatchObject({ creditAvailable: 10.25 });
    const { body } = await request<{ data: Entry[] }>("GET", "/api/credits/ledger");
    expect(body.data.map(({ kind, credits, reason, actorId }) => [kind, credits, reason, actorId !== null])).toEqual([
      ["CLAWBACK", 2.25, "miscounted", true],
      ["GRANT", 12.5, "miscounted", true],
    ]);
  });

  test("answers 409 with the available credits for more than these, 422 for bad amounts, 403 for an owner", async () => {
    const { brandId, request } = await world.createDraft({ people: 0, credits: 3 });
    expect(await adjust(brandId, -3.001)).toMatchObject({
      status: 409,
      body: { code: "CONFLICT", creditAvailable: 3, message: expect.stringContaining("at most 3 to take back") },
    } as never);
    for (const credits of [0, 0.0001, "1", 1e12]) expect((await adjust(brandId, credits)).status).toBe(422);
    expect((await adjust("unknown", 1)).status).toBe(404);
    const own = await request("POST", `${ADMIN}/adjust-credits`, { brandId, credits: 5, reason: "please" });
    expect(own.status).toBe(403);
  });
});

test("GET /api/credits/ledger: filters by kind, campaign, message and time", async () => {
  const stage = await world.createLaunched({ people: 2, delays: [0] });
  const launchedAt = world.clock.now();
  world.clock.advance(HOUR);
  await world.run();
  const { brandId, campaignId } = stage;
  const read = async (query: object) => {
    const search = new URLSearchParams({ brandId, ...query });
    return (await admin<{ data: Entry[] }>("GET", `/api/credits/ledger?${search}`)).body.data.map(({ kind }) => kind);
  };
  expect(await read({})).toEqual(["SETTLE", "SETTLE", "HOLD", "HOLD", "GRANT"]);
  expect(await read({ campaignId })).toEqual(["SETTLE", "SETTLE", "HOLD", "HOLD"]);
  const [message] = await world.listMessages(campaignId);
  expect(await read({ messageId: message?.id ?? "" })).toEqual(["SETTLE", "HOLD"]);
  expect(await read({ from: iso(launchedAt + 1) })).toEqual(["SETTLE", "SETTLE"]);
  expect(await read({ to: iso(launchedAt + 1), kind: "HOLD" })).toEqual(["HOLD", "HOLD"]);
  for (const bad of ["from=yesterday", "to=1", "kind=THEFT", "limit=0"])
    expect((await stage.request("GET", `/api/credits/ledger?${bad}`)).status).toBe(422);
});

test("credit weights: a change is previewed, recorded in a list, and leaves open holds as they are", async () => {
  const running = await world.createLaunched({ people: 2, delays: [0] });
  const draft = await world.createDraft({ people: 3, delays: [0, 2] });
  const preview = { creditType: "EMAIL", weight: 1.5 };
  const { body } = await admin<{ campaigns: object[]; openHolds: object }>(
    "POST",
    `${ADMIN}/preview-credit-weight`,
    preview,
  );
  expect(body).toMatchObject({ currentWeight: 1, weight: 1.5, openHolds: { count: 2, credits: 2, affected: 0 } });
  expect(body.campaigns).toContainEqual({
    campaignId: draft.campaignId,
    campaignName: expect.any(String),
    brandId: draft.brandId,
    contacts: 3,
    creditNow: 3,
    creditThen: 4.5,
  } as never);
  await admin("POST", `${ADMIN}/update-credit-weight`, preview);
  const cost = await draft.request<{ cost: object }>("GET", `/api/campaigns/${draft.campaignId}/launch-cost`);
  expect(cost.body.cost).toEqual({
    contacts: 3,
    creditNeeded: 4.5,
    creditAvailable: 100,
    creditMissing: 0,
    creditDebt: 0,
    byType: { EMAIL: 4.5 },
    creditsForAllStages: { EMAIL: 9 },
  });
  await admin("POST", `${ADMIN}/update-credit-weight`, { ...preview, weight: 1 });
  const changes = await admin<{ data: object[] }>("GET", `${ADMIN}/credit-weight-changes?limit=2`);
  expect(changes.body.data).toMatchObject([
    { creditType: "EMAIL", previousWeight: 1.5, weight: 1, changedAt: iso(world.clock.now()) },
    { creditType: "EMAIL", previousWeight: 1, weight: 1.5 },
  ]);
  await world.run();
  expect((await running.request<{ balance: Balance }>("GET", "/api/credits")).body.balance).toMatchObject({
    totalUsed: 2,
    totalReserved: 0,
  });
});

test("GET /api/campaigns/:id/launch-cost: shows the cost to the campaign's brand and answers 404 to another brand", async () => {
  const stage = await world.createDraft({ people: 3, credits: 2, delays: [0, 2, 4] });
  const path = `/api/campaigns/${stage.campaignId}/launch-cost`;
  const { body } = await stage.request<{ cost: object; lowBalance: null }>("GET", path);
  const cost = { creditNeeded: 3, creditAvailable: 2, creditMissing: 1, byType: { EMAIL: 3 } };
  expect(body).toMatchObject({ cost: { ...cost, contacts: 3, creditsForAllStages: { EMAIL: 9 } }, lowBalance: null });
  const stranger = await world.createDraft({ people: 0 });
  expect((await stranger.request("GET", path)).status).toBe(404);
});

test("credit routes: malformed input is rejected without side effects", async () => {
  const stage = await world.createDraft({ people: 0 });
  const { brandId } = stage;
  const asAdmin = { ...stage, request: admin };
  await fuzzEndpoint(asAdmin, "POST", `${ADMIN}/adjust-credits`, { brandId, credits: 1, reason: "why" });
  await fuzzEndpoint(asAdmin, "POST", `${ADMIN}/preview-credit-weight`, { creditType: "EMAIL", weight: 1 });
  await fuzzEndpoint(asAdmin, "GET", `${ADMIN}/credit-weight-changes`);
  await fuzzEndpoint(stage, "GET", `/api/campaigns/${stage.campaignId}/launch-cost`);
});
