import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { contacts } from "../../../src/db/schema/contacts.ts";
import { bans } from "../../../src/db/schema/suppressions.ts";
import { DAY, MINUTE } from "../../../src/lib/clock.ts";
import { getBalance } from "../../../src/modules/credits/balance.ts";
import type { CampaignFixture } from "../../support/campaign-fixture.ts";
import { fuzzEndpoint } from "../../support/fuzz-body.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";

setDefaultTimeout(60_000);

const CONVERSATIONS_PATH = "/api/campaigns/conversations";

interface Answer {
  message: string;
  intent: string;
  cancelled: number;
  cancelledFollowUps: number;
  conversation: { id: string; mode: string; status: string; unread: boolean; sentimentScore: number | null };
  contact: { id: string };
  messages: { direction: string; text: string | null; status?: string; intent?: string; at: string }[];
}
interface Page {
  data: { id: string; contact: { id: string }; campaign: { id: string }; status: string }[];
  nextCursor: string | null;
}

let world: OutreachApp;
beforeAll(async () => {
  world = await startOutreachApp();
});
afterEach(async () => {
  await world.cancelAllCampaigns();
  expect(await world.listDrifts()).toEqual([]);
});
afterAll(() => world.close());

const idOfConversation = async ({ campaignId }: CampaignFixture, index = 0) =>
  (await world.listConversations(campaignId))[index]?.id ?? "";
const getConversation = (stage: CampaignFixture, id: string) =>
  stage.request<Answer>("GET", `${CONVERSATIONS_PATH}/${id}`);
const postAction = (stage: CampaignFixture, id: string, action: string, body?: unknown) =>
  stage.request<Answer>("POST", `${CONVERSATIONS_PATH}/${id}/${action}`, body);
const list = async (stage: CampaignFixture, query = "") =>
  (await stage.request<Page>("GET", `${CONVERSATIONS_PATH}?${query}`)).body;
const bansOf = ({ brandId }: CampaignFixture) => world.store.read.select().from(bans).where(eq(bans.scope, brandId));

/** Launches a campaign and sends its opening messages; follow-ups are pending. */
async function startConversation(people = 1): Promise<CampaignFixture & { id: string }> {
  const stage = await world.createLaunched({ people });
  await world.run();
  return { ...stage, id: await idOfConversation(stage) };
}

describe("/api/campaigns/conversations", () => {
  test("GET :id returns sent, received and pending messages in the order of time", async () => {
    const stage = await startConversation();
    world.clock.advance(MINUTE);
    await world.store.write((tx) =>
      world.recordReply(tx, stage, "I am away until Monday", { "auto-submitted": "auto-replied" }),
    );
    const { status, body } = await getConversation(stage, stage.id);
    expect(status).toBe(200);
    expect(body.contact.id).toBe(stage.people[0] ?? "");
    expect(body.messages).toMatchObject([
      { direction: "OUTBOUND", status: "SENT", stage: 0, subject: "Hello Name0" },
      { direction: "INBOUND", intent: "AUTO_REPLY", text: "I am away until Monday" },
      { direction: "OUTBOUND", status: "PENDING", stage: 1, text: null },
    ] as object[]);
    expect(body.messages[0]?.text).toStartWith("Stage 0 for Name0");
    expect(body.conversation).toMatchObject({ status: "ACTIVE", mode: "AUTO", unread: false });
  });

  test("other owners get 404 or 403 for a conversation, and an admin has access", async () => {
    const [stage, stranger] = [await startConversation(), await world.createDraft()];
    expect((await getConversation(stranger, stage.id)).status).toBe(404);
    const bodies = { "set-mode": { mode: "MANUAL" }, inbound: { channel: "EMAIL", text: "x" }, "mark-read": undefined };
    for (const [action, body] of Object.entries(bodies)) {
      expect((await postAction(stranger, stage.id, action, body)).status).toBe(404);
      expect((await postAction(stage, "nothing", action, body)).status).toBe(404);
    }
    expect((await list(stranger, `campaignId=${stage.campaignId}`)).data).toEqual([]);
    expect((await stranger.request("GET", `${CONVERSATIONS_PATH}?brandId=${stage.brandId}`)).status).toBe(403);
    const admin = await world.admin();
    expect((await admin("GET", `${CONVERSATIONS_PATH}/${stage.id}`)).status).toBe(200);
    const page = await admin<Page>("GET", `${CONVERSATIONS_PATH}?brandId=${stage.brandId}`);
    expect(page.body.data.map(({ id }) => id)).toEqual([stage.id]);
  });

  test("GET filters by campaign, mode, status and unread, sorts the newest first, and pages by cursor", async () => {
    const stage = await startConversation(5);
    const ids = (await world.listConversations(stage.campaignId)).map(({ id }) => id);
    await world.store.write((tx) => world.recordReply(tx, stage, "Tell me more"));
    await postAction(stage, ids[1] ?? "", "set-mode", { mode: "MANUAL" });
    const found = async (query: string) => (await list(stage, query)).data.map(({ id }) => id);
    expect(await found("")).toEqual(ids.toReversed());
    expect(await found("unread=true")).toEqual([ids[0] ?? ""]);
    expect(await found("unread=false&mode=AUTO")).toEqual(ids.slice(2).toReversed());
    expect(await found("mode=MANUAL")).toEqual([ids[1] ?? ""]);
    expect(await found("status=REPLIED")).toEqual([ids[0] ?? ""]);
    expect(await found("campaignId=nothing")).toEqual([]);

    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page: Page = await list(stage, `limit=2&cursor=${cursor}`);
      seen.push(...page.data.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect(seen).toEqual(ids.toReversed());
  });
});

describe("POST /api/campaigns/conversations/:id/set-mode", () => {
  test("MANUAL cancels pending messages and releases their credits", async () => {
    const stage = await startConversation();
    const { status, body } = await postAction(stage, stage.id, "set-mode", { mode: "MANUAL", reason: "I call them" });
    expect([status, body.cancelledFollowUps]).toEqual([200, 1]);
    const [, followUp] = await world.listMessages(stage.campaignId);
    expect(followUp).toMatchObject({
      status: "CANCELLED",
      errorMessage: "MANUAL_MODE",
      processedAt: world.clock.now(),
    });
    expect(await getBalance(world.store.read, stage.brandId)).toMatchObject({ totalReserved: 0, totalUsed: 1 });
    expect((await postAction(stage, stage.id, "set-mode", { mode: "MANUAL" })).body.cancelledFollowUps).toBe(0);
  });

  test("AUTO after MANUAL creates no new messages, and the response says so", async () => {
    const stage = await startConversation();
    await postAction(stage, stage.id, "set-mode", { mode: "MANUAL" });
    const { body } = await postAction(stage, stage.id, "set-mode", { mode: "AUTO" });
    expect(body).toMatchObject({
      cancelledFollowUps: 0,
      message: expect.stringContaining("cancelled messages stay cancelled"),
    });
    await world.advanceClock(3 * DAY);
    expect(world.channel.sent).toHaveLength(1);
    expect((await getConversation(stage, stage.id)).body.conversation.mode).toBe("AUTO");
  });
});

describe("POST /api/campaigns/conversations/:id/inbound", () => {
  const record = (stage: CampaignFixture & { id: string }, text: string, channel = "EMAIL") =>
    postAction(stage, stage.id, "inbound", { channel, text });

  test("a recorded reply cancels the follow-ups and marks the conversation as unread until mark-read", async () => {
    const stage = await startConversation(2);
    const { status, body } = await record(stage, "Call me tomorrow at ten");
    expect([status, body.intent, body.cancelled]).toEqual([200, "REPLY", 1]);
    const { conversation, messages } = (await getConversation(stage, stage.id)).body;
    expect(conversation).toMatchObject({ status: "REPLIED", unread: true });
    expect(messages.map(({ direction }) => direction)).toContain("INBOUND");
    expect((await postAction(stage, stage.id, "mark-read")).status).toBe(200);
    expect((await getConversation(stage, stage.id)).body.conversation.unread).toBe(false);
    await world.advanceClock(3 * DAY);
    expect(world.channel.recipients.slice(2)).toEqual([stage.emails[1] ?? ""]);
    // Record the same text again: this is another reply, not a duplicate.
    expect((await record(stage, "Call me tomorrow at ten")).status).toBe(200);
  });

  test("a recorded reply changes only the given conversation, not the contact's latest", async () => {
    const stage = await startConversation();
    const twin = await world.copyDraft(stage);
    await world.launch(twin);
    await world.run();
    await record(stage, "Yes please");
    expect(await world.listConversations(stage.campaignId)).toMatchObject([{ status: "REPLIED" }]);
    expect(await world.listConversations(twin.campaignId)).toMatchObject([{ status: "ACTIVE" }]);
  });

  test.each([
    ["STOP", "OPT_OUT", "OPT_OUT"],
    ["please take me off your list", "OPT_OUT", "OPT_OUT"],
    ["I hate you, you disgusting piece of garbage. Go to hell!", "HOSTILE", "HOSTILE"],
  ])("the recorded text %p bans the contact", async (text, intent, source) => {
    const stage = await startConversation();
    const { body } = await record(stage, text);
    expect([body.intent, body.cancelled]).toEqual([intent, 1]);
    expect(await bansOf(stage)).toMatchObject([{ source, email: stage.emails[0], messageGot: text }]);
    await world.advanceClock(3 * DAY);
    expect(world.channel.sent).toHaveLength(1);
  });

  test("answers 422 for a channel without an address of the contact or for a blank text", async () => {
    const stage = await startConversation();
    expect((await record(stage, "hello", "SMS")).status).toBe(422);
    for (const text of ["", "  \n "]) expect((await record(stage, text)).status).toBe(422);
    const where = eq(contacts.id, stage.people[0] ?? "");
    await world.store.write((tx) => tx.update(contacts).set({ phone: "+12025550143" }).where(where));
    expect((await record(stage, "STOP", "SMS")).body.intent).toBe("OPT_OUT");
    expect(await bansOf(stage)).toMatchObject([{ email: stage.emails[0], phone: "+12025550143" }]);
    expect((await record(stage, "START", "SMS")).body.intent).toBe("OPT_IN");
    expect(await bansOf(stage)).toMatchObject([{ email: stage.emails[0], phone: "+12025550143" }]);
  });
});

test("/api/campaigns/conversations: invalid input never causes a 500, and invalid queries answer 422", async () => {
  const stage = await startConversation();
  await fuzzEndpoint(stage, "GET", CONVERSATIONS_PATH);
  for (const query of ["mode=x", "status=OPEN", "unread=maybe", "limit=0", "limit=101", "limit=NaN", "limit=1.5"]) {
    expect([query, (await stage.request("GET", `${CONVERSATIONS_PATH}?${query}`)).status]).toEqual([query, 422]);
  }
  await fuzzEndpoint(stage, "GET", `${CONVERSATIONS_PATH}/${stage.id}`);
  await fuzzEndpoint(stage, "POST", `${CONVERSATIONS_PATH}/${stage.id}/set-mode`, { mode: "AUTO", reason: "x" });
  await fuzzEndpoint(stage, "POST", `${CONVERSATIONS_PATH}/${stage.id}/inbound`, {
    channel: "EMAIL",
    text: "x",
    subject: "y",
  });
  await fuzzEndpoint(stage, "POST", `${CONVERSATIONS_PATH}/${stage.id}/mark-read`);
});
