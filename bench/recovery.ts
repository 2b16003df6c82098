import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { dialect } from "../src/db/dialect.ts";
import { openStore } from "../src/db/open.ts";
import { ledgerKey, masterKey } from "../src/lib/crypto/secrets.ts";
import { findPostgres, startPostgres } from "../test/support/servers/postgres.ts";
import { startSmtpServer, type TestSmtpServer } from "../test/support/servers/smtp-server.ts";
import { waitUntil } from "../test/support/servers/temp-server.ts";
import { type Service, startService } from "../test/support/service.ts";
import { launchOutreach, seedOutreach } from "./contenders/outreach.ts";
import { insertPendingMessages } from "./contenders/pending.ts";
import { formatSpread, median, printHeading, printRow } from "./report.ts";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 7);
const PENDING = Number(process.env.BENCH_PENDING ?? (dialect === "sqlite" ? 5_000_000 : 1_000_000));
/** Messages that are being sent when the service is killed; more than all rounds can send. */
const CONTACTS = 20_000;
const SENDS_BEFORE_KILL = 300;

/** Measures how soon a service that was killed while sending responds and sends again, with millions of messages pending and none. */
export async function benchRecovery(): Promise<void> {
  const database = dialect === "sqlite" ? "SQLite" : "Postgres";
  printHeading(
    `After kill -9 on ${database}, ms, ${PENDING.toLocaleString("en-US")} pending against none, ${ROUNDS} alternating rounds`,
  );
  const few = await open(0);
  const many = await open(PENDING);
  const rounds: { few: Times; many: Times }[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const both = { few: await runUntilKill(few), many: await runUntilKill(many) };
    // No kill precedes the first start.
    if (round > 0) rounds.push(both);
  }
  for (const [what, name] of [
    ["exec to first 200", "answers"],
    ["exec to first new mail", "sends"],
  ] as const) {
    printRow(`${what}, none pending`, formatSpread(rounds.map(({ few }) => few[name])));
    printRow(`${what}, ${PENDING.toLocaleString("en-US")} pending`, formatSpread(rounds.map(({ many }) => many[name])));
    printRow("  many against few", median(rounds.map((r) => r.many[name] / r.few[name])).toFixed(2), "1.0");
  }
  printRow("unknown outcomes at a start", formatSpread(rounds.map(({ many }) => many.lost)));
  for (const { service, mailServer, dataDir } of [few, many]) {
    await service.remove();
    await mailServer.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
  if (dialect === "sqlite") await benchOnPostgres();
}

interface Target {
  service: Service;
  mailServer: TestSmtpServer;
  dataDir: string;
}

interface Times {
  answers: number;
  sends: number;
  /** Messages of unknown outcome at this start. */
  lost: number;
}

async function open(pending: number): Promise<Target> {
  const dataDir = mkdtempSync(join(tmpdir(), "reprise-recovery-"));
  const mailServer = await startSmtpServer();
  const service = await startService({ dataDir, env: { SMTP_ALLOW_PRIVATE_HOSTS: "true", LOG_LEVEL: "warn" } });
  await service.stop();
  const store = await openStore({
    dataDir,
    databaseUrl: service.databaseUrl,
    durability: "off",
    ledgerKey: ledgerKey(masterKey(null, dataDir)),
  });
  await insertPendingMessages(store, pending);
  const plan = { name: "Recovery", contacts: CONTACTS, mailboxes: 20, stages: 2 };
  const brand = await seedOutreach(store, plan);
  await store.write((tx) =>
    tx.all(sql`update email_accounts set host = '127.0.0.1', port = ${mailServer.port}, security = 'NONE'`),
  );
  await launchOutreach(store, brand, CONTACTS);
  await store.close();
  return { service, mailServer, dataDir };
}

/** Starts the service, lets it send, and kills it. */
async function runUntilKill({ service, mailServer }: Target): Promise<Times> {
  const before = mailServer.received.length;
  const outputBefore = service.output().length;
  const started = performance.now();
  const times: Times = { answers: Number.NaN, sends: Number.NaN, lost: 0 };
  const starting = service.start();
  while (Number.isNaN(times.answers) || Number.isNaN(times.sends)) {
    if (Number.isNaN(times.sends) && mailServer.received.length > before) times.sends = performance.now() - started;
    if (Number.isNaN(times.answers)) {
      const isUp = await fetch(`${service.url}/api/health`).then(
        ({ ok }) => ok,
        () => false,
      );
      if (isUp) times.answers = performance.now() - started;
    }
    await Bun.sleep(1);
  }
  await starting;
  await waitUntil("it sends", async () => mailServer.received.length > before + SENDS_BEFORE_KILL, 60_000);
  await service.kill();
  times.lost = Number(
    /"delivery\.outcomes_unknown".*?"messages":(\d+)/.exec(service.output().slice(outputBefore))?.[1] ?? 0,
  );
  return times;
}

/** Runs the same in another process, because a process supports one database. */
async function benchOnPostgres(): Promise<void> {
  if (!findPostgres()) return console.log("Postgres: skipped, it is not installed");
  const postgres = await startPostgres({ durable: true });
  const env = { ...process.env, DATABASE_URL: await postgres.createDatabase() };
  const command = [process.execPath, join(import.meta.dir, "run.ts"), "recovery"];
  await Bun.spawn(command, { env, stdio: ["ignore", "inherit", "inherit"] }).exited;
  await postgres.stop();
}
