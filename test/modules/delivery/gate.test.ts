import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { emailAccounts, senderDays } from "../../../src/db/schema/senders.ts";
import type { Tx } from "../../../src/db/store.ts";
import { SYSTEM, tenantScope } from "../../../src/db/tenant-scope.ts";
import { DAY, HOUR, iso, MINUTE } from "../../../src/lib/clock.ts";
import { cancel, getCampaign, pause, resume } from "../../../src/modules/campaigns/lifecycle.ts";
import { pauseMember, removeMember, resumeMember } from "../../../src/modules/campaigns/member-status.ts";
import { getBalance } from "../../../src/modules/credits/balance.ts";
import { setMode } from "../../../src/modules/inbox/conversations.ts";
import { createBan } from "../../../src/modules/suppressions/bans.ts";
import type { CampaignFixture } from "../../support/campaign-fixture.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";
import { ACCEPTED, LATER } from "../../support/scripted-channel.ts";

setDefaultTimeout(30_000);

/** A Monday, 00:00 UTC. */
const MONDAY = Date.UTC(2026, 10, 30);

let world: OutreachApp;
beforeAll(async () => {
  world = await startOutreachApp();
});
afterEach(async () => {
  await world.cancelAllCampaigns();
  expect(await world.listDrifts()).toEqual([]);
});
afterAll(() => world.close());

const statuses = async (campaignId: string) =>
  (await world.listMessages(campaignId)).map(({ stage, status, errorMessage }) => [stage, status, errorMessage]);

interface ExplainedMessage {
  status: string;
  gates: { gate: string; verdict: string; detail: string | null; nextEligibleAt: string | null }[];
  nextAction: string;
}
async function explain({ request, campaignId, people }: CampaignFixture): Promise<ExplainedMessage[]> {
  const path = `/api/campaigns/${campaignId}/explain?contactId=${people.at(-1)}`;
  return (await request<{ messages: ExplainedMessage[] }>("GET", path)).body.messages;
}

describe("delivery gates", () => {
  test("daily cap: a mailbox sends no more than its limit per day, and explain names the next day", async () => {
    world.clock.set(MONDAY + 9 * HOUR);
    const stage = await world.createLaunched({ people: 5, delays: [0] });
    const mine = eq(emailAccounts.brandId, stage.brandId);
    await world.store.write((tx) => tx.update(emailAccounts).set({ dailyLimit: 2 }).where(mine));
    await world.run();
    expect(world.channel.sent).toHaveLength(2);
    const midnight = iso(MONDAY + DAY);
    const [message] = await explain(stage);
    const detail = "its mailbox sent 2 of 2 today";
    expect(message?.gates).toContainEqual({ gate: "daily cap", verdict: "WAIT", detail, nextEligibleAt: midnight });
    expect(message?.nextAction).toBe(`It waits until ${midnight}: ${detail}.`);
    await world.advanceClock(DAY);
    expect(world.channel.sent).toHaveLength(4);
    await world.advanceClock(DAY);
    expect(world.channel.sent).toHaveLength(5);
  });

  test("send windows: messages leave only inside the campaign's windows", async () => {
    world.clock.set(MONDAY + 9 * HOUR);
    const stage = await world.createLaunched({
      people: 1,
      sendWindows: [{ days: ["MON"], from: "12:00", to: "13:00" }],
    });
    await world.run();
    expect(world.channel.sent).toHaveLength(0);
    expect((await explain(stage))[0]?.nextAction).toBe(`It is planned for ${iso(MONDAY + 12 * HOUR)}.`);
    world.clock.set(MONDAY + 12 * HOUR);
    await world.run();
    expect(world.channel.sent).toHaveLength(1);
    await world.advanceClock(7 * DAY - MINUTE);
    expect(world.channel.sent).toHaveLength(1);
    await world.advanceClock(MINUTE);
    expect(world.channel.sent).toHaveLength(2);
  });

  test("sender: no message leaves through a mailbox that belongs to another brand", async () => {
    const [mine, other] = [await world.createLaunched({ people: 1 }), await world.createDraft()];
    const moved = eq(emailAccounts.brandId, mine.brandId);
    await world.store.write((tx) => tx.update(emailAccounts).set({ brandId: other.brandId }).where(moved));
    await world.advanceClock(2 * HOUR);
    expect(world.channel.sent).toHaveLength(0);
    expect(await statuses(mine.campaignId)).toEqual([[0, "PENDING", "SENDER_REASSIGNED"]]);
  });

  test("explain: answers the campaign's brand only, for contacts of the campaign, and changes no message", async () => {
    const [stage, stranger] = [await world.createLaunched({ people: 1 }), await world.createDraft()];
    const before = await world.listMessages(stage.campaignId);
    const [message] = await explain(stage);
    expect(message?.gates.map(({ verdict }) => verdict)).toEqual(Array(9).fill("PASS"));
    expect(message?.nextAction).toBe("It is sent next.");
    expect(await world.listMessages(stage.campaignId)).toEqual(before);
    const ask = (owner: CampaignFixture, contactId: string | undefined) =>
      owner.request("GET", `/api/campaigns/${stage.campaignId}/explain?contactId=${contactId}`);
    expect((await ask(stranger, stage.people[0])).status).toBe(404);
    expect((await ask(stage, stranger.people[0])).status).toBe(404);
    expect((await stage.request("GET", `/api/campaigns/${stage.campaignId}/explain`)).status).toBe(422);

    await world.store.write(async (tx) =>
      pause(tx, await getCampaign(tx, stage.campaignId, tenantScope(SYSTEM)), "holidays"),
    );
    expect((await explain(stage))[0]?.nextAction).toBe("It waits for a person: holidays.");
    await world.store.write((tx) =>
      createBan(tx, { scope: "platform", email: stage.emails[0] ?? null, source: "MANUAL" }),
    );
    expect((await explain(stage))[0]).toMatchObject({ status: "CANCELLED", gates: [] });
  });
});

/** Names an event, the error message that it leaves on a message, and the function that causes it. */
type DeliveryEvent = [what: string, errorMessage: string, work: (tx: Tx, stage: CampaignFixture) => Promise<unknown>];

const campaignFor = (tx: Tx, { campaignId }: CampaignFixture) => getCampaign(tx, campaignId, tenantScope(SYSTEM));
const first = ({ people }: CampaignFixture) => people[0] ?? "";

const endingEvents: DeliveryEvent[] = [
  [
    "a ban",
    "BANNED",
    (tx, { brandId, emails }) => createBan(tx, { scope: brandId, email: emails[0] ?? "", source: "MANUAL" }),
  ],
  [
    "a ban by phone and e-mail of the platform",
    "BANNED",
    (tx, { emails }) =>
      createBan(tx, { scope: "platform", email: emails[0] ?? "", phone: "+12025550199", source: "MANUAL" }),
  ],
  ["a reply", "REPLIED", (tx, stage) => world.recordReply(tx, stage, "Let us talk")],
  ["an opt-out", "UNSUBSCRIBED", (tx, stage) => world.recordReply(tx, stage, "STOP")],
  [
    "set-mode MANUAL",
    "MANUAL_MODE",
    async (tx, { campaignId }) => {
      const [conversation] = await world.listConversations(campaignId);
      return setMode(tx, conversation?.id ?? "", tenantScope(SYSTEM), "MANUAL");
    },
  ],
  ["a cancel of the campaign", "CAMPAIGN_STOPPED", async (tx, stage) => cancel(tx, await campaignFor(tx, stage), null)],
  [
    "the removal of the contact",
    "CONTACT_REMOVED",
    async (tx, stage) => removeMember(tx, await campaignFor(tx, stage), first(stage)),
  ],
];

describe("event between claim and sending", () => {
  /** Launches a campaign, runs `work` after the first claim is committed, and lets the engine continue. */
  async function runWithEvent(work: DeliveryEvent[2]): Promise<CampaignFixture> {
    const stage = await world.createLaunched({ people: 1 });
    let commits = 0;
    const engine = world.newEngine(async () => {
      if (commits++ === 0) await world.store.write((tx) => work(tx, stage));
    });
    await world.run(engine);
    expect(world.channel.sent).toHaveLength(0);
    const days = await world.store.read
      .select({ sends: senderDays.sends })
      .from(senderDays)
      .innerJoin(emailAccounts, eq(emailAccounts.id, senderDays.senderId))
      .where(eq(emailAccounts.brandId, stage.brandId));
    expect(days).toEqual([{ sends: 0 }]);
    return stage;
  }

  test.each(endingEvents)("%s cancels the claimed message and releases its credits", async (_, errorMessage, work) => {
    const { campaignId, brandId } = await runWithEvent(work);
    expect(await statuses(campaignId)).toEqual([[0, "CANCELLED", errorMessage]]);
    expect(await getBalance(world.store.read, brandId)).toMatchObject({ creditAvailable: 100, totalReserved: 0 });
    await world.advanceClock(3 * DAY);
    expect(world.channel.sent).toHaveLength(0);
  });

  test("a pause of the campaign keeps the message PENDING until resume", async () => {
    const stage = await runWithEvent(async (tx, stage) => pause(tx, await campaignFor(tx, stage), null));
    expect(await statuses(stage.campaignId)).toEqual([[0, "PENDING", "CAMPAIGN_PAUSED"]]);
    await world.advanceClock(DAY);
    await world.store.write(async (tx) => resume(tx, await campaignFor(tx, stage)));
    await world.run();
    expect((await world.listMessages(stage.campaignId))[0]).toMatchObject({ status: "SENT", attempts: 1 });
  });

  test("a pause of the contact keeps the message PENDING until resume", async () => {
    const stage = await runWithEvent(async (tx, stage) => pauseMember(tx, await campaignFor(tx, stage), first(stage)));
    expect(await statuses(stage.campaignId)).toEqual([[0, "PENDING", "CONTACT_PAUSED"]]);
    await world.store.write(async (tx) => resumeMember(tx, await campaignFor(tx, stage), first(stage)));
    await world.run();
    expect((await world.listMessages(stage.campaignId))[0]).toMatchObject({ status: "SENT", attempts: 1 });
  });
});

describe("event while the provider has the message", () => {
  test.each(endingEvents)(
    "%s does not change the sent message, but cancels the later messages",
    async (_, __, work) => {
      const stage = await world.createLaunched({ people: 1 });
      const answer = world.channel.suspendNext();
      await world.engine.runDue();
      await world.store.write((tx) => work(tx, stage));
      answer(ACCEPTED);
      await world.run();
      await world.advanceClock(3 * DAY);
      const [opening, ...others] = await statuses(stage.campaignId);
      expect(opening).toEqual([0, "SENT", null]);
      // A ban does not change conversations: the next message is scheduled, and the gate cancels it.
      expect(others.filter(([, status]) => status !== "CANCELLED")).toEqual([]);
      expect(world.channel.sent).toHaveLength(1);
    },
  );

  test.each(endingEvents)("%s cancels the message when the provider deferred it", async (_, errorMessage, work) => {
    const stage = await world.createLaunched({ people: 1 });
    const answer = world.channel.suspendNext();
    await world.engine.runDue();
    await world.store.write((tx) => work(tx, stage));
    answer(LATER);
    await world.run();
    await world.advanceClock(DAY);
    expect(await statuses(stage.campaignId)).toEqual([[0, "CANCELLED", errorMessage]]);
    expect(await getBalance(world.store.read, stage.brandId)).toMatchObject({ creditAvailable: 100 });
    expect(world.channel.sent).toHaveLength(1);
  });
});
