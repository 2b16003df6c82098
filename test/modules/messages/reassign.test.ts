import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { DAY, HOUR } from "../src/clock.ts";
import { conversations } from "../src/db/schema/conversations.ts";
import { emailAccounts } from "../src/db/schema/senders.ts";
import { firstMailbox, mailboxIds, mover } from "./support/mailboxes.ts";
import { type Outreach, startOutreach } from "./support/outreach.ts";
import { LATER } from "./support/scriptedChannel.ts";
import type { Stage } from "./support/stage.ts";

setDefaultTimeout(20_000);

let world: Outreach;
let assign: ReturnType<typeof mover>;
beforeAll(async () => {
  world = await startOutreach();
});
// Sign in again for each test: days pass in these tests, so sessions expire.
beforeEach(async () => {
  assign = mover(await world.admin());
});
afterEach(async () => {
  await world.clear();
  expect(await world.drifts()).toEqual([]);
});
afterAll(() => world.close());

const idsOf = (stage: Stage) => mailboxIds(world, stage);
const firstOf = (stage: Stage) => firstMailbox(world, stage);
const addSenders = ({ request, campaignId }: Stage, emailAccountIds: string[]) =>
  request("PUT", `/api/campaigns/${campaignId}/senders`, { emailAccountIds });
const shown = async ({ campaignId }: Stage) =>
  (await world.messagesOf(campaignId)).map(({ status, errorMessage }) => [status, errorMessage]);

describe("messages of a mailbox assigned to another brand", () => {
  test("are spread evenly over the other mailboxes of the brand, with their follow-ups", async () => {
    const [from, to] = [await world.launched({ mailboxes: 3, people: 30 }), await world.stage()];
    const id = await firstOf(from);
    await world.run();
    expect(world.channel.sent.filter(({ sender }) => sender.id === id)).toHaveLength(10);
    await assign(id, to);
    const followUps = (await world.messagesOf(from.campaignId)).filter(({ stage }) => stage === 1);
    const counts = [...Map.groupBy(followUps, (row) => row.senderId)].map(([, { length }]) => length);
    expect(counts).toEqual([15, 15]);
    const pinned = await world.conversationsOf(from.campaignId);
    const senderOf = new Map(pinned.map((row) => [row.id, row.senderId]));
    for (const { conversationId, senderId } of followUps) expect(senderOf.get(conversationId)).toBe(senderId);
    await world.pass(2 * DAY);
    expect(world.channel.sent).toHaveLength(60);
    expect(world.channel.sent.slice(30).filter(({ sender }) => sender.id === id)).toEqual([]);
  });

  test("are not assigned to inactive mailboxes", async () => {
    const [from, to] = [await world.launched({ mailboxes: 3, people: 9 }), await world.stage()];
    const [gone, off, left] = await idsOf(from);
    await world.store.write((tx) =>
      tx
        .update(emailAccounts)
        .set({ isActive: false })
        .where(eq(emailAccounts.id, off ?? "")),
    );
    await assign(gone ?? "", to);
    const senders = (await world.messagesOf(from.campaignId)).map(({ senderId }) => senderId);
    expect(senders.filter((id) => id === gone)).toEqual([]);
    expect(senders.filter((id) => id === left)).toHaveLength(6);
  });

  test("wait with SENDER_REASSIGNED when the campaign has no other mailbox, until one is added", async () => {
    const [from, to] = [await world.launched({ people: 3 }), await world.stage()];
    await assign(await firstOf(from), to);
    expect(await shown(from)).toEqual(Array(3).fill(["PENDING", "SENDER_REASSIGNED"]));
    await world.pass(DAY);
    expect(world.channel.sent).toEqual([]);
    const other = await world.stage();
    const id = await firstOf(other);
    await assign(id, from);
    await world.pass(HOUR);
    expect(world.channel.sent).toEqual([]);
    expect((await addSenders(from, [id])).status).toBe(200);
    await world.run();
    expect(world.channel.sent.map(({ sender }) => sender.id)).toEqual([id, id, id]);
  });

  test("are sent when the mailbox is assigned back", async () => {
    const [from, to] = [await world.launched({ people: 3 }), await world.stage()];
    const id = await firstOf(from);
    await assign(id, to);
    await world.pass(DAY);
    await assign(id, from);
    await world.run();
    expect(world.channel.sent).toHaveLength(3);
    await world.pass(2 * DAY);
    expect(world.channel.sent).toHaveLength(6);
  });

  test("keep their scheduled times through both assignments", async () => {
    const [from, to] = [await world.launched({ mailboxes: 2, people: 2 }), await world.stage()];
    await world.run();
    const planned = (await world.messagesOf(from.campaignId)).map(({ runAt }) => runAt);
    const [one, two] = await idsOf(from);
    await assign(one ?? "", to);
    await assign(two ?? "", to);
    expect((await world.messagesOf(from.campaignId)).map(({ runAt }) => runAt)).toEqual(planned);
    await assign(two ?? "", from);
    expect((await world.messagesOf(from.campaignId)).map(({ runAt }) => runAt)).toEqual(planned);
    expect(await shown(from)).toEqual([...Array(2).fill(["SENT", null]), ...Array(2).fill(["PENDING", null])]);
    await world.pass(2 * DAY);
    expect(world.channel.sent.slice(2).map(({ sender }) => sender.id)).toEqual([two ?? "", two ?? ""]);
  });

  test("a message being sent completes, and its follow-up is sent through another mailbox", async () => {
    const [from, to] = [await world.launched({ mailboxes: 2, people: 1 }), await world.stage()];
    const answer = world.channel.holdNext();
    await world.engine.runDue();
    const id = world.channel.sent[0]?.sender.id ?? "";
    await assign(id, to);
    expect(await shown(from)).toEqual([["SENDING", null]]);
    answer({ kind: "accepted", providerId: null });
    await world.run();
    await world.pass(3 * DAY);
    expect(world.channel.sent).toHaveLength(2);
    expect(world.channel.sent[1]?.sender.id).not.toBe(id);
    const [conversation] = await world.store.read
      .select()
      .from(conversations)
      .where(eq(conversations.campaignId, from.campaignId));
    expect(conversation?.senderId).toBe(world.channel.sent[1]?.sender.id ?? "");
  });

  test("a deferred message is retried through another mailbox with the same message key", async () => {
    await world.launched({ mailboxes: 2, people: 1, delays: [0] });
    const to = await world.stage();
    const answer = world.channel.holdNext();
    await world.engine.runDue();
    const id = world.channel.sent[0]?.sender.id ?? "";
    await assign(id, to);
    answer(LATER);
    await world.run();
    await world.pass(DAY);
    expect(world.channel.sent).toHaveLength(2);
    expect(world.channel.sent[1]?.sender.id).not.toBe(id);
    expect(world.channel.sent[1]?.messageKey).toBe(world.channel.sent[0]?.messageKey ?? "");
  });

  test("a claimed message is released when the assignment happens before sending begins", async () => {
    const [from, to] = [await world.launched({ people: 1, delays: [0] }), await world.stage()];
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
    expect((await world.messagesOf(from.campaignId))[0]).toMatchObject({ status: "SENT", attempts: 1 });
  });

  test("are sent after the mailbox is deleted by the other brand", async () => {
    const [from, to] = [await world.launched({ mailboxes: 2, people: 4 }), await world.stage()];
    const id = await firstOf(from);
    await world.run();
    await assign(id, to);
    expect((await to.request("DELETE", `/api/email-accounts/${id}`)).status).toBe(200);
    await world.pass(3 * DAY);
    expect(world.channel.sent).toHaveLength(8);
  });
});

test("campaign without a mailbox: messages of new members wait until it has one again", async () => {
  const [from, to] = [await world.launched({ people: 1, delays: [0] }), await world.stage()];
  const id = await firstOf(from);
  await assign(id, to);
  await world.join(from, "late@people.example");
  await world.pass(HOUR);
  expect((await shown(from)).map(([status]) => status)).toEqual(["PENDING", "PENDING"]);
  await assign(id, from);
  await world.run();
  expect(world.channel.sent).toHaveLength(2);
});

test("mailbox without a brand: sends nothing, not even a claimed message", async () => {
  const stage = await world.launched({ people: 1, delays: [0] });
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
  const stage = await world.launched({ people: 1, delays: [0] });
  const path = `/api/email-accounts/${await firstOf(stage)}`;
  await stage.request("PATCH", path, { isActive: false });
  await world.run();
  expect(await shown(stage)).toEqual([["PENDING", "SENDER_INACTIVE"]]);
  await stage.request("PATCH", path, { isActive: true });
  await world.run();
  expect(await shown(stage)).toEqual([["SENT", null]]);
});
