import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { DAY, HOUR } from "../../../src/lib/clock.ts";
import { getBalance } from "../../../src/modules/credits/balance.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";
import { UNKNOWN } from "../../support/scripted-channel.ts";

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

describe("message with unknown outcome", () => {
  /** Launches a campaign whose opening message has an unknown outcome; returns its id. */
  async function createUnknown() {
    const stage = await world.createLaunched({ people: 1 });
    world.channel.enqueue(UNKNOWN);
    await world.run();
    const [row] = await world.listMessages(stage.campaignId);
    return { ...stage, id: row?.id ?? "" };
  }
  const resolve = ({ id, request }: Awaited<ReturnType<typeof createUnknown>>, as: unknown) =>
    request("POST", `/api/campaigns/outcome-unknown/${id}/resolve`, { as });

  test("the message is shown as PENDING with OUTCOME_UNKNOWN, keeps its credits, and is not sent again", async () => {
    const { campaignId, brandId, request } = await createUnknown();
    await world.advanceClock(23 * HOUR);
    expect(world.channel.sent).toHaveLength(1);
    const { body } = await request<{ data: object[] }>("GET", `/api/campaigns/${campaignId}/messages`);
    expect(body.data).toMatchObject([{ status: "PENDING", errorMessage: "OUTCOME_UNKNOWN", processedAt: null }]);
    const stats = await request("GET", `/api/campaigns/${campaignId}/stats`);
    expect(stats.body).toMatchObject({ total: { unknown: 1, queued: 0, creditReserved: 1 } });
    expect(await balance(brandId)).toMatchObject({ totalReserved: 1, totalUsed: 0 });
    expect((await world.getCampaign(campaignId))?.status).toBe("RUNNING");
  });

  test("resolve as SENT uses the credits and schedules the next stage; a second resolve answers 409", async () => {
    const message = await createUnknown();
    expect((await resolve(message, "SENT")).status).toBe(200);
    expect((await resolve(message, "SENT")).status).toBe(409);
    expect(await statuses(message.campaignId)).toEqual([
      [0, "SENT", null],
      [1, "PENDING", null],
    ]);
    expect(await balance(message.brandId)).toMatchObject({ totalUsed: 1, totalReserved: 1 });
    await world.advanceClock(3 * DAY);
    expect(world.channel.sent).toHaveLength(2);
  });

  test("resolve as NOT_SENT sends the same message again", async () => {
    const message = await createUnknown();
    expect((await resolve(message, "NOT_SENT")).status).toBe(200);
    await world.run();
    const [first, second] = world.channel.sent;
    expect(second?.messageKey).toBe(first?.messageKey ?? "");
    expect((await statuses(message.campaignId))[0]).toEqual([0, "SENT", null]);
  });

  test("the message is FAILED after 24 hours, and its credits are released", async () => {
    const message = await createUnknown();
    await world.advanceClock(24 * HOUR);
    expect(await statuses(message.campaignId)).toEqual([[0, "FAILED", "OUTCOME_UNKNOWN"]]);
    expect(await balance(message.brandId)).toMatchObject({ totalReserved: 0, creditAvailable: 100 });
    expect(await world.listConversations(message.campaignId)).toMatchObject([{ status: "FAILED" }]);
    expect((await resolve(message, "SENT")).status).toBe(409);
  });

  test("resolve answers 404 to other brands and 422 for an unknown value; an admin may resolve", async () => {
    const message = await createUnknown();
    const stranger = await world.createDraft();
    expect(
      (await stranger.request("POST", `/api/campaigns/outcome-unknown/${message.id}/resolve`, { as: "SENT" })).status,
    ).toBe(404);
    for (const as of ["PENDING", "", null, 1]) expect((await resolve(message, as)).status).toBe(422);
    const admin = await world.admin();
    expect((await admin("POST", `/api/campaigns/outcome-unknown/${message.id}/resolve`, { as: "SENT" })).status).toBe(
      200,
    );
  });

  test("a channel that throws leaves the message UNKNOWN", async () => {
    const { campaignId } = await world.createLaunched({ people: 1 });
    world.channel.enqueue(new Error("out of order"));
    await world.run();
    expect(await statuses(campaignId)).toEqual([[0, "UNKNOWN", "OUTCOME_UNKNOWN"]]);
  });

  test("a process that died while sending leaves its messages UNKNOWN, and no message is sent twice", async () => {
    const { campaignId } = await world.createLaunched({ people: 2 });
    world.channel.enqueue(new Promise(() => {}), new Promise(() => {}));
    const dead = world.newEngine();
    await dead.runDue();
    const started = world.newEngine();
    await started.rescue(false);
    expect(await statuses(campaignId)).toEqual([
      [0, "SENDING", null],
      [0, "SENDING", null],
    ]);
    await started.rescue(true);
    await world.run(started);
    expect((await statuses(campaignId)).map(([, status]) => status)).toEqual(["UNKNOWN", "UNKNOWN"]);
    expect(world.channel.sent).toHaveLength(2);
  });
});
