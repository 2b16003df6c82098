import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SQL } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import { Redis } from "ioredis";
import postgres from "postgres";
import { systemClock } from "../../src/lib/clock.ts";
import { seededRandom } from "../../src/lib/random.ts";
import { findTallyMismatches } from "../../src/modules/messages/tally-mismatches.ts";
import { World } from "../../src/simulator/world.ts";
import {
  type ContactOptions,
  createReadyBrand,
  getBrandBalance,
  launchCampaign,
  listAllPages,
  type MessageView,
  type ReadyBrand,
} from "../support/api-campaign.ts";
import { type Fleet, startFleet } from "../support/fleet.ts";
import type { Replica } from "../support/replica.ts";
import { findPostgres, type PostgresServer, startPostgres } from "../support/servers/postgres.ts";
import { findRedis, type RedisServer, startRedis } from "../support/servers/redis.ts";
import { startSmtpServer } from "../support/servers/smtp-server.ts";
import { waitUntil } from "../support/servers/temp-server.ts";
import { type InjectedFault, measureDelays } from "./delays.ts";
import { loadArrivals, waitForSend } from "./journal.ts";
import {
  CAMPAIGN_SIZE,
  FAULT_COUNTS,
  FOLLOW_UPS,
  IS_FULL_RUN,
  RUN_SECONDS,
  SEED,
  STEP_DELAY_MINUTES,
  SUSPEND_SECONDS,
} from "./run-size.ts";

// Kill, flush, restart and suspend replicas, Redis and Postgres under three replicas on Postgres and BullMQ. What was
// sent is taken from the simulator's journal, which outlives them. Run the full test, some 15 minutes with the released
// program: FAULT_FOLLOW_UPS=50000 REPRISE_BINARY=dist/reprise bun test test/faults/replica-failures.once.test.ts

const REPLICAS = 3;
const STAGES = 5;
const GRANTED = 10_000_000;
const PEOPLE = Math.round(FOLLOW_UPS / (STAGES - 1));
const CAMPAIGNS = Math.ceil(PEOPLE / CAMPAIGN_SIZE);
const ALL = PEOPLE * STAGES;

type Timed = MessageView & { scheduledTime: string };

const random = seededRandom(SEED);
const folder = mkdtempSync(join(tmpdir(), "reprise-faults-"));
const journal = join(folder, "arrived");
const missingServer = findPostgres() === null ? "PostgreSQL" : findRedis() === null ? "Redis" : null;

/** Returns contacts of the simulator who never end their conversation: each must get every stage. */
function patientPeople(count: number): ContactOptions[] {
  const world = new World(systemClock, "live");
  const people: ContactOptions[] = [];
  for (let n = 0; people.length < count; n++) {
    const email = `p${n}@client.example`;
    if (["silent", "out of office"].includes(world.getPersona(email).name)) people.push({ email, firstName: "Jo" });
  }
  return people;
}

describe.skipIf(missingServer !== null)(
  `faults${missingServer ? ` (skipped: ${missingServer} is not installed)` : ""}`,
  () => {
    let database: PostgresServer;
    let redis: RedisServer;
    let fleet: Fleet;
    let admin: string;
    let brand: ReadyBrand;
    const faults: InjectedFault[] = [];
    let parked = 0;
    let diedAlone = 0;
    const ids: string[] = [];

    beforeAll(async () => {
      console.log(`faults: ${FOLLOW_UPS} follow-ups, seed ${SEED}`);
      [database, redis] = await Promise.all([startPostgres(), startRedis()]);
      const env = {
        CHANNELS: "simulator",
        SIMULATOR_JOURNAL: journal,
        SMTP_ALLOW_PRIVATE_HOSTS: "true",
        REDIS_URL: redis.url,
      };
      const args = Array.from({ length: REPLICAS }, () => []);
      fleet = await startFleet({ args, env, databaseUrl: await database.createDatabase() });
      admin = await fleet.admin();
      // Only check that the mailboxes can log in: the simulator sends.
      const outside = await startSmtpServer();
      const mailboxes = Array.from({ length: IS_FULL_RUN ? 30 : 10 }, (_, n) => `m${n}@brand.example`);
      brand = await createReadyBrand(fleet, admin, {
        name: "Faults",
        smtpPort: outside.port,
        mailboxes,
        credits: GRANTED,
      });
      await outside.stop();
    }, 120_000);

    afterAll(async () => {
      await fleet.remove();
      await Promise.all([database.stop(), redis.stop()]);
      rmSync(folder, { recursive: true });
    }, 60_000);

    async function launchAll(): Promise<void> {
      const people = patientPeople(PEOPLE);
      const stages = Array.from({ length: STAGES }, (_, stage) => ({
        ...(stage === 0 ? { subject: "Hello {{ firstName }}" } : {}),
        body: `This is mail ${stage}.`,
        delay: { value: stage === 0 ? 0 : STEP_DELAY_MINUTES, unit: "MINUTES" as const },
      }));
      const begin = Date.now() + CAMPAIGNS * 60;
      for (let n = 0; n < CAMPAIGNS; n++) {
        const members = people.slice(n * CAMPAIGN_SIZE, (n + 1) * CAMPAIGN_SIZE);
        const startAt = Math.round(begin + (n * RUN_SECONDS * 1000) / CAMPAIGNS);
        ids.push(await launchCampaign(brand, { name: `Campaign ${n}`, stages, people: members, startAt }));
      }
    }

    async function query(statement: string): Promise<Record<string, unknown>[]> {
      const sql = postgres(fleet.databaseUrl ?? "", { max: 1, onnotice: () => {} });
      return (await sql.unsafe(statement).finally(() => sql.end())) as Record<string, unknown>[];
    }

    /** Runs a statement on the database, and repeats it after a deadlock with a working replica. */
    async function queryBesideReplicas(statement: string): Promise<void> {
      for (let tries = 1; ; tries++) {
        const error = await query(statement).then(
          () => null,
          (reason: { code?: string }) => reason,
        );
        if (error === null) return;
        if (error.code !== "40P01" || tries === 5) throw error;
      }
    }

    /** Expires all claims except those in a suspended transaction. */
    const endClaims = () =>
      queryBesideReplicas(`update messages set lease_until = 0 where id in
        (select id from messages where status = 'SENDING' order by id for update skip locked)`);

    /** Counts failed BullMQ jobs. No component handles them, so there must be none. */
    async function countParked(): Promise<void> {
      const client = new Redis(redis.url);
      for (const key of await client.keys("*:failed")) parked += await client.zcard(key);
      client.disconnect();
    }

    const serving = () => fleet.replicas.filter((replica) => replica.isServing());
    const pick = (): Replica => serving()[Math.floor(random() * serving().length)] as Replica;

    const faultActions: Record<keyof typeof FAULT_COUNTS, () => Promise<void>> = {
      async kill() {
        const victim = pick();
        await victim.kill();
        await victim.start();
      },
      async flush() {
        await countParked();
        const client = new Redis(redis.url);
        await client.flushall();
        client.disconnect();
      },
      async redis() {
        await countParked();
        await redis.restart();
      },
      postgres: () => database.restart(),
    };

    async function recordFault(kind: string, action: () => Promise<void>): Promise<void> {
      const at = Date.now();
      await action();
      faults.push({ kind, at, until: Date.now() });
    }

    /** Suspends a worker in the middle of sending, for longer than the lease of its claims. */
    async function stopForLong(): Promise<void> {
      await waitForSend(journal, 5_000);
      const stopped = pick();
      const at = Date.now();
      stopped.suspend();
      // The effect on other replicas is immediate.
      faults.push({ kind: "stop", at, until: at });
      await Bun.sleep(2_000);
      // Expire the claims in CI instead of waiting five minutes.
      if (!IS_FULL_RUN) await endClaims();
      await Bun.sleep(SUSPEND_SECONDS * 1000 - 2_000);
      stopped.resume();
    }

    function shuffled(): (keyof typeof FAULT_COUNTS)[] {
      const all = (Object.keys(FAULT_COUNTS) as (keyof typeof FAULT_COUNTS)[]).flatMap((kind) =>
        Array(FAULT_COUNTS[kind]).fill(kind),
      );
      return all
        .map((kind) => ({ kind, place: random() }))
        .sort((a, b) => a.place - b.place)
        .map(({ kind }) => kind);
    }

    const waiting = async () => {
      type Health = { queueStats: { waiting: number; active: number } };
      return (await fleet.api<Health>("GET", "/api/health/queue")).body.queueStats.waiting;
    };

    async function allMessages(): Promise<Timed[]> {
      const messages: Timed[] = [];
      for (const id of ids) messages.push(...(await listAllPages<Timed>(brand, `/api/campaigns/${id}/messages`)));
      return messages;
    }

    const isUnknown = ({ status, errorMessage }: MessageView) =>
      status === "PENDING" && errorMessage === "OUTCOME_UNKNOWN";

    /** Waits until every message that can be sent was sent. */
    async function waitUntilSettled(): Promise<Timed[]> {
      let before = -1;
      const isStill = async () => {
        await Bun.sleep(500);
        const now = loadArrivals(journal).length;
        const still = now === before && (await waiting()) === 0;
        before = now;
        return still;
      };
      await waitUntil(
        "nothing waits, and nothing arrives any more",
        isStill,
        (STEP_DELAY_MINUTES * STAGES * 60 + 90) * 1000,
      );
      // Expire the claims of dead processes.
      await endClaims();
      const claims = () => query("select 1 from messages where status = 'SENDING'");
      await waitUntil("no claim is left", async () => (await claims()).length === 0, 60_000, 100);
      return allMessages();
    }

    async function expectConsistent(messages: readonly MessageView[]): Promise<void> {
      const took = loadArrivals(journal);
      const taken = new Set(took.map(({ messageId }) => messageId));
      const unknown = new Set(messages.filter(isUnknown).map(({ id }) => id));
      const sent = new Set(messages.filter(({ status }) => status === "SENT").map(({ id }) => id));
      // Expect no message sent twice, none SENT that did not arrive, and none arrived that is neither SENT nor UNKNOWN.
      expect(took.length - taken.size).toBe(0);
      expect([...sent].filter((id) => !taken.has(id))).toEqual([]);
      expect([...taken].filter((id) => !sent.has(id) && !unknown.has(id))).toEqual([]);
      expect(messages.filter(({ id }) => !sent.has(id) && !unknown.has(id))).toEqual([]);
      expect(await getBrandBalance(brand)).toMatchObject({
        creditAvailable: GRANTED - sent.size - unknown.size,
        totalReserved: unknown.size,
        totalUsed: sent.size,
      });
      const verified = await fleet.api("POST", "/api/auth/admin/verify-ledger", { token: admin, body: {} });
      expect(verified.body).toMatchObject({ ok: true, drifts: [] });
    }

    test(
      "no message is lost or sent twice and the ledger is exact after kills, restarts, flushes and suspensions",
      async () => {
        await launchAll();
        await waitForSend(journal, 60_000);
        const began = performance.now();
        const plannedFaults = shuffled();
        const quiet = RUN_SECONDS * 100;
        const pause =
          (RUN_SECONDS * 1000 + STEP_DELAY_MINUTES * 60_000 * (STAGES - 1) * 0.8 - quiet) / plannedFaults.length;
        await Bun.sleep(quiet);
        const stopping = stopForLong();
        for (const [number, kind] of plannedFaults.entries()) {
          const wait = quiet + number * pause - (performance.now() - began);
          await Bun.sleep(Math.max(0, wait));
          await waitForSend(journal, 3_000);
          await Bun.sleep(random() * 20);
          const up = serving();
          await recordFault(kind, faultActions[kind]);
          for (const replica of up.filter((one) => one.hasExited())) {
            diedAlone++;
            await replica.start().catch(() => {});
          }
        }
        await stopping;
        const messages = await waitUntilSettled();
        await countParked();

        const unknown = messages.filter(isUnknown);
        const took = loadArrivals(journal);
        const taken = new Set(took.map(({ messageId }) => messageId));
        const dueAt = new Map(messages.map(({ id, scheduledTime }) => [id, Date.parse(scheduledTime)]));
        const report = {
          seed: SEED,
          followUps: FOLLOW_UPS,
          replicas: REPLICAS,
          ...FAULT_COUNTS,
          stoppedSeconds: SUSPEND_SECONDS,
          seconds: Math.round((performance.now() - began) / 1000),
          messages: messages.length,
          arrived: took.length,
          sentTwice: took.length - taken.size,
          unknown: unknown.length,
          unknownAndArrived: unknown.filter(({ id }) => taken.has(id)).length,
          parked,
          diedAlone,
          delays: measureDelays(faults, took, dueAt),
        };
        console.log(JSON.stringify(report));
        await expectConsistent(messages);
        expect({ parked, diedAlone }).toEqual({ parked: 0, diedAlone: 0 });
      },
      (RUN_SECONDS + STEP_DELAY_MINUTES * 60 * STAGES * 2) * 1000 + 300_000,
    );

    test(
      "after UNKNOWN messages are resolved from the journal, every contact has received every stage once",
      async () => {
        let messages = await allMessages();
        // Repeat for each stage: a message that follows a resolved one may be UNKNOWN too.
        for (let round = 0; round <= STAGES && (messages.length < ALL || messages.some(isUnknown)); round++) {
          const taken = new Set(loadArrivals(journal).map(({ messageId }) => messageId));
          const unknown = messages.filter(isUnknown);
          for (const { id } of unknown) {
            const as = taken.has(id) ? "SENT" : "NOT_SENT";
            await brand.ask("POST", `/api/campaigns/outcome-unknown/${id}/resolve`, { as });
          }
          // Skip the minute of waiting.
          await queryBesideReplicas("update messages set run_at = 0 where status = 'PENDING'");
          await query("notify reprise_wake");
          messages = await waitUntilSettled();
        }
        await expectConsistent(messages);
        expect(messages.filter(({ status }) => status !== "SENT")).toEqual([]);
        expect(new Set(messages.map(({ contactId, stage }) => `${contactId} ${stage}`)).size).toBe(ALL);
        expect(new Set(loadArrivals(journal).map(({ to }) => to)).size).toBe(PEOPLE);
        expect(loadArrivals(journal)).toHaveLength(ALL);

        const { exitCode, stdout } = await pick().run(["ledger", "verify", "--json"]);
        expect(JSON.parse(stdout)).toMatchObject({ ok: true, drifts: [] });
        expect(exitCode).toBe(0);
        const client = postgres(fleet.databaseUrl ?? "", { max: 1 });
        const read = { all: async <Row>(query: SQL) => (await drizzle({ client }).execute(query)) as unknown as Row[] };
        expect(await findTallyMismatches(read)).toEqual([]);
        await client.end();
      },
      IS_FULL_RUN ? 900_000 : 120_000,
    );
  },
);
