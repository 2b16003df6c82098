import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { contacts } from "../../../src/db/schema/contacts.ts";
import { emailAccounts, senderDays } from "../../../src/db/schema/senders.ts";
import { DAY, HOUR, MINUTE, SECOND } from "../../../src/lib/clock.ts";
import { getBalance } from "../../../src/modules/credits/balance.ts";
import { MAX_ATTEMPTS } from "../../../src/modules/delivery/settler.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";
import { ACCEPTED, LATER, NO_SUCH_USER, REJECTED, SENDER_DOWN } from "../../support/scripted-channel.ts";

setDefaultTimeout(30_000);

let world: OutreachApp;
beforeAll(async () => {
  world = await startOutreachApp();
});
afterEach(async () => {
  await world.cancelAllCampaigns();
  expect(await world.listDrifts()).toEqual([]);
});
afterAll(() => world.close());

const balance = (brandId: string) => getBalance(world.store.read, brandId);
const statuses = async (campaignId: string) =>
  (await world.listMessages(campaignId)).map(({ stage, status, errorMessage }) => [stage, status, errorMessage]);
const mailboxOf = async (brandId: string) => {
  const [row] = await world.store.read.select().from(emailAccounts).where(eq(emailAccounts.brandId, brandId));
  return row;
};

describe("delivery of an accepted message", () => {
  test("the message is SENT, its credits are used, and the next stage is scheduled in the same thread", async () => {
    const { campaignId, brandId } = await world.createLaunched({ people: 1 });
    const start = world.clock.now();
    await world.run();
    const [opening, followUp] = await world.listMessages(campaignId);
    expect(opening).toMatchObject({ status: "SENT", providerId: "provider-1", processedAt: start, attempts: 1 });
    expect(followUp).toMatchObject({ stage: 1, status: "PENDING", scheduledTime: start + 2 * DAY });
    expect(await balance(brandId)).toMatchObject({ totalUsed: 1, totalReserved: 1, creditAvailable: 98 });
    expect(await world.listConversations(campaignId)).toMatchObject([{ status: "ACTIVE" }]);

    await world.advanceClock(2 * DAY);
    const [first, second] = world.channel.sent;
    expect(second).toMatchObject({ subject: "Re: Hello Name0", thread: [first?.messageKey], sender: first?.sender });
    expect(await statuses(campaignId)).toEqual([
      [0, "SENT", null],
      [1, "SENT", null],
    ]);
    expect(await world.listConversations(campaignId)).toMatchObject([{ status: "COMPLETED" }]);
    await world.advanceClock(MINUTE);
    expect(await world.getCampaign(campaignId)).toMatchObject({ status: "COMPLETED" });
    expect(world.channel.sent).toHaveLength(2);
  });

  test("the next stage of a contact that was paused meanwhile waits for resume-contact", async () => {
    const stage = await world.createLaunched({ people: 1 });
    const answer = world.channel.suspendNext();
    await world.engine.runDue();
    await stage.request("POST", `/api/campaigns/${stage.campaignId}/pause-contact`, { contactId: stage.people[0] });
    answer(ACCEPTED);
    await world.run();
    await world.advanceClock(3 * DAY);
    expect(await statuses(stage.campaignId)).toEqual([
      [0, "SENT", null],
      [1, "PENDING", "CONTACT_PAUSED"],
    ]);
    await stage.request("POST", `/api/campaigns/${stage.campaignId}/resume-contact`, { contactId: stage.people[0] });
    await world.run();
    expect(world.channel.sent).toHaveLength(2);
  });
});

describe("delivery of a rejected message", () => {
  test("the message is FAILED, its credits and its daily sending slot are returned, and its conversation is FAILED", async () => {
    const { campaignId, brandId } = await world.createLaunched({ people: 1 });
    world.channel.enqueue(REJECTED);
    await world.advanceClock(3 * DAY);
    expect(await statuses(campaignId)).toEqual([[0, "FAILED", REJECTED.reason]]);
    expect(await balance(brandId)).toMatchObject({ totalUsed: 0, totalReserved: 0, creditAvailable: 100 });
    expect(await world.listConversations(campaignId)).toMatchObject([{ status: "FAILED" }]);
    const mailbox = await mailboxOf(brandId);
    const days = await world.store.read
      .select()
      .from(senderDays)
      .where(eq(senderDays.senderId, mailbox?.id ?? ""));
    expect(days).toMatchObject([{ sends: 0 }]);
    expect(world.channel.sent).toHaveLength(1);
  });

  test("a rejection for an unknown address marks the contact as bounced for all campaigns", async () => {
    const { campaignId, people } = await world.createLaunched({ people: 1 });
    world.channel.enqueue(NO_SUCH_USER);
    await world.run();
    expect(await world.listConversations(campaignId)).toMatchObject([{ status: "BOUNCED" }]);
    const [contact] = await world.store.read
      .select()
      .from(contacts)
      .where(eq(contacts.id, people[0] ?? ""));
    expect(contact?.emailBouncedAt).toBe(world.clock.now());
  });
});

describe("delivery of a deferred message", () => {
  test("the same message is retried with growing delays and is FAILED after six attempts", async () => {
    const { campaignId, brandId } = await world.createLaunched({ people: 1 });
    world.channel.enqueue(...Array.from({ length: MAX_ATTEMPTS }, () => LATER));
    await world.run();
    for (let attempt = 1; attempt < MAX_ATTEMPTS; attempt++) {
      const [row] = await world.listMessages(campaignId);
      expect(row).toMatchObject({ status: "PENDING", attempts: attempt, errorMessage: "451 4.3.0 try again later" });
      const wait = (row?.runAt ?? 0) - world.clock.now();
      expect(wait).toBeGreaterThan(0);
      expect(wait).toBeLessThanOrEqual(15 * SECOND * 2 ** attempt);
      world.clock.advance(wait - 1);
      await world.run();
      expect(world.channel.sent).toHaveLength(attempt);
      world.clock.advance(1);
      await world.run();
      expect(world.channel.sent).toHaveLength(attempt + 1);
    }
    expect(await statuses(campaignId)).toEqual([[0, "FAILED", "451 4.3.0 try again later"]]);
    expect(await balance(brandId)).toMatchObject({ totalReserved: 0, creditAvailable: 100 });
    expect(new Set(world.channel.sent.map(({ messageKey }) => messageKey)).size).toBe(1);
    await world.advanceClock(3 * DAY);
    expect(world.channel.sent).toHaveLength(MAX_ATTEMPTS);
  });

  test("a failure of the sender pauses the mailbox and does not count as an attempt of the message", async () => {
    const { campaignId, brandId } = await world.createLaunched({ people: 3 });
    world.channel.enqueue(SENDER_DOWN, SENDER_DOWN, SENDER_DOWN);
    await world.run();
    expect(await world.listMessages(campaignId)).toMatchObject([{ attempts: 0 }, { attempts: 0 }, { attempts: 0 }]);
    const mailbox = await mailboxOf(brandId);
    expect(mailbox).toMatchObject({ connectionStatus: "ERROR", failures: 1 });
    const until = mailbox?.pausedUntil ?? 0;
    expect(until).toBeGreaterThan(world.clock.now());

    world.clock.set(until - 1);
    await world.run();
    expect(world.channel.sent).toHaveLength(3);
    await world.advanceClock(HOUR);
    expect(await mailboxOf(brandId)).toMatchObject({ connectionStatus: "CONNECTED", failures: 0, pausedUntil: null });
    expect((await world.listMessages(campaignId)).slice(0, 3)).toMatchObject([
      { status: "SENT", attempts: 1 },
      { status: "SENT", attempts: 1 },
      { status: "SENT", attempts: 1 },
    ]);
  });

  test("the message is not retried before the time that the provider names", async () => {
    await world.createLaunched({ people: 1 });
    world.channel.enqueue({ ...SENDER_DOWN, retryAfterMs: 90 * MINUTE });
    await world.run();
    world.clock.advance(90 * MINUTE - 1);
    await world.run();
    expect(world.channel.sent).toHaveLength(1);
    world.clock.advance(1);
    await world.run();
    expect(world.channel.sent).toHaveLength(2);
  });
});
