import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { emailAccounts, senderDays } from "../../../src/db/schema/senders.ts";
import { DAY, HOUR } from "../../../src/lib/clock.ts";
import type { CampaignFixture } from "../../support/campaign-fixture.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";
import { LATER } from "../../support/scripted-channel.ts";

setDefaultTimeout(20_000);

const MONDAY = Date.UTC(2026, 10, 30, 9);

interface Shown {
  emailAccount: { warmupStatus: string; todaysLimit: number };
}

let world: OutreachApp;
beforeAll(async () => {
  world = await startOutreachApp();
  world.clock.set(MONDAY);
});
afterEach(async () => {
  await world.cancelAllCampaigns();
  expect(await world.listDrifts()).toEqual([]);
});
afterAll(() => world.close());

async function mailboxOf({ brandId }: CampaignFixture): Promise<string> {
  const [row] = await world.store.read.select().from(emailAccounts).where(eq(emailAccounts.brandId, brandId));
  return row?.id ?? "";
}
async function order(stage: CampaignFixture, warmup: string) {
  const admin = await world.admin();
  return admin<Shown>("PATCH", `/api/email-accounts/${await mailboxOf(stage)}`, { warmup });
}
const daysOf = async (stage: CampaignFixture) =>
  (
    await world.store.read
      .select()
      .from(senderDays)
      .where(eq(senderDays.senderId, await mailboxOf(stage)))
      .orderBy(senderDays.day)
  ).map(({ sends, warmupSends }) => [sends, warmupSends]);

test("warm-up: the daily volume grows until the daily limit is reached", async () => {
  const stage = await world.createDraft({ people: 300, credits: 400, dailyLimit: 40, delays: [0] });
  const started = await order(stage, "START");
  expect(started.body.emailAccount).toMatchObject({ warmupStatus: "WARMING", todaysLimit: 10 });
  expect((await order(stage, "START")).status).toBe(409);
  await world.launch(stage);
  await world.run();
  await world.advanceClock(10 * DAY);
  const ramp = [10, 15, 20, 25, 31, 38].map((sends) => [sends, sends]);
  expect(await daysOf(stage)).toEqual([...ramp, [40, 0], [40, 0], [40, 0], [40, 0], [1, 0]]);
  expect(new Set(world.channel.recipients).size).toBe(300);
  const [row] = await world.store.read
    .select()
    .from(emailAccounts)
    .where(eq(emailAccounts.id, await mailboxOf(stage)));
  const shown = (await (await world.admin())<Shown>("GET", `/api/email-accounts/${row?.id}`)).body.emailAccount;
  expect(shown).toMatchObject({ warmupStatus: "COMPLETED", todaysLimit: 40 });
});

test("warm-up: messages are scheduled within the ramp, so each is sent on its scheduled day", async () => {
  const stage = await world.createDraft({ people: 60, dailyLimit: 40, delays: [0] });
  await order(stage, "START");
  await world.launch(stage);
  await world.advanceClock(4 * DAY);
  const rows = await world.listMessages(stage.campaignId);
  const day = (at: number | null) => Math.floor((at ?? 0) / DAY);
  for (const row of rows) expect(day(row.processedAt)).toBe(day(row.scheduledTime));
  expect(await daysOf(stage)).toEqual([
    [10, 10],
    [15, 15],
    [20, 20],
    [15, 15],
  ]);
});

test("warm-up: PAUSE keeps the current volume, RESUME continues from there, STOP removes the limit", async () => {
  const stage = await world.createDraft({ people: 200, credits: 200, dailyLimit: 100, delays: [0] });
  await world.launch(stage);
  await order(stage, "START");
  await world.run();
  await world.advanceClock(2 * DAY);
  expect((await order(stage, "PAUSE")).body.emailAccount).toMatchObject({ warmupStatus: "PAUSED", todaysLimit: 20 });
  await world.advanceClock(2 * DAY);
  expect((await order(stage, "RESUME")).body.emailAccount).toMatchObject({ warmupStatus: "WARMING", todaysLimit: 20 });
  await world.advanceClock(2 * DAY);
  expect(await daysOf(stage)).toEqual([
    [10, 10],
    [15, 15],
    [20, 20],
    [20, 0],
    [20, 0],
    [25, 25],
    [31, 31],
  ]);
  expect((await order(stage, "STOP")).body.emailAccount).toMatchObject({
    warmupStatus: "NOT_STARTED",
    todaysLimit: 100,
  });
});

test("warm-up: deferred messages do not count against the ramp", async () => {
  const stage = await world.createDraft({ people: 12, dailyLimit: 100, delays: [0] });
  await order(stage, "START");
  await world.launch(stage);
  world.channel.enqueue(LATER, LATER);
  await world.run();
  expect(await daysOf(stage)).toEqual([[8, 8]]);
  await world.advanceClock(6 * HOUR);
  const [today] = await daysOf(stage);
  expect(today).toEqual([10, 10]);
  await world.advanceClock(DAY);
  expect(new Set(world.channel.recipients).size).toBe(12);
  expect((await daysOf(stage)).reduce((sum, [sends = 0]) => sum + sends, 0)).toBe(12);
});
