import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { ban } from "../src/bans/bans.ts";
import { campaignOf, cancel, pause, resume } from "../src/campaigns/lifecycle.ts";
import { pauseMember, removeMember, resumeMember } from "../src/campaigns/memberState.ts";
import { DAY, HOUR, iso, MINUTE } from "../src/clock.ts";
import { setMode } from "../src/conversations/conversations.ts";
import { balanceOf } from "../src/credits/statement.ts";
import { emailAccounts, senderDays } from "../src/db/schema/senders.ts";
import type { Tx } from "../src/db/store.ts";
import { SYSTEM, tenantScope } from "../src/db/tenant-scope.ts";
import { type Outreach, startOutreach } from "./support/outreach.ts";
import { ACCEPTED, LATER } from "./support/scriptedChannel.ts";
import type { Stage } from "./support/stage.ts";

setDefaultTimeout(30_000);

/** A Monday, 00:00 UTC. */
const MONDAY = Date.UTC(2026, 10, 30);

let world: Outreach;
beforeAll(async () => {
  world = await startOutreach();
});
afterEach(async () => {
  await world.clear();
  expect(await world.drifts()).toEqual([]);
});
afterAll(() => world.close());

const statuses = async (campaignId: string) =>
  (await world.messagesOf(campaignId)).map(({ stage, status, errorMessage }) => [stage, status, errorMessage]);

interface ExplainedMessage {
  status: string;
  gates: { gate: string; verdict: string; detail: string | null; nextEligibleAt: string | null }[];
  nextAction: string;
}
async function explain({ request, campaignId, people }: Stage): Promise<ExplainedMessage[]> {
  const path = `/api/campaigns/${campaignId}/explain?contactId=${people.at(-1)}`;
  return (await request<{ messages: ExplainedMessage[] }>("GET", path)).body.messages;
}

describe("delivery gates", () => {
  test("daily cap: a mailbox sends no more than its limit per day, and explain names the next day", async () => {
    world.clock.set(MONDAY + 9 * HOUR);
    const stage = await world.launched({ people: 5, delays: [0] });
    const mine = eq(emailAccounts.brandId, stage.brandId);
    await world.store.write((tx) => tx.update(emailAccounts).set({ dailyLimit: 2 }).where(mine));
    await world.run();
    expect(world.channel.sent).toHaveLength(2);
    const midnight = iso(MONDAY + DAY);
    const [message] = await explain(stage);
    const detail = "its mailbox sent 2 of 2 today";
    expect(message?.gates).toContainEqual({ gate: "daily cap", verdict: "WAIT", detail, nextEligibleAt: midnight });
    expect(message?.nextAction).toBe(`It waits until ${midnight}: ${detail}.`);
    await world.pass(DAY);
    expect(world.channel.sent).toHaveLength(4);
    await world.pass(DAY);
    expect(world.channel.sent).toHaveLength(5);
  });

  test("send windows: messages leave only inside the campaign's windows", async () => {
    world.clock.set(MONDAY + 9 * HOUR);
    const stage = await world.launched({ people: 1, sendWindows: [{ days: ["MON"], from: "12:00", to: "13:00" }] });
    await world.run();
    expect(world.channel.sent).toHaveLength(0);
    expect((await explain(stage))[0]?.nextAction).toBe(`It is planned for ${iso(MONDAY + 12 * HOUR)}.`);
    world.clock.set(MONDAY + 12 * HOUR);
    await world.run();
    expect(world.channel.sent).toHaveLength(1);
    await world.pass(7 * DAY - MINUTE);
    expect(world.channel.sent).toHaveLength(1);
    await world.pass(MINUTE);
    expect(world.channel.sent).toHaveLength(2);
  });

  test("sender: no message leaves through a mailbox that belongs to another brand", async () => {
    const [mine, other] = [await world.launched({ people: 1 }), await world.stage()];
    const moved = eq(emailAccounts.brandId, mine.brandId);
    await world.store.write((tx) => tx.update(emailAccounts).set({ brandId: other.brandId }).where(moved));
    await world.pass(2 * HOUR);
    expect(world.channel.sent).toHaveLength(0);
    expect(await statuses(mine.campaignId)).toEqual([[0, "PENDING", "SENDER_REASSIGNED"]]);
  });

  test("explain: answers the campaign's brand only, for contacts of the campaign, and changes no message", async () => {
    const [stage, stranger] = [await world.launched({ people: 1 }), await world.stage()];
    const before = await world.messagesOf(stage.campaignId);
    const [message] = await explain(stage);
    expect(message?.gates.map(({ verdict }) => verdict)).toEqual(Array(9).fill("PASS"));
    expect(message?.nextAction).toBe("It is sent next.");
    expect(await world.messagesOf(stage.campaignId)).toEqual(before);
    const ask = (owner: Stage, contactId: string | undefined) =>
      owner.request("GET", `/api/campaigns/${stage.campaignId}/explain?contactId=${contactId}`);
    expect((await ask(stranger, stage.people[0])).status).toBe(404);
    expect((await ask(stage, stranger.people[0])).status).toBe(404);
    expect((await stage.request("GET", `/api/campaigns/${stage.campaignId}/explain`)).status).toBe(422);

    await world.store.write(async (tx) =>
      pause(tx, await campaignOf(tx, stage.campaignId, tenantScope(SYSTEM)), "holidays"),
    );
    expect((await explain(stage))[0]?.nextAction).toBe("It waits for a person: holidays.");
    await world.store.write((tx) => ban(tx, { scope: "platform", email: stage.emails[0] ?? null, source: "MANUAL" }));
    expect((await explain(stage))[0]).toMatchObject({ status: "CANCELLED", gates: [] });
  });
});

/** Names an event, the error message that it leaves on a message, and the function that causes it. */
type DeliveryEvent = [what: string, errorMessage: string, work: (tx: Tx, stage: Stage) => Promise<unknown>];

const campaignFor = (tx: Tx, { campaignId }: Stage) => campaignOf(tx, campaignId, tenantScope(SYSTEM));
const first = ({ people }: Stage) => people[0] ?? "";

const endingEvents: DeliveryEvent[] = [
  [
    "a ban",
    "BANNED",
    (tx, { brandId, emails }) => ban(tx, { scope: brandId, email: emails[0] ?? "", source: "MANUAL" }),
  ],
  [
    "a ban by phone and e-mail of the platform",
    "BANNED",
    (tx, { emails }) => ban(tx, { scope: "platform", email: emails[0] ?? "", phone: "+12025550199", source: "MANUAL" }),
  ],
  ["a reply", "REPLIED", (tx, stage) => world.answer(tx, stage, "Let us talk")],
  ["an opt-out", "UNSUBSCRIBED", (tx, stage) => world.answer(tx, stage, "STOP")],
  [
    "set-mode MANUAL",
    "MANUAL_MODE",
    async (tx, { campaignId }) => {
      const [conversation] = await world.conversationsOf(campaignId);
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
  async function runWithEvent(work: DeliveryEvent[2]): Promise<Stage> {
    const stage = await world.launched({ people: 1 });
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
    expect(await balanceOf(world.store.read, brandId)).toMatchObject({ creditAvailable: 100, totalReserved: 0 });
    await world.pass(3 * DAY);
    expect(world.channel.sent).toHaveLength(0);
  });

  test("a pause of the campaign keeps the message PENDING until resume", async () => {
    const stage = await runWithEvent(async (tx, stage) => pause(tx, await campaignFor(tx, stage), null));
    expect(await statuses(stage.campaignId)).toEqual([[0, "PENDING", "CAMPAIGN_PAUSED"]]);
    await world.pass(DAY);
    await world.store.write(async (tx) => resume(tx, await campaignFor(tx, stage)));
    await world.run();
    expect((await world.messagesOf(stage.campaignId))[0]).toMatchObject({ status: "SENT", attempts: 1 });
  });

  test("a pause of the contact keeps the message PENDING until resume", async () => {
    const stage = await runWithEvent(async (tx, stage) => pauseMember(tx, await campaignFor(tx, stage), first(stage)));
    expect(await statuses(stage.campaignId)).toEqual([[0, "PENDING", "CONTACT_PAUSED"]]);
    await world.store.write(async (tx) => resumeMember(tx, await campaignFor(tx, stage), first(stage)));
    await world.run();
    expect((await world.messagesOf(stage.campaignId))[0]).toMatchObject({ status: "SENT", attempts: 1 });
  });
});

describe("event while the provider has the message", () => {
  test.each(endingEvents)(
    "%s does not change the sent message, but cancels the later messages",
    async (_, __, work) => {
      const stage = await world.launched({ people: 1 });
      const answer = world.channel.holdNext();
      await world.engine.runDue();
      await world.store.write((tx) => work(tx, stage));
      answer(ACCEPTED);
      await world.run();
      await world.pass(3 * DAY);
      const [opening, ...others] = await statuses(stage.campaignId);
      expect(opening).toEqual([0, "SENT", null]);
      // A ban does not change conversations: the next message is scheduled, and the gate cancels it.
      expect(others.filter(([, status]) => status !== "CANCELLED")).toEqual([]);
      expect(world.channel.sent).toHaveLength(1);
    },
  );

  test.each(endingEvents)("%s cancels the message when the provider deferred it", async (_, errorMessage, work) => {
    const stage = await world.launched({ people: 1 });
    const answer = world.channel.holdNext();
    await world.engine.runDue();
    await world.store.write((tx) => work(tx, stage));
    answer(LATER);
    await world.run();
    await world.pass(DAY);
    expect(await statuses(stage.campaignId)).toEqual([[0, "CANCELLED", errorMessage]]);
    expect(await balanceOf(world.store.read, stage.brandId)).toMatchObject({ creditAvailable: 100 });
    expect(world.channel.sent).toHaveLength(1);
  });
});
