import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { QUEUE } from "../src/delivery/queue.ts";
import { type FollowUps, startFollowUps } from "./support/followUps.ts";
import { findRedis, type RedisServer, startRedis } from "./support/redis.ts";
import { Relay } from "./support/relay.ts";
import { until } from "./support/throwaway.ts";

// The messages are in the database. That Redis forgets, refuses, hangs or is away loses none and sends none twice.

setDefaultTimeout(30_000);

const missing = findRedis() === null ? " (skipped: Redis is not installed)" : "";

describe.skipIf(missing !== "")(`BullMQ${missing}`, () => {
  test("an alarm that rings twice, late or for nothing sends nothing twice", async () => {
    const { promise: asleep, resolve: awake } = Promise.withResolvers<void>();
    await world.schedule([0, 0]);
    const ids = (await world.rows()).map(({ id }) => id);
    const queue = new Queue(QUEUE, { connection: keys, prefix: `reprise-${namespace}` });
    await queue.addBulk(
      [...ids, ...ids, "nobody"].map((messageId, index) => ({
        name: "due",
        data: { messageId },
        opts: { jobId: `twice-${index}-${messageId}`, delay: index * 50 },
      })),
    );
    setTimeout(awake, 500);
    // Two replicas.
    await Promise.all([bullmq(), bullmq()]);
    await asleep;
    await world.expectEachOnce(2);
    await queue.close();
  });

  test("is told of each message once, of the soonest only, and of none that is due in an hour", async () => {
    await world.schedule([...Array.from({ length: 300 }, (_, index) => 60_000 + index), 3_600_000]);
    const driver = await bullmq();
    await until("the alarms are set", async () => (await alarms()) === 200);
    driver.wake();
    await Bun.sleep(500);
    expect(await alarms()).toBe(200);
  });

  test("keeps a train of messages longer than what it is told of at once on time", async () => {
    await bullmq({ ...onlyBullmq, every: 60_000 });
    const moments = world.departures();
    const from = await world.schedule(Array.from({ length: 1_200 }, (_, index) => 500 + index));
    (await bullmq({ ...onlyBullmq, every: 60_000 })).wake();
    await world.expectEachOnce(1_200);
    expect(Math.max(...moments) - from).toBeLessThan(3_500);
  });

  test("a flushed Redis loses nothing: the timer finds what no alarm rang for", async () => {
    await bullmq({ every: 60_000, grace: 300, longestSleep: 60_000 });
    const from = await world.schedule([700, 800]);
    const moments = world.departures();
    (await bullmq({ every: 60_000, grace: 300, longestSleep: 60_000 })).wake();
    await until("the alarms are set", async () => (await alarms()) === 2);
    await keys.flushall();
    await world.expectEachOnce(2);
    expect(Math.max(...moments) - from).toBeLessThan(1_500);
  });

  test("a flushed Redis is told again", async () => {
    await world.schedule([2_000]);
    await bullmq();
    await until("the alarm is set", async () => (await alarms()) === 1);
    await keys.flushall();
    await until("the alarm is set again", async () => (await alarms()) === 1);
    await world.expectEachOnce(1);
  });

  test("a Redis that dies and comes back empty loses nothing and sends nothing twice", async () => {
    await bullmq({ every: 200, grace: 300 });
    await world.schedule(Array.from({ length: 300 }, (_, index) => index * 10));
    await Bun.sleep(800);
    await redis.restart();
    await world.expectEachOnce(300);
    // And it is BullMQ's work again.
    await world.schedule([60_000]);
    await until("an alarm is set", async () => (await alarms()) === 1);
    saidOnce("redis does not work");
  });

  test.each([
    ["is full", ["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"]],
    ["has become a replica", ["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"]],
  ] as const)(
    "a Redis that %s delays nothing, and is used again when it is well",
    async (_, [break_, ...how], [mend, ...back]) => {
      const driver = await bullmq({ every: 200, longestSleep: 60_000 });
      const moments = world.departures();
      await until("Redis works", async () => world.logged.some((line) => line.includes("redis works")));
      await keys.call(break_, ...how);
      await until("it is noticed", async () => world.logged.some((line) => line.includes("does not work")));
      const from = await world.schedule([0, 300]);
      driver.wake();
      await world.expectEachOnce(2);
      expect(Math.max(...moments) - from).toBeLessThan(600);
      await Bun.sleep(2_000);
      saidOnce("redis does not work");
      await keys.call(mend, ...back);
      await world.schedule([60_000]);
      await until("an alarm is set", async () => (await alarms()) === 1);
    },
  );

  describe("behind a way that fails", () => {
    let relay: Relay;
    const behindRelay = () => bullmq({ every: 200, longestSleep: 60_000, redisUrl: `redis://127.0.0.1:${relay.port}` });
    beforeEach(() => {
      relay = new Relay(Number(new URL(redis.url).port));
    });

    test("a Redis that is down from the start delays nothing, is said once, and joins in later", async () => {
      const driver = await behindRelay();
      const moments = world.departures();
      const from = await world.schedule([0, 300]);
      driver.wake();
      expect(driver.ping()).rejects.toThrow();
      await world.expectEachOnce(2);
      expect(Math.max(...moments) - from).toBeLessThan(600);
      await Bun.sleep(500);
      saidOnce("redis does not work");

      await relay.open();
      await world.schedule([60_000]);
      await until("an alarm is set", async () => (await alarms()) === 1);
      await driver.ping();
      saidOnce("redis works");
      await relay.close();
    });

    test("a Redis that hangs only delays, and closing does not wait for it", async () => {
      await relay.open();
      const driver = await behindRelay();
      await until("Redis answers", async () => world.logged.some((line) => line.includes("redis works")));
      relay.silence();
      await world.schedule([0, 100]);
      driver.wake();
      await world.expectEachOnce(2);
      saidOnce("redis does not work");
      relay.silence(false);
      await until(
        "Redis answers again",
        async () =>
          await driver.ping().then(
            () => true,
            () => false,
          ),
      );
      await world.schedule([60_000]);
      await until("an alarm is set", async () => (await alarms()) === 1);
      relay.silence();
      const asked = performance.now();
      await driver.close(5_000);
      expect(performance.now() - asked).toBeLessThan(2_000);
      await relay.close();
    });
  });
});
