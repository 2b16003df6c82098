import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock as clock, type Instant } from "../../src/clock.ts";
import { openStore } from "../../src/db/open.ts";
import { startBullmq } from "../../src/delivery/bullmq.ts";
import { startEmbedded } from "../../src/delivery/embedded.ts";
import { createEngine } from "../../src/delivery/engine.ts";
import { createLog } from "../../src/log.ts";
import { systemRandom } from "../../src/random.ts";
import { openVault, signer } from "../../src/secrets.ts";
import { TEST_LEDGER_KEY } from "../../test/support/ledgerKey.ts";
import { takeOrders } from "./orders.ts";
import {
  acceptingChannel,
  castOutreach,
  launchOutreach,
  lookAtTables,
  makeDue,
  type OutreachPlan,
} from "./outreach.ts";
import { fillPending } from "./pending.ts";
import { tableSizes } from "./tableSizes.ts";

// The delivery engine with its driver, on the database of DATABASE_URL or a SQLite file, woken by Redis when REDIS_URL is set.

const { DATABASE_URL: databaseUrl = null, REDIS_URL: redisUrl } = process.env;
const dataDir = mkdtempSync(join(tmpdir(), "reprise-bench-"));
process.on("exit", () => rmSync(dataDir, { recursive: true, force: true }));
const store = await openStore({ dataDir, databaseUrl, ledgerKey: TEST_LEDGER_KEY });
const log = createLog("warn", clock);
const key = new Uint8Array(32);
const post = { vault: openVault(key), signer: signer(key), publicUrl: "http://localhost:3000" };

let sent = 0;
let due = new Map<string, Instant>();
let lateness: number[] = [];
const channel = acceptingChannel((messageId) => {
  sent++;
  const at = due.get(messageId);
  if (at !== undefined) lateness.push(clock.now() - at);
});
const width = { concurrency: 400, senderConcurrency: 400 };
const engine = createEngine({ ...post, ...width, store, channel, random: systemRandom, log });
const driver = redisUrl
  ? await startBullmq(engine, { redisUrl, namespace: databaseUrl?.slice(-1) ?? "file", read: store.read, clock, log })
  : startEmbedded(engine, clock, log);

takeOrders({
  fill: (count: number) => fillPending(store, count),
  async cast(plan: OutreachPlan) {
    const brand = await castOutreach(store, plan);
    await launchOutreach(store, brand, plan.contacts);
    driver.wake();
    return brand;
  },
  async due({ campaignId, stage, at, perSecond }: DueOrder) {
    lateness = [];
    due = await makeDue(store, campaignId, stage, at, perSecond);
    return due.size;
  },
  analyze: () => lookAtTables(store),
  wake: () => driver.wake(),
  sent: () => sent,
  /** Waits until all sent messages are settled, and returns the time. */
  async settled() {
    await engine.drain();
    return Date.now();
  },
  lateness: () => lateness,
  /** Returns the microseconds of processor time and the bytes written to disk so far. */
  async spent() {
    const { user, system } = process.cpuUsage();
    const written = /^write_bytes: (\d+)/m.exec(await Bun.file("/proc/self/io").text())?.[1];
    return { microseconds: user + system, written: Number(written) };
  },
  /** Creates brands with a mailbox and an empty campaign each. */
  async brands(count: number) {
    for (let i = 0; i < count; i++)
      await castOutreach(store, { name: `Brand${i}`, contacts: 0, mailboxes: 1, stages: 3 });
  },
  sizes: () => tableSizes(store),
  async close() {
    await driver.close(1000);
    await store.close();
  },
});

export interface DueOrder {
  campaignId: string;
  stage: number;
  at: Instant;
  perSecond: number | null;
}
