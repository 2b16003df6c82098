import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { openStore } from "../src/db/open.ts";
import { brands } from "../src/db/schema/brands.ts";
import type { Store } from "../src/db/store.ts";
import { hold, settle } from "../src/modules/credits/holds.ts";
import { grant } from "../src/modules/credits/ledger.ts";
import { verifyLedger } from "../src/modules/credits/verify.ts";
import { createTestDatabase } from "../test/support/database.ts";
import { TEST_LEDGER_KEY } from "../test/support/ledger-key.ts";
import { findPostgres, startPostgres } from "../test/support/servers/postgres.ts";
import { formatSpread, printHeading, printRow } from "./report.ts";

const ENTRIES = 1_000_000;
const BRANDS = 20;
const BATCH_MESSAGES = 400;
const TIMED_ROUNDS = 20;

/**
 * Measures messages reserved and settled a second, durable on disk and 400 per commit as in the delivery engine, and ledger
 * entries verified a second on a million, one of which was tampered with.
 */
export async function benchLedger(): Promise<void> {
  await benchDatabase();
  if (process.env.DATABASE_URL || findPostgres() === null) return;
  const server = await startPostgres({ durable: true });
  const env = { ...process.env, DATABASE_URL: server.url };
  const stdio = ["ignore", "inherit", "inherit"] as const;
  await Bun.spawn([process.execPath, join(import.meta.dir, "run.ts"), "ledger"], { env, stdio: [...stdio] }).exited;
  await server.stop();
}

async function benchDatabase(): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), "reprise-bench-"));
  const database = await createTestDatabase();
  printHeading(`The ledger on ${database.url === null ? "SQLite" : "Postgres"}`);
  const store = await openStore({ dataDir, databaseUrl: database.url, ledgerKey: TEST_LEDGER_KEY });
  try {
    const brandIds = await createBrands(store);
    const rates: number[] = [];
    let written = BRANDS;
    for (let round = 0; written < ENTRIES; round++) {
      const started = performance.now();
      written += await reserveAndSettle(store, brandIds[round % BRANDS] ?? "");
      if (round >= 5 && round < 5 + TIMED_ROUNDS) rates.push((BATCH_MESSAGES / (performance.now() - started)) * 1000);
    }
    printRow("messages reserved and settled a second", formatSpread(rates));
    const memory = process.memoryUsage.rss();
    const started = performance.now();
    const clean = await store.snapshot((read) => verifyLedger(read));
    const seconds = (performance.now() - started) / 1000;
    printRow(`entries verified a second, of ${clean.entries}`, formatSpread([clean.entries / seconds]));
    printRow("additional memory, MiB", ((process.memoryUsage.rss() - memory) / 2 ** 20).toFixed(0));
    if (!clean.ok) throw new Error("the ledger does not balance");
    await store.write((tx) =>
      tx.all(sql`update ledger_entries set amount = amount + 500 where brand_id = ${brandIds[7]} and seq = 4711`),
    );
    const { faults } = await store.snapshot((read) => verifyLedger(read));
    for (const { brandId, seq, detail } of faults) console.log(`brand ${brandId}: entry ${seq} ${detail}`);
    if (faults.length !== 1) throw new Error("the changed entry was not found");
  } finally {
    await store.close();
    await database.drop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

function createBrands(store: Store): Promise<string[]> {
  return store.write(async (tx) => {
    const ids = Array.from({ length: BRANDS }, () => tx.newId());
    for (const id of ids) {
      await tx.insert(brands).values({ id, name: "Bench", createdAt: tx.now, updatedAt: tx.now });
      await grant(tx, { brandId: id, amount: 1_000_000_000, kind: "PURCHASED", reason: "bench" });
    }
    return ids;
  });
}

/** Reserves credits for a batch of messages in one commit and settles them in the next, as the delivery engine does. */
async function reserveAndSettle(store: Store, brandId: string): Promise<number> {
  const messageIds = await store.write(async (tx) => {
    const ids = Array.from({ length: BATCH_MESSAGES }, () => tx.newId());
    await hold(
      tx,
      ids.map((messageId) => ({
        messageId,
        brandId,
        campaignId: brandId,
        creditType: "EMAIL",
        amount: 1000,
        weight: 1000,
      })),
    );
    return ids;
  });
  await store.write((tx) => settle(tx, messageIds));
  return 2 * BATCH_MESSAGES;
}
