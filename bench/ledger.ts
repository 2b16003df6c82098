import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { hold, settle } from "../src/credits/holds.ts";
import { grant } from "../src/credits/ledger.ts";
import { verifyLedger } from "../src/credits/verify.ts";
import { openStore } from "../src/db/open.ts";
import { brands } from "../src/db/schema/brands.ts";
import type { Store } from "../src/db/store.ts";
import { freshDatabase } from "../test/support/database.ts";
import { TEST_LEDGER_KEY } from "../test/support/ledgerKey.ts";
import { findPostgres, startPostgres } from "../test/support/postgres.ts";
import { heading, row, spread } from "./report.ts";

const ENTRIES = 1_000_000;
const BRANDS = 20;
const BATCH = 400;
const TIMED_ROUNDS = 20;

/**
 * Messages held for and settled a second, durable on disk and 400 to a commit, as the engine does it; and entries proved a
 * second on a ledger of a million, one of which was changed by hand.
 */
export async function benchLedger(): Promise<void> {
  await benchHere();
  if (process.env.DATABASE_URL || findPostgres() === null) return;
  const server = await startPostgres({ durable: true });
  const env = { ...process.env, DATABASE_URL: server.url };
  const stdio = ["ignore", "inherit", "inherit"] as const;
  await Bun.spawn([process.execPath, join(import.meta.dir, "run.ts"), "ledger"], { env, stdio: [...stdio] }).exited;
  await server.stop();
}

async function benchHere(): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), "reprise-bench-"));
  const database = await freshDatabase();
  heading(`The ledger on ${database.url === null ? "SQLite" : "Postgres"}`);
  const store = await openStore({ dataDir, databaseUrl: database.url, ledgerKey: TEST_LEDGER_KEY });
  try {
    const brandIds = await openBrands(store);
    const rates: number[] = [];
    let written = BRANDS;
    for (let round = 0; written < ENTRIES; round++) {
      const started = performance.now();
      written += await spend(store, brandIds[round % BRANDS] ?? "");
      if (round >= 5 && round < 5 + TIMED_ROUNDS) rates.push((BATCH / (performance.now() - started)) * 1000);
    }
    row("messages held for and settled a second", spread(rates));
    const memory = process.memoryUsage.rss();
    const started = performance.now();
    const clean = await store.snapshot((read) => verifyLedger(read));
    const seconds = (performance.now() - started) / 1000;
    row(`entries proved a second, of ${clean.entries}`, spread([clean.entries / seconds]));
    row("memory it took more, MiB", ((process.memoryUsage.rss() - memory) / 2 ** 20).toFixed(0));
    if (!clean.ok) throw new Error("the books do not balance");
    await store.write((tx) =>
      tx.all(sql`update ledger_entries set amount = amount + 500 where brand_id = ${brandIds[7]} and seq = 4711`),
    );
    const { faults } = await store.snapshot((read) => verifyLedger(read));
    for (const { brandId, seq, detail } of faults) console.log(`brand ${brandId}: entry ${seq} ${detail}`);
    if (faults.length !== 1) throw new Error("the changed entry was not named");
  } finally {
    await store.close();
    await database.drop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

function openBrands(store: Store): Promise<string[]> {
  return store.write(async (tx) => {
    const ids = Array.from({ length: BRANDS }, () => tx.newId());
    for (const id of ids) {
      await tx.insert(brands).values({ id, name: "Bench", createdAt: tx.now, updatedAt: tx.now });
      await grant(tx, { brandId: id, amount: 1_000_000_000, kind: "PURCHASED", reason: "bench" });
    }
    return ids;
  });
}

/** One batch of messages, paid for as the engine pays: held in one commit, settled in the next. */
async function spend(store: Store, brandId: string): Promise<number> {
  const messageIds = await store.write(async (tx) => {
    const ids = Array.from({ length: BATCH }, () => tx.newId());
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
  return 2 * BATCH;
}
