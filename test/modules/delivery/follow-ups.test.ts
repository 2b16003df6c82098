import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { messages } from "../../../src/db/schema/messages.ts";
import { DAY, HOUR, iso } from "../../../src/lib/clock.ts";
import type { FollowUp } from "../../../src/modules/delivery/model.ts";
import type { CampaignFixture } from "../../support/campaign-fixture.ts";
import { fuzzEndpoint } from "../../support/fuzz-body.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";
import { REJECTED, UNKNOWN } from "../../support/scripted-channel.ts";

setDefaultTimeout(60_000);

const ALL = "/api/auth/admin/scheduled-follow-ups";
const OWN = "/api/campaigns/follow-ups";

interface Page {
  items: FollowUp[];
  pagination: { limit: number; page: number; total: number; totalPages: number };
  details?: { field: string }[];
}

let world: OutreachApp;
beforeAll(async () => {
  world = await startOutreachApp();
});
afterEach(async () => {
  await world.cancelAllCampaigns();
  expect(await world.listDrifts()).toEqual([]);
});
afterAll(() => world.close());

const own = async ({ request }: CampaignFixture, query = "") => (await request<Page>("GET", `${OWN}?${query}`)).body;
async function all(query = ""): Promise<Page> {
  return (await (await world.admin())<Page>("GET", `${ALL}?${query}`)).body;
}
const row = (id: string, set: Partial<typeof messages.$inferInsert>) =>
  world.store.write((tx) => tx.update(messages).set(set).where(eq(messages.id, id)));

describe("GET /api/auth/admin/scheduled-follow-ups", () => {
  test("a follow-up has every field of the contract", async () => {
    const stage = await world.createLaunched({ people: 1 });
    await world.run();
    const [, followUp] = await world.listMessages(stage.campaignId);
    const [conversation] = await world.listConversations(stage.campaignId);
    const answer = await all("limit=1");
    expect(answer).toEqual({
      items: [
        {
          id: followUp?.id ?? "",
          stage: 1,
          status: "PENDING",
          scheduledTime: iso(world.clock.now() + 2 * DAY),
          processedAt: null,
          errorMessage: null,
          conversation: {
            id: conversation?.id ?? "",
            mode: "AUTO",
            brand: { id: stage.brandId, name: "brand0" },
            campaign: { id: stage.campaignId, name: "brand0 spring" },
            contact: {
              id: stage.people[0] ?? "",
              email: stage.emails[0] ?? "",
              phone: null,
              firstName: "Name0",
              lastName: null,
            },
          },
        },
      ],
      pagination: { limit: 1, page: 1, total: 1, totalPages: 1 },
    });
    expect(answer).not.toHaveProperty("success");
  });

  test("opening messages are included with includeOpening=true only", async () => {
    const before = [await all(), await all("includeOpening=true")];
    await world.createLaunched({ people: 3 });
    await world.run();
    const after = [await all(), await all("includeOpening=true")];
    expect(after.map(({ pagination }, at) => pagination.total - (before[at]?.pagination.total ?? 0))).toEqual([3, 6]);
    expect((await all("includeOpening=false&limit=100")).items.every(({ stage }) => stage >= 1)).toBe(true);
    expect((await all("includeOpening=true&limit=100")).items.some(({ stage }) => stage === 0)).toBe(true);
  });

  test("answers users 403 and requests without a session 401", async () => {
    const { request } = await world.createDraft();
    expect((await request("GET", ALL)).status).toBe(403);
    expect((await world.app.request("GET", ALL)).status).toBe(401);
  });

  test("answers 422 with the field name for invalid parameters, and an empty page beyond the last", async () => {
    const asAdmin = await world.admin();
    for (const query of [
      "page=0",
      "page=-1",
      "page=1.5",
      "page=NaN",
      "limit=0",
      "limit=101",
      "limit=x",
      "status=SENDING",
      "status=UNKNOWN",
      "status=pending",
      "includeOpening=maybe",
    ]) {
      const { status, body } = await asAdmin<Page>("GET", `${ALL}?${query}`);
      expect([query, status, body.details?.[0]?.field]).toEqual([query, 422, query.split("=")[0] ?? ""]);
    }
    for (const page of ["999999999", "1e300"]) {
      expect((await asAdmin<Page>("GET", `${ALL}?page=${page}`)).body.items).toEqual([]);
    }
  });
});

describe("status of a listed follow-up", () => {
  test("sent, cancelled, failed and unknown follow-ups have their status, reason and time", async () => {
    const stage = await world.createLaunched({ people: 5 });
    await world.run();
    world.clock.advance(2 * DAY);
    await world.store.write((tx) => world.recordReply(tx, stage, "Tell me more"));
    world.channel.enqueue(REJECTED, UNKNOWN);
    await world.run();
    const now = iso(world.clock.now());
    const shown = (await own(stage)).items.map(({ status, errorMessage, processedAt }) => [
      status,
      errorMessage,
      processedAt,
    ]);
    expect(shown.toSorted()).toEqual([
      ["CANCELLED", "REPLIED", now],
      ["FAILED", REJECTED.reason, now],
      ["PENDING", "OUTCOME_UNKNOWN", null],
      ["SENT", null, now],
      ["SENT", null, now],
    ]);
    const totals = await Promise.all(
      ["PENDING", "SENT", "CANCELLED", "FAILED"].map(
        async (status) => (await own(stage, `status=${status}`)).pagination.total,
      ),
    );
    expect(totals).toEqual([1, 2, 1, 1]);
    await world.advanceClock(DAY);
    expect((await own(stage, "status=FAILED")).items.map(({ errorMessage }) => errorMessage).toSorted()).toEqual([
      REJECTED.reason,
      "OUTCOME_UNKNOWN",
    ]);
  });

  test("a follow-up that is being sent is shown as PENDING", async () => {
    const stage = await world.createLaunched({ people: 1 });
    await world.run();
    const answer = world.channel.suspendNext();
    world.clock.advance(2 * DAY);
    await world.engine.runDue();
    expect((await world.listMessages(stage.campaignId))[1]?.status).toBe("SENDING");
    expect((await own(stage, "status=PENDING")).items).toMatchObject([{ status: "PENDING", processedAt: null }]);
    answer(REJECTED);
    await world.run();
  });
});

describe("pages of GET /api/campaigns/follow-ups", () => {
  test("pages neither repeat nor skip, and sort by the latest scheduled time, ties by id", async () => {
    const stage = await world.createLaunched({ people: 7 });
    await world.run();
    const rows = (await world.listMessages(stage.campaignId)).filter(({ stage }) => stage === 1);
    for (const [index, { id }] of rows.entries())
      await row(id, { scheduledTime: world.clock.now() + Math.floor(index / 3) * HOUR });
    const seen: FollowUp[] = [];
    for (let page = 1; page <= 4; page++) {
      const { items, pagination } = await own(stage, `limit=2&page=${page}`);
      expect(pagination).toEqual({ limit: 2, page, total: 7, totalPages: 4 });
      seen.push(...items);
    }
    const keys = seen.map(({ scheduledTime, id }) => `${scheduledTime} ${id}`);
    expect(new Set(keys).size).toBe(7);
    expect(keys).toEqual(keys.toSorted().reverse());
    expect((await own(stage, "limit=2&page=5")).items).toEqual([]);
    expect((await own(stage)).pagination).toEqual({ limit: 20, page: 1, total: 7, totalPages: 1 });
    expect((await own(await world.createDraft())).pagination).toEqual({ limit: 20, page: 1, total: 0, totalPages: 0 });
  });
});

describe("GET /api/campaigns/follow-ups", () => {
  test("an owner gets the own brand's follow-ups only, an admin all or one brand's", async () => {
    const [ann, bob] = [await world.createLaunched({ people: 2 }), await world.createLaunched({ people: 3 })];
    await world.run();
    expect((await own(ann)).pagination.total).toBe(2);
    expect((await own(ann, `campaignId=${bob.campaignId}`)).pagination.total).toBe(0);
    expect((await own(ann, `contactId=${bob.people[0]}`)).pagination.total).toBe(0);
    expect((await ann.request("GET", `${OWN}?brandId=${bob.brandId}`)).status).toBe(403);
    const asAdmin = await world.admin();
    expect((await asAdmin<Page>("GET", `${OWN}?brandId=${bob.brandId}`)).body.pagination.total).toBe(3);
    expect((await asAdmin<Page>("GET", OWN)).body.pagination.total).toBe((await all()).pagination.total);
    expect((await world.app.request("GET", OWN)).status).toBe(401);
  });

  test("filters by campaign, contact, status and time, with exact totals", async () => {
    const stage = await world.createLaunched({ people: 3, delays: [0, 1, 1] });
    const twin = await world.copyDraft(stage);
    await world.launch(twin);
    await world.run();
    await world.advanceClock(DAY);
    const total = async (query: string) => {
      const { items, pagination } = await own(stage, `limit=100&${query}`);
      expect(items).toHaveLength(pagination.total);
      return pagination.total;
    };
    const contactId = stage.people[1];
    expect(await total("")).toBe(12);
    expect(await total(`campaignId=${twin.campaignId}`)).toBe(6);
    expect(await total(`contactId=${contactId}`)).toBe(4);
    expect(await total(`contactId=${contactId}&campaignId=${stage.campaignId}&status=SENT`)).toBe(1);
    const now = world.clock.now();
    expect(await total(`from=${iso(now + 1)}`)).toBe(6);
    expect(await total(`to=${iso(now + 1)}`)).toBe(6);
    expect(await total(`from=${iso(now)}&to=${iso(now + DAY)}&status=SENT`)).toBe(6);
    expect(await total(`from=${iso(now + 10 * DAY)}`)).toBe(0);
    for (const query of ["from=yesterday", "to=5", "from=2026-02-31T25:00:00Z", "limit=0", "page=x"]) {
      expect([query, (await stage.request("GET", `${OWN}?${query}`)).status]).toEqual([query, 422]);
    }
  });
});

test("follow-up lists: invalid input never causes a 500", async () => {
  const stage = await world.createDraft();
  await fuzzEndpoint(stage, "GET", OWN);
  await fuzzEndpoint({ ...stage, request: await world.admin() }, "GET", ALL);
});
