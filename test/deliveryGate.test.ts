import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { ban } from "../src/bans/bans.ts";
import { campaignOf, cancel, pause, resume } from "../src/campaigns/lifecycle.ts";
import { DAY, HOUR, iso, MINUTE } from "../src/clock.ts";
import { receive } from "../src/conversations/inbound.ts";
import { grant } from "../src/credits/ledger.ts";
import { balanceOf } from "../src/credits/statement.ts";
import { emailAccounts, senderDays } from "../src/db/schema/brands.ts";
import { campaigns } from "../src/db/schema/campaigns.ts";
import type { Tx } from "../src/db/store.ts";
import type { CancelReason } from "../src/messages/model.ts";
import { type Outreach, type Stage, startOutreach } from "./support/outreach.ts";
import { ACCEPTED, LATER } from "./support/scriptedChannel.ts";

setDefaultTimeout(30_000);

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
const explain = async ({ request, campaignId, people }: Stage) =>
  (await request<{ messages: { gates: { gate: string; verdict: string; nextEligibleAt: string }[]; nextAction: string }[] }>(
    "GET",
    `/api/campaigns/${campaignId}/explain?contactId=${people.at(-1)}`,
  )).body.messages;

describe("the gate", () => {
  test("keeps a mailbox within its daily limit", async () => {
    const stage = await world.launched({ people: 5, delays: [0] });
    await world.store.write((tx) =>
      tx.update(emailAccounts).set({ dailyLimit: 2 }).where(eq(emailAccounts.brandId, stage.brandId)),
    );
    await world.run();
    expect(world.channel.sent).toHaveLength(2);
    const midnight = iso(Date.UTC(2026, 10, 24));
    const [message] = await explain(stage);
    expect(message?.gates).toContainEqual(expect.objectContaining({ gate: "daily cap", verdict: "WAIT", nextEligibleAt: midnight }));
    expect(message?.nextAction).toBe(`It waits until ${midnight}: its mailbox sent 2 of 2 today.`);
    await world.pass(DAY);
    expect(world.channel.sent).toHaveLength(4);
    await world.pass(DAY);
    expect(world.channel.sent).toHaveLength(5);
  });

  test("sends inside the campaign's windows only", async () => {
    const noon = [{ days: ["MON", "TUE"], from: "12:00", to: "13:00" }];
    const stage = await world.stage({ people: 1, sendWindows: noon });
    // The clock stood at Monday 09:00 when this file began, and days have passed since.
    world.clock.set(Date.UTC(2026, 11, 7, 9));
    await world.store.write(async (tx) => {
      const { launch } = await import("../src/campaigns/lifecycle.ts");
      await launch(tx, await campaignOf(tx, stage.campaignId, null), 1);
    });
    await world.run();
    expect(world.channel.sent).toHaveLength(0);
    expect((await explain(stage))[0]?.nextAction).toBe(`It is planned for ${iso(Date.UTC(2026, 11, 7, 12))}.`);
    world.clock.set(Date.UTC(2026, 11, 7, 12));
    await world.run();
    expect(world.channel.sent).toHaveLength(1);
    // Two days later is a Wednesday: the next window opens on Monday.
    await world.pass(5 * DAY);
    expect(world.channel.sent).toHaveLength(1);
    await world.pass(2 * DAY);
    expect(world.channel.sent).toHaveLength(2);
  });

  test("lets nothing leave through a mailbox that another brand has", async () => {
    const [mine, other] = [await world.launched({ people: 1 }), await world.stage()];
    await world.store.write((tx) =>
      tx.update(emailAccounts).set({ brandId: other.brandId }).where(eq(emailAccounts.brandId, mine.brandId)),
    );
    await world.pass(2 * HOUR);
    expect(world.channel.sent).toHaveLength(0);
    expect(await statuses(mine.campaignId)).toEqual([[0, "PENDING", "SENDER_REASSIGNED"]]);
  });
});

describe("between the claim and the first byte", () => {
  /** Launches, claims, lets `work` commit, and goes on. */
  async function interrupted(work: (tx: Tx, stage: Stage) => Promise<unknown>): Promise<Stage> {
    const stage = await world.launched({ people: 1 });
    let turn = 0;
    const engine = world.newEngine(async () => {
      if (turn++ === 0) await world.store.write((tx) => work(tx, stage));
    });
    await world.run(engine);
    return stage;
  }
  const byAnswer = (tx: Tx, { brandId }: Stage, text: string) =>
    receive(
      tx,
      { brandId, channel: "EMAIL", providerId: tx.newId(), from: address(brandId), answers: [], subject: null, text, headers: {} },
      { hostileBelow: -0.6 },
    );
  const address = (_brandId: string) => addressed;
  let addressed = "";

  test.each<[string, CancelReason, (tx: Tx, stage: Stage) => Promise<unknown>]>([
    ["a ban", "BANNED", (tx, { brandId, people }) => ban(tx, { scope: brandId, email: emailOf(people), source: "MANUAL" })],
    ["a stop", "CAMPAIGN_STOPPED", async (tx, { campaignId }) => cancel(tx, await campaignOf(tx, campaignId, null), null)],
  ])("%s withdraws the message", async (_, reason, work) => {
    const { campaignId, brandId } = await interrupted(work);
    expect(world.channel.sent).toHaveLength(0);
    expect(await statuses(campaignId)).toEqual([[0, "CANCELLED", reason]]);
    expect(await balanceOf(world.store.read, brandId)).toMatchObject({ creditAvailable: 100, totalReserved: 0 });
  });
});
