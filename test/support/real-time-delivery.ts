import { expect } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eq, sql } from "drizzle-orm";
import { openStore } from "../../src/db/open.ts";
import { messages } from "../../src/db/schema/messages.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { openVault, signer } from "../../src/lib/crypto/secrets.ts";
import { createLog, type Log } from "../../src/lib/logger.ts";
import { systemRandom } from "../../src/lib/random.ts";
import { verifyLedger } from "../../src/modules/credits/verify.ts";
import { type BullmqOptions, startBullmq } from "../../src/modules/delivery/bullmq.ts";
import type { Driver } from "../../src/modules/delivery/driver.ts";
import { startEmbedded } from "../../src/modules/delivery/embedded.ts";
import { createEngine, type Engine } from "../../src/modules/delivery/engine.ts";
import { launchSeededCampaign, seedBrand, seedContacts } from "../../src/simulator/seed.ts";
import { createTestDatabase } from "./database.ts";
import { TEST_LEDGER_KEY } from "./ledger-key.ts";
import { ScriptedChannel } from "./scripted-channel.ts";
import { waitUntil } from "./servers/temp-server.ts";

export type RealTimeDelivery = Awaited<ReturnType<typeof startRealTimeDelivery>>;

/** Starts a store with scheduled messages, and engines under the drivers that wake them, in real time. */
export async function startRealTimeDelivery() {
  const folder = mkdtempSync(join(tmpdir(), "reprise-driver-"));
  const database = await createTestDatabase();
  const clock = systemClock;
  const store = await openStore({
    dataDir: folder,
    databaseUrl: database.url,
    clock,
    durability: "off",
    ledgerKey: TEST_LEDGER_KEY,
  });
  const channel = new ScriptedChannel();
  const logged: string[] = [];
  const log: Log = createLog("info", clock, (line) => logged.push(line));
  const key = new Uint8Array(32);
  const drivers: Driver[] = [];
  let brands = 0;
  const namespace = crypto.randomUUID();

  /** Starts a driver that `close` ends. */
  function keep(driver: Driver): Driver {
    drivers.push(driver);
    return driver;
  }

  const newEngine = (): Engine =>
    createEngine({
      store,
      channel,
      log,
      vault: openVault(key),
      signer: signer(key),
      publicUrl: "http://localhost",
      random: systemRandom,
      concurrency: 50,
      senderConcurrency: 50,
    });

  /** Inserts messages, each due so many milliseconds from now, without waking an engine. Returns the time they count from. */
  async function schedule(delays: readonly number[]): Promise<number> {
    const name = `brand${brands++}`;
    return store.write(async (tx) => {
      const brand = await seedBrand(tx, {
        name,
        ownerId: null,
        credits: delays.length,
        timezone: "UTC",
        postalAddress: "1 Main Street, Springfield",
        mailboxes: [{ email: `box@${name}.example`, displayName: name, dailyLimit: 10_000 }],
        campaign: { name, sendWindows: [], steps: [{ delayDays: 0, subject: "Hello", body: "Hello {{ firstName }}" }] },
      });
      const contact = { phone: null, firstName: "Jo", lastName: null, company: null, timezone: null, custom: {} };
      const people = delays.map((_, index) => ({ ...contact, email: `person${index}@${name}.example` }));
      await seedContacts(
        tx,
        brand,
        people.map((contact) => ({ verdict: "ok" as const, contact })),
      );
      await launchSeededCampaign(tx, brand, people.length);
      const rows = await tx.select({ id: messages.id }).from(messages).where(eq(messages.campaignId, brand.campaignId));
      for (const [index, { id }] of rows.entries()) {
        await tx.all(sql`update messages set run_at = ${tx.now + (delays[index] ?? 0)} where id = ${id}`);
      }
      return tx.now;
    });
  }

  const sent = () => store.read.$count(messages, eq(messages.status, "SENT"));

  return {
    channel,
    logged,
    schedule,
    newEngine,
    /** Prefix of this test's keys in Redis. */
    namespace,

    embedded(): Driver {
      return keep(startEmbedded(newEngine(), clock, log));
    },

    /** Starts BullMQ with a timer so slow that only BullMQ notices due messages, unless `options` say otherwise. */
    async bullmq(redisUrl: string, options: Partial<BullmqOptions> = {}): Promise<Driver> {
      const intervals = { pollIntervalMs: 200, wakeupGraceMs: 60_000, maxSleepMs: 60_000 };
      const given = { redisUrl, namespace, read: store.read, clock, log };
      return keep(await startBullmq(newEngine(), { ...given, ...intervals, ...options }));
    },

    rows: () => store.read.select().from(messages).orderBy(messages.id),

    /** Records from now on when each message is sent. */
    departures(): number[] {
      const moments: number[] = [];
      const send = channel.send.bind(channel);
      channel.send = (envelope) => {
        moments.push(clock.now());
        return send(envelope);
      };
      return moments;
    },

    /** Asserts that each message is sent exactly once. */
    async expectEachOnce(count: number): Promise<void> {
      await waitUntil(`${count} messages are sent`, async () => (await sent()) === count);
      expect(channel.sent).toHaveLength(count);
      expect(new Set(channel.recipients).size).toBe(count);
    },

    /** Ends all drivers and asserts that the ledger verifies. */
    async close(): Promise<void> {
      await Promise.all(drivers.map((driver) => driver.close(5_000)));
      expect((await verifyLedger(store.read)).drifts).toEqual([]);
      await store.close();
      await database.drop();
      rmSync(folder, { recursive: true });
    },
  };
}
