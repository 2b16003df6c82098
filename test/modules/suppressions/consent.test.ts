import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { contacts } from "../../../src/db/schema/contacts.ts";
import { conversations } from "../../../src/db/schema/conversations.ts";
import { bans } from "../../../src/db/schema/suppressions.ts";
import { upsertContacts } from "../../../src/modules/contacts/upsert.ts";
import { receiveInbound } from "../../../src/modules/inbox/inbound.ts";
import type { CampaignFixture } from "../../support/campaign-fixture.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";

setDefaultTimeout(60_000);

const PHONE = "+12025550143";

let world: OutreachApp;
beforeAll(async () => {
  world = await startOutreachApp();
});
afterEach(() => world.cancelAllCampaigns());
afterAll(() => world.close());

/** Creates a contact with a phone number who received a message and then sent STOP as a text message. */
async function launchAndStop(): Promise<CampaignFixture & { id: string; contactId: string }> {
  const stage = await world.createLaunched({ people: 1 });
  await world.run();
  const contactId = stage.people[0] ?? "";
  await world.store.write((tx) => tx.update(contacts).set({ phone: PHONE }).where(eq(contacts.id, contactId)));
  const id = (await world.listConversations(stage.campaignId))[0]?.id ?? "";
  const begun = { ...stage, id, contactId };
  expect((await record(begun, "SMS", "STOP")).intent).toBe("OPT_OUT");
  return begun;
}

const record = async (stage: CampaignFixture & { id: string }, channel: string, text: string) => {
  const path = `/api/campaigns/conversations/${stage.id}/inbound`;
  return (await stage.request<{ intent: string }>("POST", path, { channel, text })).body;
};
const bansOf = ({ brandId }: CampaignFixture) => world.store.read.select().from(bans).where(eq(bans.scope, brandId));
const statusOf = async ({ id }: { id: string }) =>
  (await world.store.read.select().from(conversations).where(eq(conversations.id, id)))[0]?.status;
let texts = 0;
const delivered = ({ brandId }: CampaignFixture, text: string) =>
  world.store.write((tx) =>
    receiveInbound(
      tx,
      {
        brandId,
        channel: "SMS",
        providerId: `text-${texts++}`,
        from: PHONE,
        repliesTo: [],
        subject: null,
        text,
        headers: {},
      },
      { hostileBelow: -0.6 },
    ),
  );

describe("opt-out by STOP", () => {
  test.each([
    ["SMS", "START"],
    ["SMS", "UNSTOP"],
    ["SMS", "start"],
    ["EMAIL", "START"],
    ["SMS", "Yes please, write to me again"],
  ])("remains when a user records the %s message %p", async (channel, text) => {
    const stage = await launchAndStop();
    await record(stage, channel, text);
    expect(await bansOf(stage)).toMatchObject([{ email: stage.emails[0], phone: PHONE, source: "OPT_OUT" }]);
    expect(await statusOf(stage)).toBe("OPTED_OUT");
  });

  test("ends for the phone number, not for the e-mail address, when the provider delivers START", async () => {
    const stage = await launchAndStop();
    expect(await delivered(stage, "START")).toMatchObject({ intent: "OPT_IN" });
    expect(await bansOf(stage)).toMatchObject([{ email: stage.emails[0], phone: null }]);
    expect(await statusOf(stage)).toBe("REPLIED");
  });

  test("remains in the conversation's status when the provider delivers an ordinary reply", async () => {
    const stage = await launchAndStop();
    expect(await delivered(stage, "Thanks")).toMatchObject({ intent: "REPLY" });
    expect(await statusOf(stage)).toBe("OPTED_OUT");
  });

  test.each([
    { email: "other@person.example" },
    { phone: "+12025550199" },
    { email: "other@person.example", phone: "+12025550199" },
    { email: null },
    { phone: null },
  ])("remains after PATCH of the contact's addresses to %j, which is answered with 409", async (change) => {
    const stage = await launchAndStop();
    const answer = await stage.request("PATCH", `/api/contacts/${stage.contactId}`, change);
    expect(answer.status).toBe(409);
    expect((await stage.request("PATCH", `/api/contacts/${stage.contactId}`, { firstName: "Jo" })).status).toBe(200);
  });

  test.each(["SKIP", "UPDATE"] as const)(
    "remains when the contact is imported again with another address in mode %s",
    async (mode) => {
      const stage = await launchAndStop();
      const person = { firstName: null, lastName: null, company: null, timezone: null, custom: {}, consent: "yes" };
      const rows = [
        { ...person, email: "new@person.example", phone: PHONE },
        { ...person, email: stage.emails[0] ?? "", phone: "+12025550188" },
      ].map((contact) => ({ verdict: "ok" as const, contact }));
      const outcomes = await world.store.write((tx) => upsertContacts(tx, stage.brandId, rows, mode));
      expect(outcomes.map(({ verdict }) => verdict)).toEqual(["banned", "banned"]);
    },
  );
});
