import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { startRounds } from "../src/delivery/rounds.ts";
import { type FollowUps, startFollowUps } from "./support/followUps.ts";
import { findRedis, type RedisServer, startRedis } from "./support/redis.ts";
import { ACCEPTED } from "./support/scriptedChannel.ts";
import { until } from "./support/throwaway.ts";

// What tells the engine when to look. Which of them it is makes no difference to what is sent.

setDefaultTimeout(30_000);

let world: FollowUps;
let redis: RedisServer;

beforeAll(async () => {
  if (findRedis() !== null) redis = await startRedis();
});
afterAll(() => redis?.stop());
beforeEach(async () => {
  world = await startFollowUps();
});
afterEach(() => world.close());

test("rounds are not put off by being asked for all the time", async () => {
  let begun = 0;
  const rounds = startRounds(async () => {
    begun++;
    return 60_000;
  });
  const deadline = Date.now() + 300;
  while (Date.now() < deadline) {
    rounds.soon();
    await new Promise((resolve) => setImmediate(resolve));
  }
  rounds.stop();
  expect(begun).toBeGreaterThan(50);
});

describe.each([
  ["embedded", async () => world.embedded()],
  ["bullmq", () => world.bullmq(redis.url)],
] as const)(`the %s driver`, (name, start) => {
  const skips = name === "bullmq" && findRedis() === null;
  const check = (what: string, prove: () => Promise<void>) =>
    test.skipIf(skips)(skips ? `${what} (skipped: Redis is not installed)` : what, prove);

  check("sends what is due when it starts", async () => {
    await world.schedule([0, 0, 0]);
    await start();
    await world.expectEachOnce(3);
  });

  check("sends a message when it is due, and not before", async () => {
    const moments = world.departures();
    const from = await world.schedule([300, 700]);
    await start();
    await world.expectEachOnce(2);
    const [first = 0, second = 0] = moments.map((moment) => moment - from);
    expect(first).toBeGreaterThanOrEqual(300);
    expect(first).toBeLessThan(600);
    expect(second).toBeGreaterThanOrEqual(700);
    expect(second).toBeLessThan(1_000);
  });

  check("is woken by what is scheduled while it sleeps, for now and for later", async () => {
    const driver = await start();
    await Bun.sleep(300);
    const moments = world.departures();
    const from = await world.schedule([0, 400]);
    driver.wake();
    await world.expectEachOnce(2);
    const [first = 0, second = 0] = moments.map((moment) => moment - from);
    expect(first).toBeLessThan(300);
    expect(second).toBeGreaterThanOrEqual(400);
    expect(second).toBeLessThan(700);
  });

  check("sends 500 messages once each, however often it is woken", async () => {
    const driver = await start();
    await world.schedule(Array.from({ length: 500 }, (_, index) => index % 400));
    const waking = setInterval(() => driver.wake(), 1);
    await world.expectEachOnce(500);
    clearInterval(waking);
  });

  check("lets what is on its way come back before it closes, and sends nothing more", async () => {
    const arrive = world.channel.holdNext();
    const driver = await start();
    await world.schedule([0]);
    driver.wake();
    await until("it is on its way", async () => world.channel.sent.length === 1);
    let closed = false;
    const closing = driver.close(5_000).then(() => {
      closed = true;
    });
    await world.schedule([0]);
    driver.wake();
    await Bun.sleep(200);
    expect(closed).toBe(false);
    arrive(ACCEPTED);
    await closing;
    expect((await world.rows()).map(({ status }) => status)).toEqual(["SENT", "PENDING"]);
    expect(world.channel.sent).toHaveLength(1);
  });

  check("closes in time though something never comes back", async () => {
    const arrive = world.channel.holdNext();
    await world.schedule([0]);
    const driver = await start();
    await until("it is on its way", async () => world.channel.sent.length === 1);
    const asked = performance.now();
    await driver.close(300);
    expect(performance.now() - asked).toBeLessThan(1_000);
    arrive(ACCEPTED);
  });
});
