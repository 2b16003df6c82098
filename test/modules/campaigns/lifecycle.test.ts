import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { campaigns } from "../../../src/db/schema/campaigns.ts";
import { DAY, HOUR, iso } from "../../../src/lib/clock.ts";
import { getBalance } from "../../../src/modules/credits/balance.ts";
import { grant } from "../../../src/modules/credits/ledger.ts";
import { updateWeight } from "../../../src/modules/credits/weights.ts";
import type { CampaignFixture } from "../../support/campaign-fixture.ts";
import { fuzzEndpoint } from "../../support/fuzz-body.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";
import { NO_SUCH_USER, REJECTED, UNKNOWN } from "../../support/scripted-channel.ts";

setDefaultTimeout(60_000);

let world: OutreachApp;
beforeAll(async () => {
  world = await startOutreachApp();
});
afterEach(async () => {
  await world.cancelAllCampaigns();
  expect(await world.listDrifts()).toEqual([]);
});
afterAll(() => world.close());

const post = (stage: CampaignFixture, campaignId: string, action: string, body?: unknown) =>
  stage.request("POST", `/api/campaigns/${campaignId}/${action}`, body);
const act = (stage: CampaignFixture, action: string, body?: unknown) => post(stage, stage.campaignId, action, body);
const launch = (stage: CampaignFixture, confirmContacts = stage.people.length) =>
  act(stage, "launch", { confirmContacts });
const statuses = async ({ campaignId }: CampaignFixture) =>
  (await world.listMessages(campaignId)).map(({ status, errorMessage }) => errorMessage ?? status);
const change = ({ campaignId }: CampaignFixture, set: Partial<typeof campaigns.$inferInsert>) =>
  world.store.write((tx) => tx.update(campaigns).set(set).where(eq(campaigns.id, campaignId)));

describe("POST /api/campaigns/:id/launch", () => {
  test("creates a message for each contact, reserves the credits and wakes the engine", async () => {
    const stage = await world.createDraft({ people: 3 });
    const wakes = world.countWakes();
    const { campaignId, brandId } = stage;
    expect(await launch(stage)).toMatchObject({
      status: 200,
      body: { success: true, reservationId: campaignId, creditReserved: 3, firstSendAt: iso(world.clock.now()) },
    });
    expect(world.countWakes()).toBe(wakes + 1);
    expect(await world.getCampaign(campaignId)).toMatchObject({ status: "RUNNING", launchedAt: world.clock.now() });
    expect(await statuses(stage)).toEqual(["PENDING", "PENDING", "PENDING"]);
    expect(await getBalance(world.store.read, brandId)).toMatchObject({ creditAvailable: 97, totalReserved: 3 });
    expect(await launch(stage)).toMatchObject({ status: 409 });
  });

  test("answers 409 with the number of contacts when the confirmed number is wrong or zero", async () => {
    const stage = await world.createDraft({ people: 2 });
    expect(await launch(stage, 3)).toMatchObject({ status: 409, body: { code: "CONFLICT", contacts: 2 } });
    expect(await world.getCampaign(stage.campaignId)).toMatchObject({ status: "DRAFT" });
    const empty = await world.createDraft({ people: 0 });
    expect(await launch(empty, 0)).toMatchObject({ status: 409 });
  });

  test("answers 402 with the missing credits when the first stage cannot be paid, and changes nothing", async () => {
    const stage = await world.createDraft({ people: 3, credits: 2 });
    await world.store.write((tx) => updateWeight(tx, "EMAIL", 1500));
    const answer = await launch(stage);
    await world.store.write((tx) => updateWeight(tx, "EMAIL", 1000));
    expect(answer).toMatchObject({
      status: 402,
      body: {
        code: "INSUFFICIENT_CREDITS",
        message: "The opening stage needs 4.5 credits; 2.5 are missing",
        creditNeeded: 4.5,
        creditAvailable: 2,
        creditMissing: 2.5,
        byType: { EMAIL: 4.5 },
      },
    });
    expect(await statuses(stage)).toEqual([]);
    expect(await world.getCampaign(stage.campaignId)).toMatchObject({ status: "DRAFT", launchedAt: null });
    expect(await getBalance(world.store.read, stage.brandId)).toMatchObject({ creditAvailable: 2, totalReserved: 0 });
  });

  test("does not count expired credits, whether written off or not", async () => {
    const stage = await world.createDraft({ people: 2, credits: 1 });
    const expiresAt = world.clock.now() + HOUR;
    const { brandId } = stage;
    await world.store.write((tx) =>
      grant(tx, { brandId, amount: 5000, kind: "SUBSCRIPTION", expiresAt, reason: "period" }),
    );
    world.clock.set(expiresAt);
    expect(await launch(stage)).toMatchObject({ status: 402, body: { creditAvailable: 1, creditMissing: 1 } });
  });

  test("concurrent launches succeed once, and two campaigns do not spend the same credits", async () => {
    const stage = await world.createDraft({ people: 4, credits: 20 });
    const answers = await Promise.all(Array.from({ length: 5 }, () => launch(stage)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409]);
    expect(await statuses(stage)).toHaveLength(4);

    const poor = await world.createDraft({ people: 5, credits: 9 });
    const twin = await world.copyDraft(poor);
    const both = await Promise.all([launch(poor), launch(twin)]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 402]);
    expect(await getBalance(world.store.read, poor.brandId)).toMatchObject({ creditAvailable: 4, totalReserved: 5 });
  });

  test("with a start time in the future schedules the campaign, which sends at that time", async () => {
    const stage = await world.createDraft({ people: 1 });
    const startAt = world.clock.now() + DAY;
    await change(stage, { startAt });
    expect(await launch(stage)).toMatchObject({ status: 200, body: { firstSendAt: iso(startAt) } });
    expect(await world.getCampaign(stage.campaignId)).toMatchObject({ status: "SCHEDULED" });
    await world.advanceClock(DAY - 1);
    expect(world.channel.sent).toHaveLength(0);
    await world.advanceClock(1);
    expect(world.channel.sent).toHaveLength(1);
    expect(await world.getCampaign(stage.campaignId)).toMatchObject({ status: "RUNNING" });
  });

  test("campaign of another brand: launch, status changes and contact changes answer 404, and an admin may launch", async () => {
    const [stage, stranger] = [await world.createDraft({ people: 1 }), await world.createDraft()];
    for (const action of ["launch", "pause", "resume", "cancel", "archive"]) {
      const body = action === "launch" ? { confirmContacts: 1 } : undefined;
      expect((await post(stranger, stage.campaignId, action, body)).status).toBe(404);
      expect((await post(stage, "nothing", action, body)).status).toBe(404);
    }
    for (const action of ["pause", "resume", "remove"]) {
      const body = { contactId: stage.people[0] };
      expect((await post(stranger, stage.campaignId, `${action}-contact`, body)).status).toBe(404);
    }
    const admin = await world.admin();
    expect((await admin("POST", `/api/campaigns/${stage.campaignId}/launch`, { confirmContacts: 1 })).status).toBe(200);
  });
});

describe("running campaign", () => {
  test("is paused with a reason and resumes with its pending messages", async () => {
    const stage = await world.createLaunched({ people: 2 });
    expect(await act(stage, "pause", { reason: " holidays " })).toMatchObject({
      status: 200,
      body: { campaign: { status: "PAUSED", statusReason: "holidays" } },
    });
    await world.advanceClock(DAY);
    expect(world.channel.sent).toHaveLength(0);
    expect(await statuses(stage)).toEqual(["CAMPAIGN_PAUSED", "CAMPAIGN_PAUSED"]);
    expect((await act(stage, "pause")).status).toBe(409);
    expect(await act(stage, "resume")).toMatchObject({
      status: 200,
      body: { campaign: { status: "RUNNING", statusReason: null } },
    });
    await world.run();
    expect(world.channel.sent).toHaveLength(2);
    expect((await act(stage, "resume")).status).toBe(409);
  });

  test("is cancelled together with its pending messages, and can then be archived", async () => {
    const stage = await world.createLaunched({ people: 3 });
    await world.run();
    expect((await act(stage, "archive")).status).toBe(409);
    expect(await act(stage, "cancel", { reason: "wrong text" })).toMatchObject({
      status: 200,
      body: { creditReleased: 3, cancelledMessages: 3 },
    });
    expect(await statuses(stage)).toEqual([...Array(3).fill("SENT"), ...Array(3).fill("CAMPAIGN_STOPPED")]);
    expect(await getBalance(world.store.read, stage.brandId)).toMatchObject({ creditAvailable: 97, totalReserved: 0 });
    expect(await world.getCampaign(stage.campaignId)).toMatchObject({
      status: "CANCELLED",
      statusReason: "wrong text",
    });
    for (const action of ["pause", "resume", "cancel"]) expect((await act(stage, action)).status).toBe(409);
    expect((await launch(stage)).status).toBe(409);
    expect(await act(stage, "archive")).toMatchObject({ status: 200, body: { campaign: { status: "ARCHIVED" } } });
    await world.advanceClock(3 * DAY);
    expect(world.channel.sent).toHaveLength(3);
  });

  test("stats and credits count each outcome and charge only what was sent", async () => {
    const stage = await world.createLaunched({ people: 5 });
    world.channel.enqueue(NO_SUCH_USER, REJECTED, UNKNOWN);
    await world.run();
    await world.store.write((tx) => world.recordReply(tx, { ...stage, emails: stage.emails.slice(3) }, "Tell me more"));
    await world.store.write((tx) => world.recordReply(tx, { ...stage, emails: stage.emails.slice(4) }, "unsubscribe"));
    const none = { queued: 0, sent: 0, cancelled: 0, failed: 0, unknown: 0, replied: 0, optedOut: 0, bounced: 0 };
    const ended = { replied: 1, optedOut: 1, bounced: 1, unknown: 1, failed: 2, sent: 2 };
    const { body } = await stage.request("GET", `/api/campaigns/${stage.campaignId}/stats`);
    expect(body).toEqual({
      success: true,
      stages: [
        { stage: 0, ...none, ...ended },
        { stage: 1, ...none, cancelled: 2 },
      ],
      total: { ...none, ...ended, cancelled: 2, creditUsed: 2, creditReserved: 1 },
      contacts: expect.objectContaining({ QUEUED: 1, REPLIED: 1, OPTED_OUT: 1, BOUNCED: 1, FAILED: 1, ACTIVE: 0 }),
    } as never);
    const figures = { creditReserved: 1, creditUsed: 2, creditReleased: 4 };
    expect((await stage.request("GET", `/api/campaigns/${stage.campaignId}/credits`)).body).toEqual({
      success: true,
      ...figures,
      byType: [{ creditType: "EMAIL", ...figures }],
    } as never);
  });

  test("GET messages returns pages and filters by status, stage and channel", async () => {
    const stage = await world.createLaunched({ people: 5 });
    await world.run();
    const list = async (query: string) => {
      const path = `/api/campaigns/${stage.campaignId}/messages?${query}`;
      return (await stage.request<{ data: { id: string; stage: number }[]; nextCursor: string | null }>("GET", path))
        .body;
    };
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page: Awaited<ReturnType<typeof list>> = await list(`limit=3&cursor=${cursor}`);
      seen.push(...page.data.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect(seen).toHaveLength(10);
    expect(new Set(seen).size).toBe(10);
    expect((await list("status=SENT")).data.map(({ stage }) => stage)).toEqual([0, 0, 0, 0, 0]);
    expect((await list("status=PENDING&stage=1")).data).toHaveLength(5);
    expect((await list("status=FAILED")).data).toHaveLength(0);
    expect((await list("channel=SMS")).data).toHaveLength(0);
  });
});

test("campaign routes: malformed input is rejected without side effects", async () => {
  const stage = await world.createDraft({ people: 1 });
  const at = (action: string) => `/api/campaigns/${stage.campaignId}/${action}`;
  for (const action of ["pause", "resume", "remove"]) {
    await fuzzEndpoint(stage, "POST", at(`${action}-contact`), { contactId: stage.people[0], reason: "x" });
  }
  for (const read of ["messages", "stats", "credits", "explain"]) await fuzzEndpoint(stage, "GET", at(read));
  await fuzzEndpoint(stage, "POST", at("launch"), { confirmContacts: 7 });
  await fuzzEndpoint(stage, "POST", at("pause"), { reason: "x" });
  await fuzzEndpoint(stage, "POST", `/api/campaigns/outcome-unknown/${stage.campaignId}/resolve`, { as: "SENT" });
  await fuzzEndpoint(stage, "POST", at("archive"));
  await fuzzEndpoint(stage, "POST", at("cancel"), { reason: "x" });
});
