import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";
import { seededRandom } from "../../src/lib/random.ts";
import {
  createReadyBrand,
  getBrandBalance,
  launchCampaign,
  listAllPages,
  listCampaignMessages,
  type MessageView,
  type ReadyBrand,
} from "../support/api-campaign.ts";
import { startSmtpServer, type TestSmtpServer } from "../support/servers/smtp-server.ts";
import { waitUntil } from "../support/servers/temp-server.ts";
import { type Service, startService } from "../support/service.ts";

// Kill the process at random times and check that no message and no credit is lost or doubled. The log of the
// external mail server is the reference. Longer run with the shipped binary:
// KILLS=200 KILL_SEED=1 REPRISE_BINARY=dist/reprise bun test test/faults/process-kill.e2e.test.ts

const KILLS = Number(process.env.KILLS ?? 12);
const SEED = process.env.KILL_SEED ?? String(Math.floor(Math.random() * 1e9));
const PEOPLE = 60;
const GRANTED = 1_000_000;
const STAGES = [
  { subject: "Hello {{ firstName }}", body: "May I ask you something?" },
  { body: "Did you see my mail?" },
  { body: "Then I will not write again." },
];

const random = seededRandom(SEED);
const delay = seededRandom(`${SEED} outside`);
const folder = mkdtempSync(join(tmpdir(), "reprise-kill-"));
const acceptedFile = join(folder, "accepted");
const shortly = () => delay() * 15;
let outside: TestSmtpServer;
let service: Service;
let admin: string;
let brand: ReadyBrand;

beforeAll(async () => {
  console.log(`kill -9: ${KILLS} times, seed ${SEED}`);
  writeFileSync(acceptedFile, "");
  outside = await startSmtpServer({ acceptedFile, delayMs: shortly, replyDelayMs: shortly });
  service = await startService({ env: { SMTP_ALLOW_PRIVATE_HOSTS: "true" } });
  admin = await service.admin();
  const mailboxes = ["ann", "ben", "cat", "dan", "eve", "fay"].map((name) => `${name}@brand.example`);
  brand = await createReadyBrand(service, admin, { name: "Kill", smtpPort: outside.port, mailboxes, credits: GRANTED });
}, 60_000);

afterAll(async () => {
  await service.remove();
  await outside.stop();
  rmSync(folder, { recursive: true });
});

/** Lists the ids of the messages that the mail server accepted, one per acceptance. */
function accepted(): string[] {
  return [...readFileSync(acceptedFile, "utf8").matchAll(/^<([\w-]+)@brand\.example> /gm)].map(([, id = ""]) => id);
}

async function queue(): Promise<{ waiting: number; active: number }> {
  type Health = { queueStats: { waiting: number; active: number } };
  return (await service.api<Health>("GET", "/api/health/queue")).body.queueStats;
}

async function expectBalancedLedger(): Promise<void> {
  const { body } = await service.api("POST", "/api/auth/admin/verify-ledger", { token: admin, body: {} });
  expect(body).toMatchObject({ success: true, ok: true, drifts: [] });
}

let launches = 0;
/**
 * Launches another campaign. The process may be killed during the launch, so errors are ignored; the service decides
 * whether the launch counts.
 */
async function launchAnother(): Promise<void> {
  const number = ++launches;
  const people = Array.from({ length: PEOPLE }, (_, n) => ({
    email: `p${n}.${number}@client.example`,
    firstName: "Jo",
  }));
  await launchCampaign(brand, { name: `Campaign ${number}`, stages: STAGES, people }).catch(() => {});
}

/** Kills the process at a random time: while it starts, or while it launches, sends and settles. */
async function killAtRandomTime(): Promise<void> {
  if (random() < 0.2) {
    const starting = service.start().catch(() => {});
    await Bun.sleep(random() * 400);
    await service.kill();
    await starting;
    return;
  }
  await service.start();
  await expectBalancedLedger();
  const launching = (await queue()).waiting < 2 * PEOPLE ? launchAnother() : null;
  await Bun.sleep(random() * 700);
  await service.kill();
  await launching;
}

/**
 * Expires the claims of dead processes on Postgres, where a replica's claim ends with its lease. On SQLite a restart
 * ends them.
 */
async function expireClaims(): Promise<void> {
  const url = service.databaseUrl;
  if (url === null) return;
  // Saves waiting for the lease of five minutes.
  const sql = postgres(url, { max: 1 });
  await sql`update messages set lease_until = 0 where status = 'SENDING'`;
  await sql.end();
}

async function launched(): Promise<string[]> {
  const campaigns = await listAllPages<{ id: string; launchedAt: string | null }>(brand, "/api/campaigns");
  return campaigns.filter(({ launchedAt }) => launchedAt !== null).map(({ id }) => id);
}

async function allMessages(): Promise<MessageView[]> {
  const messages: MessageView[] = [];
  for (const id of await launched()) messages.push(...(await listCampaignMessages(brand, id)));
  return messages;
}

const isUnknown = ({ status, errorMessage }: MessageView) => status === "PENDING" && errorMessage === "OUTCOME_UNKNOWN";

/** Waits until everything that can be sent is sent, and returns all messages. */
async function settle(): Promise<MessageView[]> {
  await waitUntil("no message waits", async () => (await queue()).waiting === 0, 60_000);
  let messages = await allMessages();
  const isSettled = async () => {
    messages = await allMessages();
    return (await queue()).waiting === 0 && messages.every((row) => row.status !== "PENDING" || isUnknown(row));
  };
  await waitUntil("each message is sent or unknown", isSettled, 60_000);
  return messages;
}

/**
 * Compares the service with the mail server: both agree on every message, except on those the service reports as
 * unknown.
 */
async function expectAgreement(messages: MessageView[]): Promise<void> {
  const took = accepted();
  const taken = new Set(took);
  const byId = new Map(messages.map((row) => [row.id, row]));
  const sent = messages.filter(({ status }) => status === "SENT");
  const unknown = messages.filter(isUnknown);

  expect(took.length - taken.size).toBe(0);
  expect([...taken].filter((id) => byId.get(id)?.status !== "SENT" && !isUnknown(byId.get(id) ?? NO_MESSAGE))).toEqual(
    [],
  );
  expect(sent.filter(({ id }) => !taken.has(id))).toEqual([]);
  expect(messages.filter(({ status, errorMessage }) => status !== "SENT" && errorMessage === null)).toEqual([]);
  expect(await getBrandBalance(brand)).toMatchObject({
    creditAvailable: GRANTED - sent.length - unknown.length,
    totalReserved: unknown.length,
    totalUsed: sent.length,
  });
}
const NO_MESSAGE: MessageView = {
  id: "",
  contactId: "",
  stage: 0,
  status: "FAILED",
  errorMessage: null,
  processedAt: null,
  attempts: 0,
  subject: null,
  text: null,
};

test("shutdown while sending: running deliveries are completed and no outcome is unknown", async () => {
  await launchAnother();
  await waitUntil("the first message is sent", async () => accepted().length > 0);
  expect(await service.stop()).toBe(0);
  expect(accepted().length).toBeLessThan(PEOPLE * STAGES.length);
  await service.start();
  const messages = await settle();
  await expectAgreement(messages);
  expect(messages.filter(({ status }) => status !== "SENT")).toEqual([]);
  expect(messages).toHaveLength(PEOPLE * STAGES.length);
}, 60_000);

test(
  "kill -9 at random times: no message is sent twice or lost, and the ledger balances",
  async () => {
    const began = performance.now();
    await service.kill();
    for (let kill = 0; kill < KILLS; kill++) await killAtRandomTime();
    await service.start();
    await expectBalancedLedger();
    await waitUntil("no message waits", async () => (await queue()).waiting === 0, 120_000);
    await expireClaims();
    const messages = await settle();
    const seconds = Math.round((performance.now() - began) / 1000);

    const unknown = messages.filter(isUnknown);
    const taken = new Set(accepted());
    console.log(
      JSON.stringify({
        seed: SEED,
        kills: KILLS,
        seconds,
        campaigns: (await launched()).length,
        messages: messages.length,
        sent: messages.filter(({ status }) => status === "SENT").length,
        sentTwice: accepted().length - taken.size,
        unknown: unknown.length,
        unknownAndTaken: unknown.filter(({ id }) => taken.has(id)).length,
      }),
    );
    await expectAgreement(messages);
    expect(messages.filter(({ status }) => status === "FAILED" || status === "CANCELLED")).toEqual([]);
    // A kill while nothing is being sent proves nothing, so require an unknown outcome; a few kills may all miss.
    expect(unknown.length).toBeGreaterThanOrEqual(KILLS < 10 ? 0 : 1);
  },
  KILLS * 10_000 + 300_000,
);

test("resolving unknown outcomes from the mail server's log: each contact receives each stage exactly once", async () => {
  for (let round = 0; round < STAGES.length; round++) {
    const taken = new Set(accepted());
    for (const { id } of (await allMessages()).filter(isUnknown)) {
      const as = taken.has(id) ? "SENT" : "NOT_SENT";
      await brand.ask("POST", `/api/campaigns/outcome-unknown/${id}/resolve`, { as });
    }
    await settle();
  }
  const messages = await allMessages();
  await expectAgreement(messages);
  expect(messages.filter(({ status }) => status !== "SENT")).toEqual([]);
  expect(messages).toHaveLength((await launched()).length * PEOPLE * STAGES.length);
  const { exitCode, stdout } = await service.run(["ledger", "verify", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, drifts: [] });
  expect(exitCode).toBe(0);
}, 600_000);
