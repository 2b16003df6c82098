import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { campaigns } from "../../../src/db/schema/campaigns.ts";
import { DAY, HOUR, iso, MINUTE } from "../../../src/lib/clock.ts";
import { updateLowBalances } from "../../../src/modules/credits/forecast.ts";
import { grant } from "../../../src/modules/credits/ledger.ts";
import type { LowBalance } from "../../../src/modules/credits/model.ts";
import type { CampaignFixture } from "../../support/campaign-fixture.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";

setDefaultTimeout(120_000);

let world: OutreachApp;
beforeAll(async () => {
  world = await startOutreachApp();
});
afterEach(async () => {
  await world.cancelAllCampaigns();
  expect(await world.listDrifts()).toEqual([]);
});
afterAll(() => world.close());

const topUp = ({ brandId }: CampaignFixture, credits: number) =>
  world.store.write((tx) => grant(tx, { brandId, amount: credits * 1000, kind: "PURCHASED", reason: "top-up" }));
const warning = async (stage: CampaignFixture, path = "/api/credits") =>
  (await stage.request<{ lowBalance: LowBalance }>("GET", path)).body.lowBalance;
const fallen = async () => (await world.store.write(updateLowBalances)).map(({ brandId }) => brandId);

test("low balance: the owner is warned before the credits run out, and each shortage is reported to the operator once", async () => {
  const stage = await world.createDraft({ people: 4, credits: 10, delays: [0, 2, 4] });
  expect(await warning(stage)).toBeNull();
  await world.launch(stage);
  // Four credits are held. Without replies eight more are needed: four within two days, four within six. Six are
  // available.
  const low = { available: 6, neededNext7Days: 8, runsOutAt: iso(world.clock.now() + 6 * DAY) };
  expect(await warning(stage)).toEqual(low);
  expect(await warning(stage, `/api/campaigns/${stage.campaignId}`)).toEqual(low);
  expect(await fallen()).toEqual([stage.brandId]);
  expect(await fallen()).toEqual([]);
  await topUp(stage, 2);
  expect(await warning(stage)).toBeNull();
  expect(await fallen()).toEqual([]);
  await world.advanceClock(7 * DAY);
  expect(world.channel.sent).toHaveLength(12);
  expect(await fallen()).toEqual([]);
  // Report again when the credits run low again.
  const next = await world.copyDraft(stage);
  await topUp(stage, 5);
  await world.launch(next);
  expect(await fallen()).toEqual([stage.brandId]);
});

test("low balance: the forecast respects the daily limits of the mailboxes", async () => {
  const stage = await world.createLaunched({ people: 40, credits: 45, delays: [0, 1], dailyLimit: 2 });
  // Two messages a day are sent, so follow-ups of six days need twelve credits: five are available, for two days.
  expect(await warning(stage)).toEqual({
    available: 5,
    neededNext7Days: 12,
    runsOutAt: iso(world.clock.now() + 3 * DAY),
  });
});

test("campaign without credits: pauses, and after a top-up resumes at the pace of its mailbox within its send windows", async () => {
  const sendWindows = [{ days: ["MON", "TUE", "WED", "THU", "FRI"] as const, from: "09:00", to: "17:00" }].map(
    (window) => ({ ...window, days: [...window.days] }),
  );
  const people = 60;
  const stage = await world.createDraft({ people, credits: people, delays: [0, 1], dailyLimit: 100, sendWindows });
  await world.launch(stage);
  await world.run();
  expect(world.channel.sent).toHaveLength(people);
  // A day later each contact is due a follow-up that cannot be paid.
  await world.advanceClock(DAY + HOUR);
  expect(world.channel.sent).toHaveLength(people);
  expect(await world.getCampaign(stage.campaignId)).toMatchObject({
    status: "AUTO_PAUSED",
    statusReason: "NO_CREDITS",
  });

  await topUp(stage, people);
  const started = world.clock.now();
  await world.engine.sweep();
  expect(await world.getCampaign(stage.campaignId)).toMatchObject({ status: "RUNNING", statusReason: null });
  const times: number[] = [];
  for (let minute = 0; minute < 5 * 24 * 60 && times.length < people; minute++) {
    await world.run();
    for (let sent = world.channel.sent.length - people - times.length; sent > 0; sent--) times.push(world.clock.now());
    world.clock.advance(MINUTE);
  }
  expect(times).toHaveLength(people);
  expect(times[0]).toBe(started);
  // A mailbox with a daily limit of 100 sends about one message every five minutes, within the window only.
  const perMinute = Map.groupBy(times, (time) => Math.floor(time / MINUTE));
  expect(Math.max(...[...perMinute.values()].map((sent) => sent.length))).toBe(1);
  const perHour = Map.groupBy(times, (time) => Math.floor(time / HOUR));
  expect(Math.max(...[...perHour.values()].map((sent) => sent.length))).toBeLessThanOrEqual(13);
  for (const time of times) {
    const at = new Date(time);
    expect([1, 2, 3, 4, 5]).toContain(at.getUTCDay());
    expect(at.getUTCHours()).toBeGreaterThanOrEqual(9);
    expect(at.getUTCHours()).toBeLessThan(17);
  }
});

test("resumed campaigns: two campaigns with one mailbox get separate send times", async () => {
  const stage = await world.createDraft({ people: 10, credits: 20, delays: [0, 1], dailyLimit: 100 });
  const twin = await world.copyDraft(stage);
  await world.launch(stage);
  await world.launch(twin);
  await world.run();
  await world.advanceClock(DAY + HOUR);
  for (const { campaignId } of [stage, twin])
    expect(await world.getCampaign(campaignId)).toMatchObject({ status: "AUTO_PAUSED" });
  await topUp(stage, 20);
  await world.engine.sweep();
  const due = (await Promise.all([stage, twin].map(({ campaignId }) => world.listMessages(campaignId)))).flatMap(
    (messages) => messages.filter(({ status }) => status === "PENDING").map(({ runAt }) => runAt),
  );
  expect(due).toHaveLength(20);
  expect(new Set(due).size).toBe(20);
  const rows = await world.store.read.select().from(campaigns).where(eq(campaigns.brandId, stage.brandId));
  expect(rows.map(({ status }) => status)).toEqual(["RUNNING", "RUNNING"]);
});
