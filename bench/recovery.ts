import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { dialect } from "../src/db/dialect.ts";
import { openStore } from "../src/db/open.ts";
import { ledgerKey, masterKey } from "../src/secrets.ts";
import { findPostgres, startPostgres } from "../test/support/postgres.ts";
import { type Service, startService } from "../test/support/service.ts";
import { startSmtpServer, type TestSmtpServer } from "../test/support/smtpServer.ts";
import { until } from "../test/support/throwaway.ts";
import { castOutreach, launchOutreach } from "./contenders/outreach.ts";
import { fillPending } from "./contenders/pending.ts";
import { heading, median, row, spread } from "./report.ts";

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 7);
const PENDING = Number(process.env.BENCH_PENDING ?? (dialect === "sqlite" ? 5_000_000 : 1_000_000));
/** What is being sent when it is killed; more than all rounds can send. */
const CONTACTS = 20_000;
const LIVES = 300;

/** A service that was killed in the midst of sending: how soon it answers and sends again, with millions pending and none. */
export async function benchRecovery(): Promise<void> {
  const database = dialect === "sqlite" ? "SQLite" : "Postgres";
  heading(
    `After kill -9 on ${database}, ms, ${PENDING.toLocaleString("en-US")} pending against none, ${ROUNDS} in turn`,
  );
  const few = await open(0);
  const many = await open(PENDING);
  const rounds: { few: Times; many: Times }[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const both = { few: await live(few), many: await live(many) };
    // The first start follows no kill.
    if (round > 0) rounds.push(both);
  }
  for (const [what, name] of [
    ["exec to first 200", "answers"],
    ["exec to first mail that is new", "sends"],
  ] as const) {
    row(`${what}, none pending`, spread(rounds.map(({ few }) => few[name])));
    row(`${what}, ${PENDING.toLocaleString("en-US")} pending`, spread(rounds.map(({ many }) => many[name])));
    row("  the one against the other", median(rounds.map((r) => r.many[name] / r.few[name])).toFixed(2), "1.0");
  }
  row("claims found dead at a start", spread(rounds.map(({ many }) => many.lost)));
  for (const { service, outside, dataDir } of [few, many]) {
    await service.remove();
    await outside.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
  if (dialect === "sqlite") await benchOnPostgres();
}

interface Killed {
  service: Service;
  outside: TestSmtpServer;
  dataDir: string;
}

interface Times {
  answers: number;
  sends: number;
  /** Outcomes that nobody knows, of this start. */
  lost: number;
}

async function open(pending: number): Promise<Killed> {
  const dataDir = mkdtempSync(join(tmpdir(), "reprise-recovery-"));
  const outside = await startSmtpServer();
  const service = await startService({ dataDir, env: { SMTP_ALLOW_PRIVATE_HOSTS: "true", LOG_LEVEL: "warn" } });
  await service.stop();
  const store = await openStore({
    dataDir,
    databaseUrl: service.databaseUrl,
    durability: "off",
    ledgerKey: ledgerKey(masterKey(null, dataDir)),
  });
  await fillPending(store, pending);
  const plan = { name: "Recovery", contacts: CONTACTS, mailboxes: 20, stages: 2 };
  const brand = await castOutreach(store, plan);
  await store.write((tx) =>
    tx.all(sql`update email_accounts set host = '127.0.0.1', port = ${outside.port}, security = 'NONE'`),
  );
  await launchOutreach(store, brand, CONTACTS);
  await store.close();
  return { service, outside, dataDir };
}

/** Starts it, lets it send, and kills it. */
async function live({ service, outside }: Killed): Promise<Times> {
  const before = outside.received.length;
  const said = service.output().length;
  const started = performance.now();
  const times: Times = { answers: Number.NaN, sends: Number.NaN, lost: 0 };
  const starting = service.start();
  while (Number.isNaN(times.answers) || Number.isNaN(times.sends)) {
    if (Number.isNaN(times.sends) && outside.received.length > before) times.sends = performance.now() - started;
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
  await until("it sends", async () => outside.received.length > before + LIVES, 60_000);
  await service.kill();
  times.lost = Number(/outcomes unknown.*?"messages":(\d+)/.exec(service.output().slice(said))?.[1] ?? 0);
  return times;
}

/** The same in another process: which database one speaks is settled when it starts. */
async function benchOnPostgres(): Promise<void> {
  if (!findPostgres()) return console.log("Postgres: skipped, it is not installed");
  const postgres = await startPostgres({ durable: true });
  const env = { ...process.env, DATABASE_URL: await postgres.createDatabase() };
  const command = [process.execPath, join(import.meta.dir, "run.ts"), "recovery"];
  await Bun.spawn(command, { env, stdio: ["ignore", "inherit", "inherit"] }).exited;
  await postgres.stop();
}
