import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { DAY, iso, MINUTE } from "../../../src/lib/clock.ts";
import type { Balance, Entry } from "../../../src/modules/credits/model.ts";
import { getUserId } from "../../support/auth-helpers.ts";
import type { BrandOwner } from "../../support/brands.ts";
import { fuzzEndpoint } from "../../support/fuzz-body.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";

setDefaultTimeout(60_000);

const ADMIN = "/api/auth/admin";

interface Answer {
  message: string;
  details?: { field: string }[];
  balance: Balance;
  data: Entry[];
  nextCursor: string | null;
}

let world: OutreachApp;
let admin: BrandOwner["request"];
let adminId: string;
beforeAll(async () => {
  world = await startOutreachApp();
  const token = await world.app.admin();
  adminId = await getUserId(world.app, token);
  admin = (method, path, body, headers) =>
    world.app.request(method, path, { token, body, ...(headers ? { headers } : {}) });
});
afterEach(async () => {
  await world.cancelAllCampaigns();
  expect(await world.listDrifts()).toEqual([]);
});
afterAll(() => world.close());

const weights = async () =>
  (await admin<{ weights: object }>("POST", `${ADMIN}/get-credit-weights`, {})).body.weights as Record<string, number>;
const price = (creditType: string, weight: unknown) =>
  admin<Answer>("POST", `${ADMIN}/update-credit-weight`, { creditType, weight });

describe("credit weights", () => {
  test("get-credit-weights returns 1 for an e-mail or SMS segment and 2 for a voicemail or look-up by default", async () => {
    expect((await admin("POST", `${ADMIN}/get-credit-weights`, {})).body).toEqual({
      success: true,
      message: expect.any(String),
      weights: { EMAIL: 1, SKIPTRACE: 2, SMS: 1, VOICEMAIL: 2 },
    } as never);
    // The body may be missing, because the route has no parameters.
    expect((await admin("POST", `${ADMIN}/get-credit-weights`)).status).toBe(200);
  });

  test("update-credit-weight updates a weight and returns the previous one", async () => {
    expect((await price("VOICEMAIL", 2.125)).body as object).toEqual({
      success: true,
      message: "A unit of VOICEMAIL costs 2.125 credits now",
      creditType: "VOICEMAIL",
      weight: 2.125,
      previousWeight: 2,
    });
    expect((await price("VOICEMAIL", 0)).body as object).toMatchObject({ weight: 0, previousWeight: 2.125 });
    expect(await weights()).toMatchObject({ VOICEMAIL: 0 });
    await price("VOICEMAIL", 2);
  });

  test("update-enrichment-weight updates the weight of look-ups, which update-credit-weight rejects with 422", async () => {
    expect((await price("SKIPTRACE", 3)).status).toBe(422);
    const answer = await admin("POST", `${ADMIN}/update-enrichment-weight`, { weight: 2.5 });
    expect(answer).toMatchObject({ status: 200, body: { success: true, weight: 2.5, previousWeight: 2 } });
    expect(answer.body).not.toHaveProperty("creditType");
    expect(await weights()).toMatchObject({ SKIPTRACE: 2.5 });
    await admin("POST", `${ADMIN}/update-enrichment-weight`, { weight: 2 });
  });

  test("weights below zero or with more than three decimals get 422", async () => {
    for (const weight of [0.0001, 1.2345, -0.001, -1, 1e-9, 1e9, 1e300, "1", null, undefined]) {
      const { status, body } = await price("EMAIL", weight);
      expect([weight, status, body.details?.[0]?.field]).toEqual([weight, 422, "weight"]);
    }
    expect((await price("FAX", 1)).status).toBe(422);
    for (const weight of [0.001, 0.1, 0.3, 1.005, 999.999]) {
      expect(await price("EMAIL", weight)).toMatchObject({ status: 200, body: { weight } });
    }
    await price("EMAIL", 1);
  });

  test("a new weight does not change held credits", async () => {
    const { brandId, request } = await world.createLaunched({ people: 2 });
    await price("EMAIL", 3);
    await world.run();
    await price("EMAIL", 1);
    const { body } = await request<Answer>("GET", "/api/credits");
    expect(body.balance).toMatchObject({ brandId, totalUsed: 2, totalReserved: 6 });
  });

  test("credit routes of admins answer users 403 and requests without a session 401", async () => {
    const user = await world.createDraft();
    for (const path of [
      "get-credit-weights",
      "update-credit-weight",
      "update-enrichment-weight",
      "grant-credits",
      "verify-ledger",
    ]) {
      expect((await user.request("POST", `${ADMIN}/${path}`, {})).status).toBe(403);
      expect((await world.app.request("POST", `${ADMIN}/${path}`, { body: {} })).status).toBe(401);
    }
  });
});

describe("POST /api/auth/admin/grant-credits", () => {
  const give = (body: object) => admin<Answer>("POST", `${ADMIN}/grant-credits`, body);

  test("granted credits are available at once, are listed in the ledger with their actor, and wake the delivery engine", async () => {
    const { brandId, request } = await world.createDraft({ credits: 10 });
    const wakes = world.countWakes();
    const expiresAt = iso(world.clock.now() + 30 * DAY);
    const answer = await give({ brandId, credits: 2.5, kind: "SUBSCRIPTION", expiresAt, reason: " May " });
    expect(answer).toMatchObject({
      status: 200,
      body: {
        success: true,
        balance: { brandId, creditAvailable: 12.5, subscriptionCredits: 2.5, purchasedCredits: 10, totalGranted: 12.5 },
      },
    });
    expect(world.countWakes()).toBe(wakes + 1);
    const [entry] = (await request<Answer>("GET", "/api/credits/ledger")).body.data;
    expect(entry).toMatchObject({ kind: "GRANT", credits: 2.5, reason: "May", actorId: adminId, messageId: null });
  });

  test("a grant resumes a campaign that was paused without credits", async () => {
    const { brandId, campaignId } = await world.createLaunched({ people: 1, credits: 1 });
    await world.run();
    await world.advanceClock(2 * DAY);
    expect(await world.getCampaign(campaignId)).toMatchObject({ status: "AUTO_PAUSED", statusReason: "NO_CREDITS" });
    expect((await give({ brandId, credits: 1, reason: "more" })).status).toBe(200);
    await world.advanceClock(MINUTE);
    expect(world.channel.sent).toHaveLength(2);
  });

  test("answers 422 for invalid amounts, expiry times, reasons and kinds, and 404 for an unknown brand", async () => {
    const { brandId } = await world.createDraft();
    const good = { brandId, credits: 1, reason: "x" };
    const past = iso(world.clock.now());
    for (const credits of [0, -1, 0.0001, 1e12, "1", null]) expect((await give({ ...good, credits })).status).toBe(422);
    for (const expiresAt of [past, "tomorrow", "2026-02-31T25:00:00Z", 5]) {
      expect((await give({ ...good, expiresAt })).status).toBe(422);
    }
    for (const reason of ["", "  ", undefined]) expect((await give({ ...good, reason })).status).toBe(422);
    expect((await give({ ...good, kind: "GIFT" })).status).toBe(422);
    expect((await give({ ...good, brandId: "nothing" })).status).toBe(404);
    expect((await give({ ...good, expiresAt: null })).status).toBe(200);
  });
});

describe("GET /api/credits and /api/credits/ledger", () => {
  test("an owner gets the own brand only, and an admin must name the brand", async () => {
    const [mine, other] = [await world.createDraft({ credits: 7 }), await world.createDraft()];
    for (const path of ["/api/credits", "/api/credits/ledger"]) {
      expect((await mine.request("GET", path)).status).toBe(200);
      expect((await mine.request("GET", `${path}?brandId=${other.brandId}`)).status).toBe(403);
      expect((await admin("GET", path)).status).toBe(422);
      expect((await admin("GET", `${path}?brandId=nothing`)).status).toBe(404);
      expect((await admin("GET", `${path}?brandId=${mine.brandId}`)).status).toBe(200);
      expect((await world.app.request("GET", path)).status).toBe(401);
    }
    const { body } = await admin<Answer>("GET", `/api/credits?brandId=${mine.brandId}`);
    expect(body.balance).toMatchObject({ creditAvailable: 7, totalGranted: 7 });
  });

  test("the ledger lists every entry once, the newest first, and filters by kind", async () => {
    const stage = await world.createLaunched({ people: 4 });
    await world.run();
    const seen: Entry[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const path: string = `/api/credits/ledger?limit=3&cursor=${cursor}`;
      const { body }: { body: Answer } = await stage.request<Answer>("GET", path);
      seen.push(...body.data);
      cursor = body.nextCursor;
    }
    expect(seen.map(({ kind }) => kind).sort()).toEqual([
      "GRANT",
      ...Array(8).fill("HOLD"),
      ...Array(4).fill("SETTLE"),
    ]);
    expect(seen.map(({ id }) => id)).toEqual(
      seen
        .map(({ id }) => id)
        .sort()
        .reverse(),
    );
    const { body } = await stage.request<Answer>("GET", "/api/credits/ledger?kind=SETTLE");
    expect(body.data).toHaveLength(4);
    expect(body.data[0]).toMatchObject({ creditType: "EMAIL", campaignId: stage.campaignId, credits: 1 });
    for (const query of ["kind=GIFT", "limit=0", "limit=101", "limit=x", "cursor=x"]) {
      expect([query, (await stage.request("GET", `/api/credits/ledger?${query}`)).status]).toEqual([query, 422]);
    }
  });
});

test("credit routes: invalid input never causes a 500", async () => {
  const stage = await world.createDraft();
  const asAdmin = { ...stage, request: admin };
  await fuzzEndpoint(stage, "GET", "/api/credits");
  await fuzzEndpoint(stage, "GET", "/api/credits/ledger");
  await fuzzEndpoint(asAdmin, "POST", `${ADMIN}/get-credit-weights`, { x: 1 });
  await fuzzEndpoint(asAdmin, "POST", `${ADMIN}/verify-ledger`, { x: 1 });
  await fuzzEndpoint(asAdmin, "POST", `${ADMIN}/update-credit-weight`, { creditType: "SMS", weight: 1 });
  await fuzzEndpoint(asAdmin, "POST", `${ADMIN}/update-enrichment-weight`, { weight: 1 });
  const { brandId } = stage;
  const good = { brandId, credits: 1, kind: "PURCHASED", expiresAt: null, reason: "x" };
  await fuzzEndpoint(asAdmin, "POST", `${ADMIN}/grant-credits`, good);
});
