import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { DAY, HOUR } from "../src/clock.ts";
import { emailAccounts } from "../src/db/schema/brands.ts";
import { conversations } from "../src/db/schema/campaigns.ts";
import { sendNonsense } from "./support/hostile.ts";
import { type Outreach, startOutreach } from "./support/outreach.ts";
import { LATER } from "./support/scriptedChannel.ts";
import type { Stage } from "./support/stage.ts";

setDefaultTimeout(20_000);

const ONE = "/api/auth/admin/assign-email-account";
const MANY = "/api/auth/admin/bulk-assign-email-accounts";
const NOWHERE = "019a8a3e-5a00-7000-8000-000000000001";

interface Answer {
  success: boolean;
  message: string;
  previousBrandName: string | null;
  assignedCount: number;
  reassignedAccounts: { email: string; previousBrandName: string }[];
  unknownIds: string[];
}

let world: Outreach;
let admin: Stage["request"];
beforeAll(async () => {
  world = await startOutreach();
});
// Anew each time: days pass in these tests, and sessions end.
beforeEach(async () => {
  admin = await world.admin();
});
afterEach(async () => {
  await world.clear();
  expect(await world.drifts()).toEqual([]);
});
afterAll(() => world.close());

const boxesOf = ({ brandId }: Stage) =>
  world.store.read.select().from(emailAccounts).where(eq(emailAccounts.brandId, brandId)).orderBy(emailAccounts.id);
const idsOf = async (stage: Stage) => (await boxesOf(stage)).map(({ id }) => id);
async function firstOf(stage: Stage): Promise<string> {
  const [id] = await idsOf(stage);
  if (id === undefined) throw new Error("no mailbox");
  return id;
}
async function move(accountId: string, { brandId }: { brandId: string }): Promise<Answer> {
  const answer = await admin<Answer>("POST", ONE, { accountId, brandId });
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.body;
}
async function nameOf({ request, brandId }: Stage): Promise<string> {
  return (await request<{ brand: { name: string } }>("GET", `/api/brands/${brandId}`)).body.brand.name;
}
const addSenders = ({ request, campaignId }: Stage, emailAccountIds: string[]) =>
  request("PUT", `/api/campaigns/${campaignId}/senders`, { emailAccountIds });
const shown = async ({ campaignId }: Stage) =>
  (await world.messagesOf(campaignId)).map(({ status, errorMessage }) => [status, errorMessage]);

describe("one mailbox", () => {
  test("moves, and says which brand lost it", async () => {
    const [from, to] = [await world.stage(), await world.stage()];
    const id = await firstOf(from);
    expect(await move(id, to)).toMatchObject({ success: true, previousBrandName: await nameOf(from) });
    // There already: a success that changes nothing.
    expect(await move(id, to)).toMatchObject({ success: true, previousBrandName: null });
    await world.store.write((tx) => tx.update(emailAccounts).set({ brandId: null }).where(eq(emailAccounts.id, id)));
    expect(await move(id, to)).toMatchObject({ success: true, previousBrandName: null });
    expect(await idsOf(to)).toContain(id);
    expect((await to.request("GET", `/api/email-accounts/${id}`)).status).toBe(200);
    expect((await from.request("GET", `/api/email-accounts/${id}`)).status).toBe(404);
  });

  test("is found, and so is its brand", async () => {
    const stage = await world.stage();
    const id = await firstOf(stage);
    expect((await admin("POST", ONE, { accountId: NOWHERE, brandId: stage.brandId })).status).toBe(404);
    expect((await admin("POST", ONE, { accountId: id, brandId: NOWHERE })).status).toBe(404);
    expect((await stage.request("POST", ONE, { accountId: id, brandId: stage.brandId })).status).toBe(403);
    await sendNonsense({ ...stage, request: admin }, "POST", ONE, { accountId: NOWHERE, brandId: stage.brandId });
    await sendNonsense({ ...stage, request: admin }, "POST", MANY, { accountIds: [NOWHERE], brandId: stage.brandId });
  });

  test("moves once under one Idempotency-Key", async () => {
    const [from, to] = [await world.stage(), await world.stage()];
    const order = { accountId: await firstOf(from), brandId: to.brandId };
    const first = await admin<Answer>("POST", ONE, order, { "idempotency-key": "move" });
    const again = await admin<Answer>("POST", ONE, order, { "idempotency-key": "move" });
    expect(again.text).toBe(first.text);
    expect(first.body.previousBrandName).toBe(await nameOf(from));
  });
});

describe("many mailboxes", () => {
  test("move together: those that came, and those that were taken", async () => {
    const [from, to] = [await world.stage({ mailboxes: 3 }), await world.stage()];
    const [taken, free, already] = [await idsOf(from), await firstOf(from), await firstOf(to)];
    await world.store.write((tx) => tx.update(emailAccounts).set({ brandId: null }).where(eq(emailAccounts.id, free)));
    const order = { accountIds: [...taken, ...taken, already], brandId: to.brandId };
    const { status, body } = await admin<Answer>("POST", MANY, order);
    expect(status).toBe(200);
    expect(body.assignedCount).toBe(3);
    expect(body.reassignedAccounts).toHaveLength(2);
    for (const account of body.reassignedAccounts) expect(account.previousBrandName).toBe(await nameOf(from));
    expect(await idsOf(to)).toHaveLength(4);
    const none = await admin<Answer>("POST", MANY, { accountIds: [], brandId: to.brandId });
    expect(none.body).toMatchObject({ success: true, assignedCount: 0, reassignedAccounts: [] });
  });

  test("stay where they are when one is unknown", async () => {
    const [from, to] = [await world.stage({ mailboxes: 2 }), await world.stage()];
    const order = { accountIds: [...(await idsOf(from)), NOWHERE, "gone"], brandId: to.brandId };
    const { status, body } = await admin<Answer>("POST", MANY, order);
    expect(status).toBe(404);
    expect(body.unknownIds.sort()).toEqual([NOWHERE, "gone"]);
    expect(await idsOf(from)).toHaveLength(2);
    const many = { accountIds: Array.from({ length: 1001 }, (_, n) => `box${n}`), brandId: to.brandId };
    expect((await admin("POST", MANY, many)).status).toBe(422);
  });
});

describe("what was to leave through a mailbox that moves", () => {
  test("leaves through the others of its brand, dealt out evenly, and so does what follows", async () => {
    const [from, to] = [await world.launched({ mailboxes: 3, people: 30 }), await world.stage()];
    const id = await firstOf(from);
    await world.run();
    expect(world.channel.sent.filter(({ sender }) => sender.id === id)).toHaveLength(10);
    await move(id, to);
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

  test("passes over mailboxes that are switched off", async () => {
    const [from, to] = [await world.launched({ mailboxes: 3, people: 9 }), await world.stage()];
    const [gone, off, left] = await idsOf(from);
    await world.store.write((tx) =>
      tx
        .update(emailAccounts)
        .set({ isActive: false })
        .where(eq(emailAccounts.id, off ?? "")),
    );
    await move(gone ?? "", to);
    const senders = (await world.messagesOf(from.campaignId)).map(({ senderId }) => senderId);
    expect(senders.filter((id) => id === gone)).toEqual([]);
    expect(senders.filter((id) => id === left)).toHaveLength(6);
  });

  test("waits where there is no other, until the campaign is given one", async () => {
    const [from, to] = [await world.launched({ people: 3 }), await world.stage()];
    await move(await firstOf(from), to);
    expect(await shown(from)).toEqual(Array(3).fill(["PENDING", "SENDER_REASSIGNED"]));
    await world.pass(DAY);
    expect(world.channel.sent).toEqual([]);
    const other = await world.stage();
    const id = await firstOf(other);
    await move(id, from);
    await world.pass(HOUR);
    expect(world.channel.sent).toEqual([]);
    expect((await addSenders(from, [id])).status).toBe(200);
    await world.run();
    expect(world.channel.sent.map(({ sender }) => sender.id)).toEqual([id, id, id]);
  });

  test("waits until the mailbox comes back", async () => {
    const [from, to] = [await world.launched({ people: 3 }), await world.stage()];
    const id = await firstOf(from);
    await move(id, to);
    await world.pass(DAY);
    await move(id, from);
    await world.run();
    expect(world.channel.sent).toHaveLength(3);
    await world.pass(2 * DAY);
    expect(world.channel.sent).toHaveLength(6);
  });

  test("stays planned for when it was planned, and parked where it was parked", async () => {
    const [from, to] = [await world.launched({ mailboxes: 2, people: 2 }), await world.stage()];
    await world.run();
    const planned = (await world.messagesOf(from.campaignId)).map(({ runAt }) => runAt);
    const [one, two] = await idsOf(from);
    await move(one ?? "", to);
    await move(two ?? "", to);
    expect((await world.messagesOf(from.campaignId)).map(({ runAt }) => runAt)).toEqual(planned);
    await move(two ?? "", from);
    expect((await world.messagesOf(from.campaignId)).map(({ runAt }) => runAt)).toEqual(planned);
    expect(await shown(from)).toEqual([...Array(2).fill(["SENT", null]), ...Array(2).fill(["PENDING", null])]);
    await world.pass(2 * DAY);
    expect(world.channel.sent.slice(2).map(({ sender }) => sender.id)).toEqual([two ?? "", two ?? ""]);
  });

  test("finishes what is on its way; what follows leaves through another", async () => {
    const [from, to] = [await world.launched({ mailboxes: 2, people: 1 }), await world.stage()];
    const answer = world.channel.holdNext();
    await world.engine.runDue();
    const id = world.channel.sent[0]?.sender.id ?? "";
    await move(id, to);
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

  test("that did not leave is tried again through another", async () => {
    await world.launched({ mailboxes: 2, people: 1, delays: [0] });
    const to = await world.stage();
    const answer = world.channel.holdNext();
    await world.engine.runDue();
    const id = world.channel.sent[0]?.sender.id ?? "";
    await move(id, to);
    answer(LATER);
    await world.run();
    await world.pass(DAY);
    expect(world.channel.sent).toHaveLength(2);
    expect(world.channel.sent[1]?.sender.id).not.toBe(id);
    expect(world.channel.sent[1]?.messageKey).toBe(world.channel.sent[0]?.messageKey ?? "");
  });

  test("is put back between the claim and the first byte", async () => {
    const [from, to] = [await world.launched({ people: 1, delays: [0] }), await world.stage()];
    const id = await firstOf(from);
    let commits = 0;
    await world.run(
      world.newEngine(async () => {
        if (commits++ === 0) await move(id, to);
      }),
    );
    expect(world.channel.sent).toEqual([]);
    expect(await shown(from)).toEqual([["PENDING", "SENDER_REASSIGNED"]]);
    await move(id, from);
    await world.run();
    expect((await world.messagesOf(from.campaignId))[0]).toMatchObject({ status: "SENT", attempts: 1 });
  });

  test("does not break when the mailbox is removed afterwards", async () => {
    const [from, to] = [await world.launched({ mailboxes: 2, people: 4 }), await world.stage()];
    const id = await firstOf(from);
    await world.run();
    await move(id, to);
    expect((await to.request("DELETE", `/api/email-accounts/${id}`)).status).toBe(200);
    await world.pass(3 * DAY);
    expect(world.channel.sent).toHaveLength(8);
  });
});

test("newcomers of a campaign that lost its mailbox wait for the next one", async () => {
  const [from, to] = [await world.launched({ people: 1, delays: [0] }), await world.stage()];
  const id = await firstOf(from);
  await move(id, to);
  await world.join(from, "late@people.example");
  await world.pass(HOUR);
  expect((await shown(from)).map(([status]) => status)).toEqual(["PENDING", "PENDING"]);
  await move(id, from);
  await world.run();
  expect(world.channel.sent).toHaveLength(2);
});
