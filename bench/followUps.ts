import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { DAY, VirtualClock } from "../src/clock.ts";
import type { JudgedRow } from "../src/contacts/person.ts";
import { openStore } from "../src/db/open.ts";
import { startBullmq } from "../src/delivery/bullmq.ts";
import { createEngine } from "../src/delivery/engine.ts";
import { createLog } from "../src/log.ts";
import { systemRandom } from "../src/random.ts";
import { openVault, signer } from "../src/secrets.ts";
import { castBrand, castContacts, castLaunch } from "../src/simulator/cast.ts";
import { findRedis, startRedis } from "../test/support/redis.ts";
import { heading, median, row, spread } from "./report.ts";

const ROUNDS = 5;
const MESSAGES = 5000;
const BATCH = 500;

/**
 * Follow-ups per second through the embedded queue with the full protocol (gate, render, claim, send to a channel that
 * accepts at once, settle, ledger, next stage), durable on disk; against BullMQ doing nothing at all on the same machine.
 */
export async function benchFollowUps(): Promise<void> {
  heading(`Follow-ups a second, ${MESSAGES} each, ${ROUNDS} rounds in turn`);
  const redis = findRedis() === null ? null : await startRedis();
  const ours = await prepareReprise(null);
  const woken = redis === null ? null : await prepareReprise(redis.url);
  const theirs = redis === null ? null : await prepareBullmq(redis.url);
  const ourRates: number[] = [];
  const wokenRates: number[] = [];
  const theirRates: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const mine = await ours.run();
    const driven = (await woken?.run()) ?? Number.NaN;
    const other = (await theirs?.run()) ?? Number.NaN;
    // The first round warms both up.
    if (round === 0) continue;
    ourRates.push(mine);
    wokenRates.push(driven);
    theirRates.push(other);
  }
  row("Reprise, SQLite, synchronous=full, full protocol", spread(ourRates));
  if (theirs === null) console.log("BullMQ: skipped, redis-server is not installed");
  else {
    row("the same, woken by BullMQ", spread(wokenRates));
    row("BullMQ, Redis, no-op job, concurrency 100", spread(theirRates));
    row(
      "ratio, median of the rounds",
      median(ourRates.map((rate, index) => rate / (theirRates[index] ?? Number.NaN))).toFixed(2),
      ">= 1.0",
    );
  }
  await ours.close();
  await woken?.close();
  await theirs?.close();
  await redis?.stop();
}

async function prepareReprise(redisUrl: string | null) {
  const dataDir = mkdtempSync(join(tmpdir(), "reprise-bench-"));
  const clock = new VirtualClock(Date.now());
  const store = await openStore({ dataDir, databaseUrl: null, clock });
  const key = new Uint8Array(32);
  const log = createLog("silent", clock);
  let arrived = 0;
  let allArrived = () => {};
  const engine = createEngine({
    store,
    vault: openVault(key),
    signer: signer(key),
    publicUrl: "http://localhost:3000",
    channel: {
      async send() {
        if (++arrived % MESSAGES === 0) allArrived();
        return { kind: "accepted", providerId: "1" };
      },
      close: async () => {},
    },
    random: systemRandom,
    log,
    concurrency: 400,
    senderConcurrency: 400,
  });
  const steps = Array.from({ length: ROUNDS + 2 }, (_, stage) => ({
    delayDays: Math.min(stage, 1),
    subject: "For {{ firstName }}",
    body: "Hello {{ firstName }}, are you there?",
  }));
  const mailboxes = [{ email: "bench@brand.example", displayName: "Bench", dailyLimit: 10_000_000 }];
  const plan = {
    name: "Bench",
    timezone: "UTC",
    postalAddress: "1 Main Street",
    ownerId: null,
    mailboxes,
    credits: 1_000_000,
    campaign: { name: "Bench", sendWindows: [], steps },
  };
  const brand = await store.write((tx) => castBrand(tx, plan));
  for (let at = 0; at < MESSAGES; at += BATCH) {
    const people = Array.from(
      { length: BATCH },
      (_, index): JudgedRow => ({
        verdict: "ok",
        contact: {
          email: `p${at + index}@person.example`,
          phone: null,
          firstName: "Ann",
          lastName: null,
          company: null,
          timezone: null,
          custom: {},
        },
      }),
    );
    await store.write((tx) => castContacts(tx, brand, people));
  }
  await store.write((tx) => castLaunch(tx, brand, MESSAGES));
  // The opening is sent beforehand: what is measured are follow-ups.
  await engine.runDue();
  await engine.drain();
  const driver = redisUrl
    ? await startBullmq(engine, { redisUrl, namespace: "bench", read: store.read, clock, log })
    : null;
  return {
    async run(): Promise<number> {
      clock.advance(DAY + 1000);
      const { promise, resolve } = Promise.withResolvers<void>();
      allArrived = resolve;
      const started = performance.now();
      if (driver) driver.wake();
      else await engine.runDue();
      await promise;
      await engine.drain();
      return (MESSAGES / (performance.now() - started)) * 1000;
    },
    async close() {
      await driver?.close(1000);
      await store.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

async function prepareBullmq(url: string) {
  const connection = () => new Redis(url, { maxRetriesPerRequest: null });
  const producer = connection();
  const consumer = connection();
  const queue = new Queue("bench", { connection: producer, defaultJobOptions: { removeOnComplete: true } });
  return {
    async run(): Promise<number> {
      for (let at = 0; at < MESSAGES; at += BATCH)
        await queue.addBulk(Array.from({ length: BATCH }, () => ({ name: "noop", data: {} })));
      const started = performance.now();
      let done = 0;
      const { promise, resolve } = Promise.withResolvers<void>();
      const worker = new Worker("bench", async () => {}, { connection: consumer, concurrency: 100 });
      worker.on("completed", () => {
        if (++done === MESSAGES) resolve();
      });
      await promise;
      const rate = (MESSAGES / (performance.now() - started)) * 1000;
      await worker.close();
      return rate;
    },
    async close() {
      await queue.close();
      producer.disconnect();
      consumer.disconnect();
    },
  };
}
