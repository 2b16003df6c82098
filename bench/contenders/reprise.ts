import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "../../src/db/open.ts";
import { systemClock as clock, type Instant } from "../../src/lib/clock.ts";
import { openVault, signer } from "../../src/lib/crypto/secrets.ts";
import { createLog } from "../../src/lib/logger.ts";
import { systemRandom } from "../../src/lib/random.ts";
import { startBullmq } from "../../src/modules/delivery/bullmq.ts";
import { startEmbedded } from "../../src/modules/delivery/embedded.ts";
import { createEngine } from "../../src/modules/delivery/engine.ts";
import { TEST_LEDGER_KEY } from "../../test/support/ledger-key.ts";
import {
  analyzeTables,
  createAcceptingChannel,
  launchOutreach,
  makeDue,
  type OutreachPlan,
  seedOutreach,
} from "./outreach.ts";
import { insertPendingMessages } from "./pending.ts";
import { serveRequests } from "./protocol.ts";
import { getTableSizes } from "./table-sizes.ts";

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
const channel = createAcceptingChannel((messageId) => {
  sent++;
  const at = due.get(messageId);
  if (at !== undefined) lateness.push(clock.now() - at);
});
const width = { concurrency: 400, senderConcurrency: 400 };
const engine = createEngine({ ...post, ...width, store, channel, random: systemRandom, log });
const driver = redisUrl
  ? await startBullmq(engine, { redisUrl, namespace: databaseUrl?.slice(-1) ?? "file", read: store.read, clock, log })
  : startEmbedded(engine, clock, log);

serveRequests({
  fill: (count: number) => insertPendingMessages(store, count),
  async seed(plan: OutreachPlan) {
    const brand = await seedOutreach(store, plan);
    await launchOutreach(store, brand, plan.contacts);
    driver.wake();
    return brand;
  },
  async due({ campaignId, stage, at, perSecond }: DueRequest) {
    lateness = [];
    due = await makeDue(store, campaignId, stage, at, perSecond);
    return due.size;
  },
  analyze: () => analyzeTables(store),
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
      await seedOutreach(store, { name: `Brand${i}`, contacts: 0, mailboxes: 1, stages: 3 });
  },
  sizes: () => getTableSizes(store),
  async close() {
    await driver.close(1000);
    await store.close();
  },
});

export interface DueRequest {
  campaignId: string;
  stage: number;
  at: Instant;
  perSecond: number | null;
}
