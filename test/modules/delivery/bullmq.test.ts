import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { QUEUE_NAME } from "../../../src/modules/delivery/wakeup-queue.ts";
import { type RealTimeDelivery, startRealTimeDelivery } from "../../support/real-time-delivery.ts";
import { findRedis, type RedisServer, startRedis } from "../../support/servers/redis.ts";
import { TcpProxy } from "../../support/servers/tcp-proxy.ts";
import { waitUntil } from "../../support/servers/temp-server.ts";

// The messages are stored in the database: no failure of Redis may lose a message or send one twice.

setDefaultTimeout(30_000);

const missing = findRedis() === null ? " (skipped: Redis is not installed)" : "";

describe.skipIf(missing !== "")(`BullMQ${missing}`, () => {
  let world: RealTimeDelivery;
  let redis: RedisServer;
  /** A connection beside those of the program. */
  let inside: Redis;

  beforeAll(async () => {
    redis = await startRedis();
    inside = new Redis(redis.url);
    inside.on("error", () => {});
  });
  afterAll(async () => {
    inside.disconnect();
    await redis.stop();
  });
  beforeEach(async () => {
    world = await startRealTimeDelivery();
  });
  afterEach(async () => {
    await world.close();
    // A failed test leaves Redis as it was for the test, which must not fail the tests after it.
    await inside.call("REPLICAOF", "NO", "ONE").catch(() => {});
    await inside.call("CONFIG", "SET", "maxmemory", "0").catch(() => {});
  });

  const prefix = () => `reprise-${world.namespace}`;
  const countJobs = async () => (await inside.keys(`${prefix()}:${QUEUE_NAME}:m-*`)).length;
  const untilSet = (count: number) => waitUntil(`${count} jobs are set`, async () => (await countJobs()) === count);
  const said = (event: string) => world.logged.filter((line) => line.includes(event)).length;
  const WORKS = "redis.available";
  const FAILS = "redis.unavailable";

  test("jobs that are duplicated, late or for an unknown message send no message twice", async () => {
    await world.schedule([0, 0]);
    const ids = (await world.rows()).map(({ id }) => id);
    const queue = new Queue(QUEUE_NAME, { connection: inside, prefix: prefix() });
    await queue.addBulk(
      [...ids, ...ids, "nobody"].map((messageId, index) => ({
        name: "due",
        data: { messageId },
        opts: { jobId: `again-${index}`, delay: index * 50, removeOnComplete: true },
      })),
    );
    // Start two replicas.
    await Promise.all([world.bullmq(redis.url), world.bullmq(redis.url)]);
    await waitUntil(
      "all have rung",
      async () => (await queue.getJobCountByTypes("waiting", "delayed", "active")) === 0,
    );
    await world.expectEachOnce(2);
    await queue.close();
  });

  test("each message gets one job: only the soonest 200, and none for a message due in an hour", async () => {
    await world.schedule([60_000, 3_600_000]);
    const driver = await world.bullmq(redis.url);
    await untilSet(1);
    await world.schedule(Array.from({ length: 300 }, (_, index) => 70_000 + index));
    driver.wake();
    await untilSet(200);
    driver.wake();
    await Bun.sleep(500);
    expect(await countJobs()).toBe(200);
  });

  test("a series of 260 messages longer than the batch of jobs is sent in time", async () => {
    const from = await world.schedule(Array.from({ length: 260 }, (_, index) => 500 + 10 * index));
    const departureTimes = world.departures();
    await world.bullmq(redis.url, { pollIntervalMs: 60_000 });
    await world.expectEachOnce(260);
    expect(Math.max(...departureTimes) - from).toBeLessThan(4_000);
  });

  test("a flush of Redis loses no message: the poll loop sends messages without a job", async () => {
    const from = await world.schedule([1_000, 1_100]);
    const departureTimes = world.departures();
    await world.bullmq(redis.url, { pollIntervalMs: 60_000, wakeupGraceMs: 300 });
    await untilSet(2);
    await inside.flushall();
    await world.expectEachOnce(2);
    expect(Math.max(...departureTimes) - from).toBeLessThan(2_000);
  });

  test("jobs are set again after a flush of Redis", async () => {
    await world.schedule([1_500]);
    await world.bullmq(redis.url);
    await untilSet(1);
    await inside.flushall();
    await untilSet(1);
    await world.expectEachOnce(1);
  });

  test("a restart of Redis with empty memory loses no message, sends none twice and is logged once", async () => {
    await world.bullmq(redis.url);
    await world.schedule(Array.from({ length: 300 }, (_, index) => index * 10));
    await Bun.sleep(800);
    await redis.restart();
    await world.expectEachOnce(300);
    await world.schedule([60_000]);
    await untilSet(1);
    expect(said(FAILS)).toBe(1);
  });

  test.each([
    ["is full", ["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"]],
    ["has become a replica", ["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"]],
  ] as const)("no message is delayed while Redis %s, and jobs are set again afterwards", async (_, refuse, relent) => {
    const driver = await world.bullmq(redis.url);
    const departureTimes = world.departures();
    await waitUntil("Redis works", async () => said(WORKS) === 1);
    const [refusing, ...how] = refuse;
    await inside.call(refusing, ...how);
    await waitUntil("it is noticed", async () => said(FAILS) === 1);
    const from = await world.schedule([0, 300]);
    driver.wake();
    await world.expectEachOnce(2);
    // The timer alone would take a minute.
    expect(Math.max(...departureTimes) - from).toBeLessThan(3_000);
    // The driver reconnects again and again meanwhile, without logging each attempt.
    await Bun.sleep(2_000);
    expect([said(WORKS), said(FAILS)]).toEqual([1, 1]);
    const [relenting, ...back] = relent;
    await inside.call(relenting, ...back);
    await world.schedule([60_000]);
    await untilSet(1);
  });

  describe("behind a network connection that fails", () => {
    let relay: TcpProxy;
    const behind = () => world.bullmq(`redis://127.0.0.1:${relay.port}`);
    beforeEach(() => {
      relay = new TcpProxy(Number(new URL(redis.url).port));
    });
    afterEach(() => relay.close());

    test("no message is delayed while Redis is unreachable from the start, one line is logged, and jobs are set once Redis is reachable", async () => {
      const driver = await behind();
      const departureTimes = world.departures();
      const from = await world.schedule([0, 300]);
      driver.wake();
      expect(driver.ping()).rejects.toThrow();
      await world.expectEachOnce(2);
      expect(Math.max(...departureTimes) - from).toBeLessThan(3_000);
      await Bun.sleep(500);
      expect([said(WORKS), said(FAILS)]).toEqual([0, 1]);

      await relay.open();
      await world.schedule([60_000]);
      await untilSet(1);
      await driver.ping();
      expect([said(WORKS), said(FAILS)]).toEqual([1, 1]);
    });

    test("messages are sent late but once while Redis hangs, and close does not wait for Redis", async () => {
      await relay.open();
      const driver = await behind();
      await waitUntil("Redis works", async () => said(WORKS) === 1);
      relay.dropBytes();
      await world.schedule([0, 100]);
      driver.wake();
      await world.expectEachOnce(2);
      expect(said(FAILS)).toBe(1);

      relay.dropBytes(false);
      await world.schedule([60_000]);
      await untilSet(1);
      relay.dropBytes();
      const asked = performance.now();
      await driver.close(5_000);
      expect(performance.now() - asked).toBeLessThan(2_000);
    });
  });
});
