import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { campaigns } from "../../../src/db/schema/campaigns.ts";
import { emailAccounts } from "../../../src/db/schema/senders.ts";
import { SYSTEM, tenantScope } from "../../../src/db/tenant-scope.ts";
import { DAY, HOUR, MINUTE } from "../../../src/lib/clock.ts";
import { getCampaign, launch } from "../../../src/modules/campaigns/lifecycle.ts";
import { getBalance } from "../../../src/modules/credits/balance.ts";
import { grant } from "../../../src/modules/credits/ledger.ts";
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

const statuses = async (campaignId: string) => (await world.listMessages(campaignId)).map(({ status }) => status);
const topUp = (brandId: string, credits: number) =>
  world.store.write((tx) =>
    grant(tx, { brandId, amount: credits * 1000, kind: "PURCHASED", reason: "top-up", actorId: null }),
  );

describe("several engines on one database", () => {
  test("each message is sent once, also when every engine is woken twice", async () => {
    const stage = await world.createLaunched({
      people: 120,
      credits: 500,
      delays: [0, 1, 1],
      dailyLimit: 1000,
      mailboxes: 3,
    });
    const engines = [world.newEngine(), world.newEngine()];
    for (let day = 0; day < 4; day++) {
      await Promise.all(engines.flatMap((engine) => [engine.runDue(), engine.runDue()]));
      await Promise.all(engines.flatMap((engine) => [engine.drain(), engine.sweep()]));
      await Promise.all(engines.map((engine) => world.run(engine)));
      world.clock.advance(DAY);
    }
    const ids = world.channel.sent.map(({ messageId }) => messageId);
    expect(ids).toHaveLength(360);
    expect(new Set(ids).size).toBe(360);
    expect(new Set(await statuses(stage.campaignId))).toEqual(new Set(["SENT"]));
    expect(await getBalance(world.store.read, stage.brandId)).toMatchObject({ totalUsed: 360, totalReserved: 0 });
    expect((await world.getCampaign(stage.campaignId))?.status).toBe("COMPLETED");
  });

  test("a mailbox's daily limit holds for all engines together", async () => {
    const { brandId } = await world.createLaunched({ people: 60, dailyLimit: 1000 });
    const mine = eq(emailAccounts.brandId, brandId);
    await world.store.write((tx) => tx.update(emailAccounts).set({ dailyLimit: 25 }).where(mine));
    const engines = [world.newEngine(), world.newEngine(), world.newEngine()];
    await Promise.all(engines.map((engine) => world.run(engine)));
    expect(world.channel.sent).toHaveLength(25);
  });
});

describe("campaign of a brand without credits", () => {
  test("the campaign is AUTO_PAUSED when a message is due, and a top-up resumes the campaign", async () => {
    const stage = await world.createLaunched({ people: 2, credits: 3 });
    await world.run();
    const followUps = async () => (await world.listMessages(stage.campaignId)).slice(2);
    expect(new Set((await followUps()).map(({ errorMessage }) => errorMessage))).toEqual(
      new Set([null, "INSUFFICIENT_CREDITS"]),
    );
    await world.advanceClock(2 * DAY);
    expect(await world.getCampaign(stage.campaignId)).toMatchObject({
      status: "AUTO_PAUSED",
      statusReason: "NO_CREDITS",
    });
    expect(world.channel.sent).toHaveLength(3);
    const { body } = await stage.request<{ messages: { nextAction: string }[] }>(
      "GET",
      `/api/campaigns/${stage.campaignId}/explain?contactId=${(await followUps()).find(({ status }) => status === "PENDING")?.contactId}`,
    );
    expect(body.messages[1]?.nextAction).toBe("It waits for a person: NO_CREDITS.");

    await world.advanceClock(DAY);
    expect(await world.getCampaign(stage.campaignId)).toMatchObject({ status: "AUTO_PAUSED" });
    await topUp(stage.brandId, 0.5);
    await world.advanceClock(MINUTE);
    expect(await world.getCampaign(stage.campaignId)).toMatchObject({ status: "AUTO_PAUSED" });
    await topUp(stage.brandId, 0.5);
    await world.advanceClock(MINUTE);
    expect(world.channel.sent).toHaveLength(4);
    await world.advanceClock(MINUTE);
    expect(await world.getCampaign(stage.campaignId)).toMatchObject({ status: "COMPLETED" });
    expect(await getBalance(world.store.read, stage.brandId)).toMatchObject({ totalUsed: 4, creditAvailable: 0 });
  });

  test("a top-up before the next message is due prevents AUTO_PAUSED", async () => {
    const stage = await world.createLaunched({ people: 2, credits: 2 });
    await world.run();
    await topUp(stage.brandId, 2);
    await world.advanceClock(2 * DAY);
    expect(world.channel.sent).toHaveLength(4);
    expect(await world.getCampaign(stage.campaignId)).not.toMatchObject({ status: "AUTO_PAUSED" });
  });

  test("a SCHEDULED campaign is AUTO_PAUSED at its start, and a top-up resumes the campaign", async () => {
    const stage = await world.createDraft({ people: 1, credits: 1, delays: [0] });
    const startAt = world.clock.now() + HOUR;
    const mine = eq(campaigns.id, stage.campaignId);
    await world.store.write((tx) => tx.update(campaigns).set({ startAt }).where(mine));
    await world.launch(stage);
    expect(await world.getCampaign(stage.campaignId)).toMatchObject({ status: "SCHEDULED" });
    await world.addMember(stage, "late@example.com");
    world.clock.set(startAt);
    // Run the engine before the sweep that sets the campaign to RUNNING.
    await world.run();
    expect(world.channel.sent).toHaveLength(1);
    expect(await world.getCampaign(stage.campaignId)).toMatchObject({ statusReason: "NO_CREDITS" });
    await topUp(stage.brandId, 1);
    await world.advanceClock(MINUTE);
    expect(world.channel.recipients).toEqual([stage.emails[0] ?? "", "late@example.com"]);
  });
});

describe("campaign with stopOnReply false", () => {
  test("all stages are sent after a reply, and the conversation stays REPLIED", async () => {
    const stage = await world.createDraft({ people: 1, delays: [0, 1, 1] });
    const mine = eq(campaigns.id, stage.campaignId);
    await world.store.write((tx) => tx.update(campaigns).set({ stopOnReply: false }).where(mine));
    await world.store.write(async (tx) => launch(tx, await getCampaign(tx, stage.campaignId, tenantScope(SYSTEM)), 1));
    await world.run();
    await world.store.write((tx) => world.recordReply(tx, stage, "Tell me more"));
    await world.advanceClock(3 * DAY);
    expect(await statuses(stage.campaignId)).toEqual(["SENT", "SENT", "SENT"]);
    expect(await world.listConversations(stage.campaignId)).toMatchObject([{ status: "REPLIED" }]);
  });
});
