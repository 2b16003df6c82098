import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { conversations } from "../../../src/db/schema/conversations.ts";
import { emailAccounts } from "../../../src/db/schema/senders.ts";
import { DAY, HOUR } from "../../../src/lib/clock.ts";
import type { CampaignFixture } from "../../support/campaign-fixture.ts";
import { getFirstMailboxId, listBrandMailboxIds, mailboxAssigner } from "../../support/mailboxes.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";
import { LATER } from "../../support/scripted-channel.ts";

setDefaultTimeout(20_000);

let world: OutreachApp;
let assign: ReturnType<typeof mailboxAssigner>;
beforeAll(async () => {
  world = await startOutreachApp();
});
// Sign in again for each test: days pass in these tests, so sessions expire.
beforeEach(async () => {
  assign = mailboxAssigner(await world.admin());
});
afterEach(async () => {
  await world.cancelAllCampaigns();
  expect(await world.listDrifts()).toEqual([]);
});
afterAll(() => world.close());

const idsOf = (stage: CampaignFixture) => listBrandMailboxIds(world, stage);
const firstOf = (stage: CampaignFixture) => getFirstMailboxId(world, stage);
const addSenders = ({ request, campaignId }: CampaignFixture, emailAccountIds: string[]) =>
  request("PUT", `/api/campaigns/${campaignId}/senders`, { emailAccountIds });
const shown = async ({ campaignId }: CampaignFixture) =>
  (await world.listMessages(campaignId)).map(({ status, errorMessage }) => [status, errorMessage]);

describe("messages of a mailbox assigned to another brand", () => {
  test("are spread evenly over the other mailboxes of the brand, with their follow-ups", async () => {
    const [from, to] = [await world.createLaunched({ mailboxes: 3, people: 30 }), await world.createDraft()];
    const id = await firstOf(from);
    await world.run();
    expect(world.channel.sent.filter(({ sender }) => sender.id === id)).toHaveLength(10);
    await assign(id, to);
    const followUps = (await world.listMessages(from.campaignId)).filter(({ stage }) => stage === 1);
    const counts = [...Map.groupBy(followUps, (row) => row.senderId)].map(([, { length }]) => length);
    expect(counts).toEqual([15, 15]);
    const pinned = await world.listConversations(from.campaignId);
    const senderOf = new Map(pinned.map((row) => [row.id, row.senderId]));
    for (const { conversationId, senderId } of followUps) expect(senderOf.get(conversationId)).toBe(senderId);
    await world.advanceClock(2 * DAY);
    expect(world.channel.sent).toHaveLength(60);
    expect(world.channel.sent.slice(30).filter(({ sender }) => sender.id === id)).toEqual([]);
  });

  test("are not assigned to inactive mailboxes", async () => {
    const [from, to] = [await world.createLaunched({ mailboxes: 3, people: 9 }), await world.createDraft()];
    const [gone, off, left] = await idsOf(from);
    await world.store.write((tx) =>
      tx
        .update(emailAccounts)
        .set({ isActive: false })
        .where(eq(emailAccounts.id, off ?? "")),
    );
    await assign(gone ?? "", to);
    const senders = (await world.listMessages(from.campaignId)).map(({ senderId }) => senderId);
    expect(senders.filter((id) => id === gone)).toEqual([]);
    expect(senders.filter((id) => id === left)).toHaveLength(6);
  });

  test("wait with SENDER_REASSIGNED when the campaign has no other mailbox, until one is added", async () => {
    const [from, to] = [await world.createLaunched({ people: 3 }), await world.createDraft()];
    await assign(await firstOf(from), to);
    expect(await shown(from)).toEqual(Array(3).fill(["PENDING", "SENDER_REASSIGNED"]));
    await world.advanceClock(DAY);
    expect(world.channel.sent).toEqual([]);
    const other = await world.createDraft();
    const id = await firstOf(other);
    await assign(id, from);
    await world.advanceClock(HOUR);
    expect(world.channel.sent).toEqual([]);
    expect((await addSenders(from, [id])).status).toBe(200);
    await world.run();
    expect(world.channel.sent.map(({ sender }) => sender.id)).toEqual([id, id, id]);
  });

  test("are sent when the mailbox is assigned back", async () => {
    const [from, to] = [await world.createLaunched({ people: 3 }), await world.createDraft()];
    const id = await firstOf(from);
    await assign(id, to);
    await world.advanceClock(DAY);
    await assign(id, from);
    await world.run();
    expect(world.channel.sent).toHaveLength(3);
    await world.advanceClock(2 * DAY);
    expect(world.channel.sent).toHaveLength(6);
  });

  test("keep their scheduled times through both assignments", async () => {
    const [from, to] = [await world.createLaunched({ mailboxes: 2, people: 2 }), await world.createDraft()];
    await world.run();
    const planned = (await world.listMessages(from.campaignId)).map(({ runAt }) => runAt);
    const [one, two] = await idsOf(from);
    await assign(one ?? "", to);
    await assign(two ?? "", to);
    expect((await world.listMessages(from.campaignId)).map(({ runAt }) => runAt)).toEqual(planned);
    await assign(two ?? "", from);
    expect((await world.listMessages(from.campaignId)).map(({ runAt }) => runAt)).toEqual(planned);
    expect(await shown(from)).toEqual([...Array(2).fill(["SENT", null]), ...Array(2).fill(["PENDING", null])]);
    await world.advanceClock(2 * DAY);
    expect(world.channel.sent.slice(2).map(({ sender }) => sender.id)).toEqual([two ?? "", two ?? ""]);
  });

  test("a message being sent completes, and its follow-up is sent through another mailbox", async () => {
    const [from, to] = [await world.createLaunched({ mailboxes: 2, people: 1 }), await world.createDraft()];
    const answer = world.channel.suspendNext();
    await world.engine.runDue();
    const id = world.channel.sent[0]?.sender.id ?? "";
    await assign(id, to);
    expect(await shown(from)).toEqual([["SENDING", null]]);
    answer({ kind: "accepted", providerId: null });
    await world.run();
    await world.advanceClock(3 * DAY);
    expect(world.channel.sent).toHaveLength(2);
    expect(world.channel.sent[1]?.sender.id).not.toBe(id);
    const [conversation] = await world.store.read
      .select()
      .from(conversations)
      .where(eq(conversations.campaignId, from.campaignId));
    expect(conversation?.senderId).toBe(world.channel.sent[1]?.sender.id ?? "");
  });

  test("a deferred message is retried through another mailbox with the same message key", async () => {
    await world.createLaunched({ mailboxes: 2, people: 1, delays: [0] });
    const to = await world.createDraft();
    const answer = world.channel.suspendNext();
    await world.engine.runDue();
    const id = world.channel.sent[0]?.sender.id ?? "";
    await assign(id, to);
    answer(LATER);
    await world.run();
    await world.advanceClock(DAY);
    expect(world.channel.sent).toHaveLength(2);
    expect(world.channel.sent[1]?.sender.id).not.toBe(id);
    expect(world.channel.sent[1]?.messageKey).toBe(world.channel.sent[0]?.messageKey ?? "");
  });

  test("a claimed message is released when the assignment happens before sending begins", async () => {
    const [from, to] = [await world.createLaunched({ people: 1, delays: [0] }), await world.createDraft()];
    const id = await firstOf(from);
    let commits = 0;
    await world.run(
      world.newEngine(async () => {
        if (commits++ === 0) await assign(id, to);
      }),
    );
    expect(world.channel.sent).toEqual([]);
    expect(await shown(from)).toEqual([["PENDING", "SENDER_REASSIGNED"]]);
    await assign(id, from);
    await world.run();
    expect((await world.listMessages(from.campaignId))[0]).toMatchObject({ status: "SENT", attempts: 1 });
  });

  test("are sent after the mailbox is deleted by the other brand", async () => {
    const [from, to] = [await world.createLaunched({ mailboxes: 2, people: 4 }), await world.createDraft()];
    const id = await firstOf(from);
    await world.run();
    await assign(id, to);
    expect((await to.request("DELETE", `/api/email-accounts/${id}`)).status).toBe(200);
    await world.advanceClock(3 * DAY);
    expect(world.channel.sent).toHaveLength(8);
  });
});

test("campaign without a mailbox: messages of new members wait until it has one again", async () => {
  const [from, to] = [await world.createLaunched({ people: 1, delays: [0] }), await world.createDraft()];
  const id = await firstOf(from);
  await assign(id, to);
  await world.addMember(from, "late@people.example");
  await world.advanceClock(HOUR);
  expect((await shown(from)).map(([status]) => status)).toEqual(["PENDING", "PENDING"]);
  await assign(id, from);
  await world.run();
  expect(world.channel.sent).toHaveLength(2);
});

test("mailbox without a brand: sends nothing, not even a claimed message", async () => {
  const stage = await world.createLaunched({ people: 1, delays: [0] });
  const id = await firstOf(stage);
  const set = (brandId: string | null) =>
    world.store.write((tx) => tx.update(emailAccounts).set({ brandId }).where(eq(emailAccounts.id, id)));
  let commits = 0;
  await world.run(
    world.newEngine(async () => {
      if (commits++ === 0) await set(null);
    }),
  );
  expect(world.channel.sent).toEqual([]);
  expect(await shown(stage)).toEqual([["PENDING", "SENDER_REASSIGNED"]]);
  await assign(id, stage);
  await world.run();
  expect(await shown(stage)).toEqual([["SENT", null]]);
});

test("inactive mailbox: its messages wait with SENDER_INACTIVE and are sent when it is active again", async () => {
  const stage = await world.createLaunched({ people: 1, delays: [0] });
  const path = `/api/email-accounts/${await firstOf(stage)}`;
  await stage.request("PATCH", path, { isActive: false });
  await world.run();
  expect(await shown(stage)).toEqual([["PENDING", "SENDER_INACTIVE"]]);
  await stage.request("PATCH", path, { isActive: true });
  await world.run();
  expect(await shown(stage)).toEqual([["SENT", null]]);
});
