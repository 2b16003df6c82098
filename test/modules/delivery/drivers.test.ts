import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { startPollLoop } from "../../../src/modules/delivery/poll-loop.ts";
import { type RealTimeDelivery, startRealTimeDelivery } from "../../support/real-time-delivery.ts";
import { ACCEPTED } from "../../support/scripted-channel.ts";
import { findRedis, type RedisServer, startRedis } from "../../support/servers/redis.ts";
import { waitUntil } from "../../support/servers/temp-server.ts";

// Run the engine under each driver: which of them wakes the engine makes no difference to what is sent.

setDefaultTimeout(30_000);

let world: RealTimeDelivery;
let redis: RedisServer;

beforeAll(async () => {
  if (findRedis() !== null) redis = await startRedis();
});
afterAll(() => redis?.stop());
beforeEach(async () => {
  world = await startRealTimeDelivery();
});
afterEach(() => world.close());

test("poll loop: an iteration is not delayed by continuous wake-ups", async () => {
  let iterations = 0;
  const loop = startPollLoop(async () => {
    iterations++;
    return 60_000;
  });
  const deadline = Date.now() + 300;
  while (Date.now() < deadline) {
    loop.wake();
    await new Promise((resolve) => setImmediate(resolve));
  }
  loop.stop();
  expect(iterations).toBeGreaterThan(50);
});

describe.each([
  ["embedded", async () => world.embedded()],
  ["bullmq", () => world.bullmq(redis.url)],
] as const)(`the %s driver`, (name, start) => {
  const skips = name === "bullmq" && findRedis() === null;
  const check = (title: string, run: () => Promise<void>) =>
    test.skipIf(skips)(skips ? `${title} (skipped: Redis is not installed)` : title, run);

  check("due messages are sent at the start", async () => {
    await world.schedule([0, 0, 0]);
    await start();
    await world.expectEachOnce(3);
  });

  check("a message is sent when due, not before", async () => {
    const departureTimes = world.departures();
    const from = await world.schedule([300, 700]);
    await start();
    await world.expectEachOnce(2);
    const [first = 0, second = 0] = departureTimes.map((departureTime) => departureTime - from);
    expect(first).toBeGreaterThanOrEqual(300);
    expect(first).toBeLessThan(600);
    expect(second).toBeGreaterThanOrEqual(700);
    expect(second).toBeLessThan(1_000);
  });

  check("messages scheduled while the driver sleeps are sent after a wake-up, immediately or when due", async () => {
    const driver = await start();
    await Bun.sleep(300);
    const departureTimes = world.departures();
    const from = await world.schedule([0, 400]);
    driver.wake();
    await world.expectEachOnce(2);
    const [first = 0, second = 0] = departureTimes.map((departureTime) => departureTime - from);
    expect(first).toBeLessThan(300);
    expect(second).toBeGreaterThanOrEqual(400);
    expect(second).toBeLessThan(700);
  });

  check("500 messages are each sent once, however often the driver is woken", async () => {
    const driver = await start();
    await world.schedule(Array.from({ length: 500 }, (_, index) => index % 400));
    const waking = setInterval(() => driver.wake(), 1);
    await world.expectEachOnce(500);
    clearInterval(waking);
  });

  check("close waits for a message being sent, and no other message is sent", async () => {
    const arrive = world.channel.suspendNext();
    const driver = await start();
    await world.schedule([0]);
    driver.wake();
    await waitUntil("the message is being sent", async () => world.channel.sent.length === 1);
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

  check("close returns after its timeout although a message never gets a result", async () => {
    const arrive = world.channel.suspendNext();
    await world.schedule([0]);
    const driver = await start();
    await waitUntil("the message is being sent", async () => world.channel.sent.length === 1);
    const asked = performance.now();
    await driver.close(300);
    expect(performance.now() - asked).toBeLessThan(1_000);
    arrive(ACCEPTED);
  });
});
