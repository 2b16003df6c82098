import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { SYSTEM, tenantScope } from "../../../src/db/tenant-scope.ts";
import { getBalance } from "../../../src/modules/credits/balance.ts";
import { resolveUnknown } from "../../../src/modules/delivery/rescuer.ts";
import { CLAIM_LEASE_MS } from "../../../src/modules/messages/model.ts";
import { findTallyMismatches } from "../../../src/modules/messages/tally-mismatches.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";
import { ACCEPTED, REJECTED } from "../../support/scripted-channel.ts";

// Cover claims whose worker is late, is suspended, or does not learn whether the claim was committed.

setDefaultTimeout(60_000);

let world: OutreachApp;
beforeAll(async () => {
  world = await startOutreachApp();
});
afterEach(async () => {
  await world.cancelAllCampaigns();
  expect(await world.listDrifts()).toEqual([]);
});
afterAll(() => world.close());

const statuses = async (campaignId: string) => (await world.listMessages(campaignId)).map(({ status }) => status);

describe("claim", () => {
  /** Sends one message and lets its lease expire before the result arrives; `answer` delivers the result. */
  async function sendPastLease() {
    const stage = await world.createLaunched({ people: 1 });
    const answer = world.channel.suspendNext();
    await world.engine.runDue();
    world.clock.advance(CLAIM_LEASE_MS);
    await world.newEngine().sweep();
    expect(await statuses(stage.campaignId)).toEqual(["UNKNOWN"]);
    return { ...stage, answer };
  }

  test("a late acceptance after the lease expired marks the UNKNOWN message as SENT", async () => {
    const { campaignId, brandId, answer } = await sendPastLease();
    answer(ACCEPTED);
    await world.run();
    expect(await statuses(campaignId)).toEqual(["SENT", "PENDING"]);
    expect(await getBalance(world.store.read, brandId)).toMatchObject({ totalReserved: 1, totalUsed: 1 });
    expect(await findTallyMismatches(world.store.read)).toEqual([]);
    expect(world.channel.sent).toHaveLength(1);
  });

  test("a late rejection after the lease expired marks the UNKNOWN message as FAILED", async () => {
    const { campaignId, brandId, answer } = await sendPastLease();
    answer(REJECTED);
    await world.run();
    expect(await statuses(campaignId)).toEqual(["FAILED"]);
    expect(await getBalance(world.store.read, brandId)).toMatchObject({ totalReserved: 0, creditAvailable: 100 });
  });

  test("a late result changes nothing once the outcome was resolved by a user", async () => {
    const { campaignId, brandId, answer, request } = await sendPastLease();
    const [row] = await world.listMessages(campaignId);
    await request("POST", `/api/campaigns/outcome-unknown/${row?.id}/resolve`, { as: "NOT_SENT" });
    const again = world.channel.suspendNext();
    const other = world.newEngine();
    await other.runDue();
    answer(REJECTED);
    await world.run();
    expect(await statuses(campaignId)).toEqual(["SENDING"]);
    expect(world.app.logged.join("")).toContain("delivery.late_result");
    again(ACCEPTED);
    await world.run(other);
    expect(await statuses(campaignId)).toEqual(["SENT", "PENDING"]);
    expect(await getBalance(world.store.read, brandId)).toMatchObject({ totalUsed: 1, totalReserved: 1 });
  });

  test("a worker suspended beyond its lease sends none of the messages that it had claimed", async () => {
    const { campaignId } = await world.createLaunched({ people: 3 });
    let stoppedFor = 0;
    const other = world.newEngine();
    const meanwhile = async () => {
      if (stoppedFor > 0) return;
      stoppedFor = CLAIM_LEASE_MS;
      // Let another worker give up the claims, resolve them as NOT_SENT, and send them.
      await other.rescue(true);
      for (const { id } of await world.listMessages(campaignId))
        await world.store.write((tx) => resolveUnknown(tx, id, "NOT_SENT", tenantScope(SYSTEM)));
      await world.run(other);
    };
    const stopped = world.newEngine(meanwhile, () => stoppedFor);
    await world.run(stopped);
    expect(world.channel.sent).toHaveLength(3);
    expect(new Set(world.channel.recipients).size).toBe(3);
    expect(await statuses(campaignId)).toEqual(["SENT", "SENT", "SENT", "PENDING", "PENDING", "PENDING"]);
  });

  test("a worker stopped while it claims still sends what it claimed", async () => {
    const { campaignId } = await world.createLaunched({ people: 5 });
    const engine = world.newEngine();
    const running = engine.runDue();
    engine.stop();
    await engine.drain();
    expect(await statuses(campaignId)).toEqual([...Array(5).fill("SENT"), ...Array(5).fill("PENDING")]);
    await running;
    await world.run();
  });

  describe("commit whose response is lost", () => {
    /** Makes the engine's next commit succeed or fail; the engine gets an error in both cases. */
    const engineLosingCommit = (isKept: boolean) => {
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

    test("a claim that was committed leaves no message UNKNOWN, and each message is sent once", async () => {
      const { campaignId } = await world.createLaunched({ people: 2 });
      const engine = engineLosingCommit(true);
      await expect(engine.runDue()).rejects.toThrow("broke");
      expect(await statuses(campaignId)).toEqual(["SENDING", "SENDING"]);
      await world.run(engine);
      expect(await statuses(campaignId)).toEqual(["SENT", "SENT", "PENDING", "PENDING"]);
      expect(world.channel.sent).toHaveLength(2);
    });

    test("a claim that was rolled back does not take the message from another worker's later claim", async () => {
      const { campaignId } = await world.createLaunched({ people: 1 });
      const engine = engineLosingCommit(false);
      await expect(engine.runDue()).rejects.toThrow("rolled back");
      const answer = world.channel.suspendNext();
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

  test("a store that fails right after the claim leaves no message UNKNOWN, and the message is sent later", async () => {
    const { campaignId } = await world.createLaunched({ people: 1 });
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
    expect((await world.listMessages(campaignId))[0]).toMatchObject({ status: "SENT", attempts: 1 });
  });
});
