import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type BrandAtWork, launchCampaign, setUpBrand } from "./support/campaign.ts";
import { findRedis, type RedisServer, startRedis } from "./support/redis.ts";
import { Relay } from "./support/relay.ts";
import { type Service, startService } from "./support/service.ts";
import { startSmtpServer, type TestSmtpServer } from "./support/smtpServer.ts";
import { until } from "./support/throwaway.ts";

// The whole program with REDIS_URL: Redis may come and go, follow-ups leave.

setDefaultTimeout(60_000);

const missing = findRedis() === null ? " (skipped: Redis is not installed)" : "";

describe.skipIf(missing !== "")(`a service with Redis${missing}`, () => {
  let redis: RedisServer;
  let relay: Relay;
  let outside: TestSmtpServer;
  let service: Service;
  let brand: BrandAtWork;

  beforeAll(async () => {
    redis = await startRedis();
    relay = new Relay(Number(new URL(redis.url).port));
    outside = await startSmtpServer();
    const env = { REDIS_URL: `redis://127.0.0.1:${relay.port}`, SMTP_ALLOW_PRIVATE_HOSTS: "true" };
    service = await startService({ env });
    const mailboxes = ["ann@brand.example"];
    const order = { name: "Redis", smtpPort: outside.port, mailboxes, credits: 1000 };
    brand = await setUpBrand(service, await service.admin(), order);
  });
  afterAll(async () => {
    await service.remove();
    await outside.stop();
    await relay.close();
    await redis.stop();
  });

  const health = () => service.api("GET", "/api/health/redis");
  const said = (event: string) => service.output().split(`"event":"${event}`).length - 1;

  let campaigns = 0;
  /** Everybody gets both mails, once. */
  async function expectItSends(): Promise<void> {
    const before = outside.received.length;
    const people = ["ada", "bob", "cyd"].map((name) => ({ email: `${name}.${campaigns}@client.example` }));
    const stages = [{ subject: "Hello", body: "May I ask you something?" }, { body: "Did you see my mail?" }];
    const id = await launchCampaign(brand, { name: `Campaign ${campaigns++}`, stages, people });
    type Stats = { queueStats: { waiting: number; active: number } };
    const idle = async () => {
      const { queueStats } = (await service.api<Stats>("GET", "/api/health/queue")).body;
      return queueStats.waiting + queueStats.active === 0;
    };
    await until("everything is sent", idle);
    const sent = outside.received.slice(before);
    expect(sent).toHaveLength(2 * people.length);
    expect(new Set(sent.map(({ messageId }) => messageId)).size).toBe(sent.length);
    expect(id).toBeString();
  }

  /** What the health door says, and that it says so within a second. */
  async function expectUnhealthy(): Promise<void> {
    const asked = performance.now();
    const answer = { status: "ERROR", service: "redis", mode: "redis", error: "Redis does not answer" };
    expect(await health()).toMatchObject({ status: 503, body: answer });
    expect(performance.now() - asked).toBeLessThan(1_000);
  }

  test("starts and sends though Redis is down", async () => {
    await expectUnhealthy();
    await expectItSends();
    await expectUnhealthy();
  });

  test("goes on with Redis once it is there", async () => {
    await relay.open();
    await until("Redis answers", async () => (await health()).status === 200);
    expect((await health()).body).toMatchObject({ status: "OK", mode: "redis" });
    await until("it is said", async () => said("redis.available") === 1);
    await expectItSends();
  });

  test("goes on without Redis when it hangs, and with it when it moves again", async () => {
    relay.silence();
    await expectUnhealthy();
    await expectItSends();
    relay.silence(false);
    await until("Redis answers", async () => said("redis.available") === 2);
    await expectItSends();
  });

  test("goes on without Redis when it dies, and with it when it is back", async () => {
    await relay.close();
    await expectUnhealthy();
    await expectItSends();
    await relay.open();
    await until("Redis answers", async () => said("redis.available") === 3);
    await expectItSends();
  });

  test("stops soon while Redis hangs, and has said each change once and nothing else", async () => {
    relay.silence();
    const asked = performance.now();
    expect(await service.stop()).toBe(0);
    expect(performance.now() - asked).toBeLessThan(5_000);
    expect(said("redis.unavailable")).toBe(3);
    expect(said("redis.available")).toBe(3);
    expect(service.output()).not.toMatch(/ioredis|unhandled|"level":"error"/i);
  });
});
