import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createReadyBrand, launchCampaign, type ReadyBrand } from "../support/api-campaign.ts";
import { findRedis, type RedisServer, startRedis } from "../support/servers/redis.ts";
import { startSmtpServer, type TestSmtpServer } from "../support/servers/smtp-server.ts";
import { TcpProxy } from "../support/servers/tcp-proxy.ts";
import { waitUntil } from "../support/servers/temp-server.ts";
import { type Service, startService } from "../support/service.ts";

// Run the whole program with REDIS_URL and interrupt Redis: follow-ups are sent in any case.

setDefaultTimeout(60_000);

const missing = findRedis() === null ? " (skipped: Redis is not installed)" : "";

describe.skipIf(missing !== "")(`service with Redis${missing}`, () => {
  let redis: RedisServer;
  let relay: TcpProxy;
  let outside: TestSmtpServer;
  let service: Service;
  let brand: ReadyBrand;

  beforeAll(async () => {
    redis = await startRedis();
    relay = new TcpProxy(Number(new URL(redis.url).port));
    outside = await startSmtpServer();
    const env = { REDIS_URL: `redis://127.0.0.1:${relay.port}`, SMTP_ALLOW_PRIVATE_HOSTS: "true" };
    service = await startService({ env });
    const mailboxes = ["ann@brand.example"];
    const order = { name: "Redis", smtpPort: outside.port, mailboxes, credits: 1000 };
    brand = await createReadyBrand(service, await service.admin(), order);
  });
  afterAll(async () => {
    await service.remove();
    await outside.stop();
    await relay.close();
    await redis.stop();
  });

  const health = () => service.api("GET", "/api/health/redis");
  const countLogged = (event: string) => service.output().split(`"event":"${event}`).length - 1;

  let campaigns = 0;
  /** Launches a campaign and expects each contact to get both mails, once. */
  async function expectSending(): Promise<void> {
    const before = outside.received.length;
    const people = ["ada", "bob", "cyd"].map((name) => ({ email: `${name}.${campaigns}@client.example` }));
    const stages = [{ subject: "Hello", body: "May I ask you something?" }, { body: "Did you see my mail?" }];
    const id = await launchCampaign(brand, { name: `Campaign ${campaigns++}`, stages, people });
    type Stats = { queueStats: { waiting: number; active: number } };
    const idle = async () => {
      const { queueStats } = (await service.api<Stats>("GET", "/api/health/queue")).body;
      return queueStats.waiting + queueStats.active === 0;
    };
    await waitUntil("all messages are sent", idle);
    const sent = outside.received.slice(before);
    expect(sent).toHaveLength(2 * people.length);
    expect(new Set(sent.map(({ messageId }) => messageId)).size).toBe(sent.length);
    expect(id).toBeString();
  }

  /** Expects the health check to answer 503 within a second. */
  async function expectUnhealthy(): Promise<void> {
    const asked = performance.now();
    const answer = { status: "ERROR", service: "redis", mode: "redis", error: "Redis does not answer" };
    expect(await health()).toMatchObject({ status: 503, body: answer });
    expect(performance.now() - asked).toBeLessThan(1_000);
  }

  test("Redis down at the start: the service starts and sends", async () => {
    await expectUnhealthy();
    await expectSending();
    await expectUnhealthy();
  });

  test("Redis available later: the service connects and sends", async () => {
    await relay.open();
    await waitUntil("Redis answers", async () => (await health()).status === 200);
    expect((await health()).body).toMatchObject({ status: "OK", mode: "redis" });
    await waitUntil("the recovery is logged", async () => countLogged("redis.available") === 1);
    await expectSending();
  });

  test("Redis silent: the service sends without it, and uses it again when it responds", async () => {
    relay.dropBytes();
    await expectUnhealthy();
    await expectSending();
    relay.dropBytes(false);
    await waitUntil("Redis answers", async () => countLogged("redis.available") === 2);
    await expectSending();
  });

  test("connection to Redis closed: the service sends without it, and reconnects when it is back", async () => {
    await relay.close();
    await expectUnhealthy();
    await expectSending();
    await relay.open();
    await waitUntil("Redis answers", async () => countLogged("redis.available") === 3);
    await expectSending();
  });

  test("shutdown while Redis is silent: takes less than 5 s, and each change was logged once without other errors", async () => {
    relay.dropBytes();
    const asked = performance.now();
    expect(await service.stop()).toBe(0);
    expect(performance.now() - asked).toBeLessThan(5_000);
    expect(countLogged("redis.unavailable")).toBe(3);
    expect(countLogged("redis.available")).toBe(3);
    expect(service.output()).not.toMatch(/ioredis|unhandled|"level":"error"/i);
  });
});
