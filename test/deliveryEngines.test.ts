import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { campaignOf, launch } from "../src/campaigns/lifecycle.ts";
import { DAY, HOUR, MINUTE } from "../src/clock.ts";
import { grant } from "../src/credits/ledger.ts";
import { balanceOf } from "../src/credits/statement.ts";
import { emailAccounts } from "../src/db/schema/brands.ts";
import { campaigns } from "../src/db/schema/campaigns.ts";
import { LEASE } from "../src/delivery/claim.ts";
import { resolveUnknown } from "../src/delivery/recover.ts";
import { tallyDrifts } from "../src/messages/tallyProof.ts";
import { type Outreach, startOutreach } from "./support/outreach.ts";
import { ACCEPTED, REJECTED } from "./support/scriptedChannel.ts";

setDefaultTimeout(60_000);

let world: Outreach;
beforeAll(async () => {
  world = await startOutreach();
});
afterEach(async () => {
  await world.clear();
  expect(await world.drifts()).toEqual([]);
});
afterAll(() => world.close());

const statuses = async (campaignId: string) => (await world.messagesOf(campaignId)).map(({ status }) => status);
const topUp = (brandId: string, credits: number) =>
  world.store.write((tx) =>
    grant(tx, { brandId, amount: credits * 1000, kind: "PURCHASED", reason: "top-up", actorId: null }),
  );

describe("several engines on one database", () => {
  test("send each message once, though every wake-up comes twice", async () => {
    const stage = await world.launched({
      people: 120,
      credits: 500,
      delays: [0, 1, 1],
      dailyLimit: 1000,
      mailboxes: 3,
    });
    const engines = [world.newEngine(), world.newEngine()];
    for (let day = 0; day < 4; day++) {
      await Promise.all(engines.flatMap((engine) => [engine.runDue(), engine.runDue()]));
      await Promise.all(engines.flatMap((engine) => [engine.drain(), engine.sweep()]));
      await Promise.all(engines.map((engine) => world.run(engine)));
      world.clock.advance(DAY);
    }
    const ids = world.channel.sent.map(({ messageId }) => messageId);
    expect(ids).toHaveLength(360);
    expect(new Set(ids).size).toBe(360);
    expect(new Set(await statuses(stage.campaignId))).toEqual(new Set(["SENT"]));
    expect(await balanceOf(world.store.read, stage.brandId)).toMatchObject({ totalUsed: 360, totalReserved: 0 });
    expect((await world.campaignOf(stage.campaignId))?.status).toBe("COMPLETED");
  });

  test("keep a mailbox's daily limit between them", async () => {
    const { brandId } = await world.launched({ people: 60, dailyLimit: 1000 });
    const mine = eq(emailAccounts.brandId, brandId);
    await world.store.write((tx) => tx.update(emailAccounts).set({ dailyLimit: 25 }).where(mine));
    const engines = [world.newEngine(), world.newEngine(), world.newEngine()];
    await Promise.all(engines.map((engine) => world.run(engine)));
    expect(world.channel.sent).toHaveLength(25);
  });

  /** One message on its way when its lease runs out; what is called with its outcome lets it go on. */
  async function overdue() {
    const stage = await world.launched({ people: 1 });
    const answer = world.channel.holdNext();
    await world.engine.runDue();
    world.clock.advance(LEASE);
    await world.newEngine().sweep();
    expect(await statuses(stage.campaignId)).toEqual(["UNKNOWN"]);
    return { ...stage, answer };
  }

  test("an answer that comes after the lease ran out says what became of the message", async () => {
    const { campaignId, brandId, answer } = await overdue();
    answer(ACCEPTED);
    await world.run();
    expect(await statuses(campaignId)).toEqual(["SENT", "PENDING"]);
    expect(await balanceOf(world.store.read, brandId)).toMatchObject({ totalReserved: 1, totalUsed: 1 });
    expect(await tallyDrifts(world.store.read)).toEqual([]);
    expect(world.channel.sent).toHaveLength(1);
  });

  test("a refusal, too", async () => {
    const { campaignId, brandId, answer } = await overdue();
    answer(REJECTED);
    await world.run();
    expect(await statuses(campaignId)).toEqual(["FAILED"]);
    expect(await balanceOf(world.store.read, brandId)).toMatchObject({ totalReserved: 0, creditAvailable: 100 });
  });

  test("but changes nothing once a person has said it", async () => {
    const { campaignId, brandId, answer, request } = await overdue();
    const [row] = await world.messagesOf(campaignId);
    await request("POST", `/api/campaigns/outcome-unknown/${row?.id}/resolve`, { as: "NOT_SENT" });
    const again = world.channel.holdNext();
    const other = world.newEngine();
    await other.runDue();
    answer(REJECTED);
    await world.run();
    expect(await statuses(campaignId)).toEqual(["SENDING"]);
    expect(world.app.logged.join("")).toContain("late result");
    again(ACCEPTED);
    await world.run(other);
    expect(await statuses(campaignId)).toEqual(["SENT", "PENDING"]);
    expect(await balanceOf(world.store.read, brandId)).toMatchObject({ totalUsed: 1, totalReserved: 1 });
  });

  test("a worker that was stopped for long sends nothing of what it had claimed", async () => {
    const { campaignId } = await world.launched({ people: 3 });
    let stoppedFor = 0;
    const other = world.newEngine();
    const meanwhile = async () => {
      if (stoppedFor > 0) return;
      stoppedFor = LEASE;
      // Another worker gives its claims up, a person says that nothing was sent, and so it is sent.
      await other.recover(true);
      for (const { id } of await world.messagesOf(campaignId))
        await world.store.write((tx) => resolveUnknown(tx, id, "NOT_SENT", null));
      await world.run(other);
    };
    const stopped = world.newEngine(meanwhile, () => stoppedFor);
    await world.run(stopped);
    expect(world.channel.sent).toHaveLength(3);
    expect(new Set(world.channel.recipients).size).toBe(3);
    expect(await statuses(campaignId)).toEqual(["SENT", "SENT", "SENT", "PENDING", "PENDING", "PENDING"]);
  });

  test("asked to stop while it claims, it lets what it claims leave and come back", async () => {
    const { campaignId } = await world.launched({ people: 5 });
    const engine = world.newEngine();
    const running = engine.runDue();
    engine.stop();
    await engine.drain();
    expect(await statuses(campaignId)).not.toContain("SENDING");
    await running;
    await world.run();
  });

  describe("a commit whose answer is lost", () => {
    /** The engine's next commit comes through, or does not; it hears the same either way. */
    const lossy = (isKept: boolean) => {
      let lost = false;
      const { store } = world;
      return world.newEngine(undefined, undefined, {
        ...store,
        async write(work) {
          if (lost) return store.write(work);
          lost = true;
          await store.write(async (tx) => {
            await work(tx);
            if (!isKept) throw new Error("rolled back");
          });
          throw new Error("the connection broke");
        },
      });
    };

    test("leaves no outcome unknown", async () => {
      const { campaignId } = await world.launched({ people: 2 });
      const engine = lossy(true);
      await expect(engine.runDue()).rejects.toThrow("broke");
      expect(await statuses(campaignId)).toEqual(["SENDING", "SENDING"]);
      await world.run(engine);
      expect(await statuses(campaignId)).toEqual(["SENT", "SENT", "PENDING", "PENDING"]);
      expect(world.channel.sent).toHaveLength(2);
    });

    test("takes nothing from another worker that claimed the same since", async () => {
      const { campaignId } = await world.launched({ people: 1 });
      const engine = lossy(false);
      await expect(engine.runDue()).rejects.toThrow("rolled back");
      const answer = world.channel.holdNext();
      const other = world.newEngine();
      await other.runDue();
      await engine.runDue();
      expect(await statuses(campaignId)).toEqual(["SENDING"]);
      answer(ACCEPTED);
      await world.run(other);
      expect(await statuses(campaignId)).toEqual(["SENT", "PENDING"]);
      expect(world.channel.sent).toHaveLength(1);
    });
  });

  test("a store that fails right after the claim leaves no outcome unknown", async () => {
    const { campaignId } = await world.launched({ people: 1 });
    let commits = 0;
    const { read } = world.store;
    const all = read.all;
    const engine = world.newEngine(async () => {
      if (commits++ === 0) Object.assign(read, { all: () => Promise.reject(new Error("the database went away")) });
    });
    await expect(engine.runDue()).rejects.toThrow("went away");
    Object.assign(read, { all });
    expect(world.channel.sent).toHaveLength(0);
    await world.run(engine);
    expect(world.channel.sent).toHaveLength(1);
    expect((await world.messagesOf(campaignId))[0]).toMatchObject({ status: "SENT", attempts: 1 });
  });
});

describe("a brand that runs out of credits", () => {
  test("has its campaign paused when something is due, and resumed by a top-up", async () => {
    const stage = await world.launched({ people: 2, credits: 3 });
    await world.run();
    const followUps = async () => (await world.messagesOf(stage.campaignId)).slice(2);
    expect(new Set((await followUps()).map(({ errorMessage }) => errorMessage))).toEqual(
      new Set([null, "INSUFFICIENT_CREDITS"]),
    );
    await world.pass(2 * DAY);
    expect(await world.campaignOf(stage.campaignId)).toMatchObject({
      status: "AUTO_PAUSED",
      statusReason: "NO_CREDITS",
    });
    expect(world.channel.sent).toHaveLength(3);
    const { body } = await stage.request<{ messages: { nextAction: string }[] }>(
      "GET",
      `/api/campaigns/${stage.campaignId}/explain?contactId=${(await followUps()).find(({ status }) => status === "PENDING")?.contactId}`,
    );
    expect(body.messages[1]?.nextAction).toBe("It waits until somebody acts: NO_CREDITS.");

    await world.pass(DAY);
    expect(await world.campaignOf(stage.campaignId)).toMatchObject({ status: "AUTO_PAUSED" });
    await topUp(stage.brandId, 0.5);
    await world.pass(MINUTE);
    expect(await world.campaignOf(stage.campaignId)).toMatchObject({ status: "AUTO_PAUSED" });
    await topUp(stage.brandId, 0.5);
    await world.pass(MINUTE);
    expect(world.channel.sent).toHaveLength(4);
    await world.pass(MINUTE);
    expect(await world.campaignOf(stage.campaignId)).toMatchObject({ status: "COMPLETED" });
    expect(await balanceOf(world.store.read, stage.brandId)).toMatchObject({ totalUsed: 4, creditAvailable: 0 });
  });

  test("and is topped up in time is not paused at all", async () => {
    const stage = await world.launched({ people: 2, credits: 2 });
    await world.run();
    await topUp(stage.brandId, 2);
    await world.pass(2 * DAY);
    expect(world.channel.sent).toHaveLength(4);
    expect(await world.campaignOf(stage.campaignId)).not.toMatchObject({ status: "AUTO_PAUSED" });
  });

  test("has a campaign paused and resumed that was just about to start", async () => {
    const stage = await world.stage({ people: 1, credits: 1, delays: [0] });
    const startAt = world.clock.now() + HOUR;
    const mine = eq(campaigns.id, stage.campaignId);
    await world.store.write((tx) => tx.update(campaigns).set({ startAt }).where(mine));
    await world.launch(stage);
    expect(await world.campaignOf(stage.campaignId)).toMatchObject({ status: "SCHEDULED" });
    await world.join(stage, "late@example.com");
    world.clock.set(startAt);
    // The engine looks before the sweep that makes it RUNNING.
    await world.run();
    expect(world.channel.sent).toHaveLength(1);
    expect(await world.campaignOf(stage.campaignId)).toMatchObject({ statusReason: "NO_CREDITS" });
    await topUp(stage.brandId, 1);
    await world.pass(MINUTE);
    expect(world.channel.recipients).toEqual([stage.emails[0] ?? "", "late@example.com"]);
  });
});

describe("a campaign that goes on after an answer", () => {
  test("sends all its stages, and its conversation stays REPLIED", async () => {
    const stage = await world.stage({ people: 1, delays: [0, 1, 1] });
    const mine = eq(campaigns.id, stage.campaignId);
    await world.store.write((tx) => tx.update(campaigns).set({ stopOnReply: false }).where(mine));
    await world.store.write(async (tx) => launch(tx, await campaignOf(tx, stage.campaignId, null), 1));
    await world.run();
    await world.store.write((tx) => world.answer(tx, stage, "Tell me more"));
    await world.pass(3 * DAY);
    expect(await statuses(stage.campaignId)).toEqual(["SENT", "SENT", "SENT"]);
    expect(await world.conversationsOf(stage.campaignId)).toMatchObject([{ status: "REPLIED" }]);
  });
});
