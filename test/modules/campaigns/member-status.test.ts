import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { DAY } from "../../../src/lib/clock.ts";
import { getBalance } from "../../../src/modules/credits/balance.ts";
import type { CampaignFixture } from "../../support/campaign-fixture.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";

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
const member = (stage: CampaignFixture, action: string, index = 0) =>
  act(stage, `${action}-contact`, { contactId: stage.people[index] });
const memberStatuses = async ({ campaignId }: CampaignFixture) =>
  (await world.listConversations(campaignId)).map(({ status }) => status);
const statuses = async ({ campaignId }: CampaignFixture) =>
  (await world.listMessages(campaignId)).map(({ status, errorMessage }) => errorMessage ?? status);

describe("contact of a campaign", () => {
  test("pause and resume affect this contact only", async () => {
    const stage = await world.createLaunched({ people: 2 });
    const contactId = stage.people[0];
    expect(await member(stage, "pause")).toMatchObject({ status: 200, body: { status: "PAUSED", contactId } });
    expect((await member(stage, "pause")).status).toBe(409);
    await world.advanceClock(DAY);
    expect(world.channel.recipients).toEqual([stage.emails[1] ?? ""]);
    expect(await memberStatuses(stage)).toEqual(["PAUSED", "ACTIVE"]);
    expect(await member(stage, "resume")).toMatchObject({ status: 200, body: { status: "QUEUED" } });
    expect((await member(stage, "resume")).status).toBe(409);
    await world.run();
    expect(world.channel.sent).toHaveLength(2);

    expect(await member(stage, "pause")).toMatchObject({ body: { status: "PAUSED" } });
    expect(await member(stage, "resume")).toMatchObject({ body: { status: "ACTIVE" } });
    await world.advanceClock(3 * DAY);
    expect(world.channel.sent).toHaveLength(4);
  });

  test("paused before the launch: is not launched with the campaign and joins when resumed", async () => {
    const stage = await world.createDraft({ people: 2 });
    await member(stage, "pause", 1);
    expect(await launch(stage, 1)).toMatchObject({ status: 200, body: { creditReserved: 1 } });
    await world.run();
    expect(await member(stage, "resume", 1)).toMatchObject({ status: 200 });
    await world.run();
    expect(world.channel.recipients).toEqual(stage.emails);
  });

  test("resumed in a paused campaign: receives nothing until the campaign resumes", async () => {
    const stage = await world.createLaunched({ people: 1 });
    await member(stage, "pause");
    await act(stage, "pause");
    await member(stage, "resume");
    await world.advanceClock(DAY);
    expect(world.channel.sent).toHaveLength(0);
    await act(stage, "resume");
    await world.run();
    expect(world.channel.sent).toHaveLength(1);
  });

  test("remove cancels the pending messages of this contact only, and refunds them", async () => {
    const stage = await world.createLaunched({ people: 2 });
    expect(await member(stage, "remove")).toMatchObject({
      status: 200,
      body: { status: "REMOVED", cancelledMessages: 1 },
    });
    expect(await member(stage, "remove")).toMatchObject({
      status: 200,
      body: { status: "REMOVED", cancelledMessages: 0 },
    });
    expect((await statuses(stage)).sort()).toEqual(["CONTACT_REMOVED", "PENDING"]);
    expect(await getBalance(world.store.read, stage.brandId)).toMatchObject({ totalReserved: 1, creditAvailable: 99 });
    for (const action of ["pause", "resume"]) expect((await member(stage, action)).status).toBe(409);
    await world.advanceClock(3 * DAY);
    expect(world.channel.recipients).toEqual([stage.emails[1] ?? "", stage.emails[1] ?? ""]);
  });

  test("pause, resume and remove answer 404 for a contact of another campaign", async () => {
    const [stage, stranger] = [await world.createDraft({ people: 1 }), await world.createDraft({ people: 1 })];
    for (const action of ["pause", "resume", "remove"]) {
      const body = { contactId: stranger.people[0] };
      expect((await act(stage, `${action}-contact`, body)).status).toBe(404);
    }
  });
});
