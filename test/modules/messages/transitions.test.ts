import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { conversations } from "../../../src/db/schema/conversations.ts";
import type { ConversationStatus } from "../../../src/modules/conversations/status.ts";
import { getBalance } from "../../../src/modules/credits/balance.ts";
import { getCounts } from "../../../src/modules/messages/counts.ts";
import type { MessageStatus } from "../../../src/modules/messages/model.ts";
import { reschedule } from "../../../src/modules/messages/reschedule.ts";
import { findTallyMismatches } from "../../../src/modules/messages/tally-mismatches.ts";
import { type Change, TRANSITIONS, transition } from "../../../src/modules/messages/transitions.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";

setDefaultTimeout(60_000);

let world: OutreachApp;
beforeAll(async () => {
  world = await startOutreachApp();
});
afterEach(async () => {
  await world.cancelAllCampaigns();
  expect(await world.listDrifts()).toEqual([]);
  expect(await findTallyMismatches(world.store.read)).toEqual([]);
});
afterAll(() => world.close());

type Name = keyof typeof TRANSITIONS;

/** Two pending messages of a launched campaign, with a function that makes one of them take transitions in order. */
async function launched() {
  const { campaignId, brandId } = await world.createLaunched({ people: 2 });
  const [first, second] = await world.listMessages(campaignId);
  if (!first || !second) throw new Error("the campaign has no messages");
  const take = async (...path: [Name, MessageStatus, Partial<Change>?][]) => {
    for (const [name, to, more] of path) {
      const values = { claim: "c", fence: 1, runAt: world.clock.now(), attempts: 1, messageKey: "<k@x>", text: "t" };
      const change = { id: first.id, to, reason: "TEST", ...values, ...more };
      const moved = await world.store.write((tx) => transition(tx, name, [change]));
      expect(moved.map((row) => row.to)).toEqual([to]);
    }
  };
  return {
    brandId,
    first,
    second,
    take,
    async state() {
      const [message, other] = await world.listMessages(campaignId);
      const [conversation] = await world.store.read
        .select()
        .from(conversations)
        .where(eq(conversations.id, first.conversationId));
      const { totalReserved, totalUsed, creditAvailable } = await getBalance(world.store.read, brandId);
      const counts = await getCounts(world.store.read, campaignId);
      return {
        status: message?.status,
        other: other?.status,
        conversation: conversation?.status,
        credits: { totalReserved, totalUsed, creditAvailable },
        counts: Object.fromEntries(
          counts.filter(({ count }) => count !== 0).map(({ status, count }) => [status, count]),
        ),
      };
    },
  };
}

const HELD = { totalReserved: 2, totalUsed: 0, creditAvailable: 98 };
const USED = { totalReserved: 1, totalUsed: 1, creditAvailable: 98 };
const RELEASED = { totalReserved: 1, totalUsed: 0, creditAvailable: 99 };

const CLAIM = ["claim", "SENDING"] as const;
const RESCUE = ["rescue", "UNKNOWN"] as const;

const cases: [
  title: string,
  path: [Name, MessageStatus, Partial<Change>?][],
  credits: typeof HELD,
  conversation: ConversationStatus,
][] = [
  ["claim: the message is SENDING and its hold stays", [[...CLAIM]], HELD, "QUEUED"],
  ["settle as SENT: the hold is used", [[...CLAIM], ["settle", "SENT"]], USED, "QUEUED"],
  [
    "settle as FAILED: the hold is released, the conversation FAILED",
    [[...CLAIM], ["settle", "FAILED"]],
    RELEASED,
    "FAILED",
  ],
  [
    "settle as FAILED for a bad address: the conversation is BOUNCED",
    [[...CLAIM], ["settle", "FAILED", { conversation: "BOUNCED" }]],
    RELEASED,
    "BOUNCED",
  ],
  ["settle as CANCELLED: the hold is released", [[...CLAIM], ["settle", "CANCELLED"]], RELEASED, "QUEUED"],
  ["settle as PENDING: the hold stays", [[...CLAIM], ["settle", "PENDING"]], HELD, "QUEUED"],
  ["settle as UNKNOWN: the hold stays", [[...CLAIM], ["settle", "UNKNOWN"]], HELD, "QUEUED"],
  ["decide CANCELLED: the hold is released", [["decide", "CANCELLED"]], RELEASED, "QUEUED"],
  ["decide FAILED: the hold is released, the conversation FAILED", [["decide", "FAILED"]], RELEASED, "FAILED"],
  ["cancel: the hold is released", [["cancel", "CANCELLED"]], RELEASED, "QUEUED"],
  ["rescue: the message is UNKNOWN and its hold stays", [[...CLAIM], [...RESCUE]], HELD, "QUEUED"],
  ["settle after a rescue: the outcome counts", [[...CLAIM], [...RESCUE], ["settle", "SENT"]], USED, "QUEUED"],
  [
    "expire: the hold is released, the conversation FAILED",
    [[...CLAIM], [...RESCUE], ["expire", "FAILED"]],
    RELEASED,
    "FAILED",
  ],
  ["resolve as SENT: the hold is used", [[...CLAIM], [...RESCUE], ["resolve", "SENT"]], USED, "QUEUED"],
  ["resolve as PENDING: the hold stays", [[...CLAIM], [...RESCUE], ["resolve", "PENDING"]], HELD, "QUEUED"],
];

describe("transition", () => {
  test.each(cases)("%s", async (_title, path, credits, conversation) => {
    const { take, state } = await launched();
    await take(...path);
    const to = path.at(-1)?.[1] ?? "PENDING";
    expect(await state()).toEqual({
      status: to,
      other: "PENDING",
      conversation,
      credits,
      counts: to === "PENDING" ? { PENDING: 2 } : { PENDING: 1, [to]: 1 },
    });
  });

  test("every transition: a message in a status it does not start from is left alone", async () => {
    const { take, first, state } = await launched();
    await take([...CLAIM], ["settle", "SENT"]);
    const before = await state();
    for (const [name, { to }] of Object.entries(TRANSITIONS) as [Name, { to: readonly MessageStatus[] }][]) {
      for (const status of to) {
        const change = { id: first.id, to: status, reason: "TEST", claim: "c", fence: 1, runAt: 0, attempts: 1 };
        expect(await world.store.write((tx) => transition(tx, name, [change]))).toEqual([]);
      }
    }
    expect(await state()).toEqual(before);
  });

  test("a status that a transition does not lead to: refused, nothing changes", async () => {
    const { first, state } = await launched();
    const before = await state();
    const change = { id: first.id, to: "SENT" as const, reason: null };
    await expect(world.store.write((tx) => transition(tx, "cancel", [change]))).rejects.toThrow(RangeError);
    expect(await state()).toEqual(before);
  });

  test("settle with the claim of another transaction: the message is left alone", async () => {
    const { take, first, state } = await launched();
    await take([...CLAIM]);
    const before = await state();
    const change = {
      id: first.id,
      to: "SENT" as const,
      reason: null,
      claim: "another",
      fence: 1,
      runAt: 0,
      attempts: 1,
    };
    expect(await world.store.write((tx) => transition(tx, "settle", [change]))).toEqual([]);
    expect(await state()).toEqual(before);
  });

  test("a batch: each message gets its own status, in one call", async () => {
    const { first, second, state } = await launched();
    const changes = [
      { id: first.id, to: "CANCELLED" as const, reason: "BANNED", conversation: "OPTED_OUT" as const },
      { id: second.id, to: "FAILED" as const, reason: "NO_ADDRESS" },
    ];
    const moved = await world.store.write((tx) => transition(tx, "decide", changes));
    expect(new Map(moved.map(({ id, from, to }) => [id, [from, to]]))).toEqual(
      new Map([
        [first.id, ["PENDING", "CANCELLED"]],
        [second.id, ["PENDING", "FAILED"]],
      ]),
    );
    expect(await state()).toEqual({
      status: "CANCELLED",
      other: "FAILED",
      conversation: "OPTED_OUT",
      credits: { totalReserved: 0, totalUsed: 0, creditAvailable: 100 },
      counts: { CANCELLED: 1, FAILED: 1 },
    });
  });
});

describe("reschedule", () => {
  test("a message that is being sent: left alone", async () => {
    const { take, first, second } = await launched();
    await take([...CLAIM]);
    const runAt = world.clock.now() + 1000;
    const changes = [first, second].map(({ id }) => ({ id, runAt, reason: "TEST" }));
    expect(await world.store.write((tx) => reschedule(tx, "postpone", changes))).toEqual(new Set([second.id]));
  });
});
