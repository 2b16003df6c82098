import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import postgres from "postgres";
import {
  createReadyBrand,
  getImportJobView,
  launchCampaign,
  listCampaignMessages,
  type ReadyBrand,
  uploadContacts,
} from "../support/api-campaign.ts";
import type { ApiOperation } from "../support/openapi-operations.ts";
import { SOURCE_PROGRAM } from "../support/project-root.ts";
import { cleanEnvironment, runProgram } from "../support/replica.ts";
import { findPostgres, type PostgresServer, type Standby, startPostgres } from "../support/servers/postgres.ts";
import { startSmtpServer, type TestSmtpServer } from "../support/servers/smtp-server.ts";
import { TcpProxy } from "../support/servers/tcp-proxy.ts";
import { waitUntil } from "../support/servers/temp-server.ts";
import { type Service, startService } from "../support/service.ts";
import { expectDatabaseUnavailable, findBadResponses, INTERNAL_DETAILS, listShuffledOperations } from "./outage.ts";

// Run the whole program and make Postgres unavailable in several ways while mails are being sent: requests that
// cannot be served are refused within seconds, the service recovers without intervention, and the mail server
// receives each mail once.
// OUTAGES=10 npm test postgres-outage repeats each outage ten times.

const OUTAGES = Number(process.env.OUTAGES ?? 1);
const PEOPLE = 40;
const STAGES = [{ subject: "Hello", body: "May I ask you something?" }, { body: "Did you see my mail?" }];
const CONNECTIONS = 30;
/** Contacts in the file imported during the outage: more than are imported before it begins. */
const IMPORTED = 10_000;

setDefaultTimeout(60_000 * OUTAGES);
const missing = findPostgres() === null ? " (skipped: PostgreSQL is not installed)" : "";

describe.skipIf(missing !== "")(`service during Postgres outages${missing}`, () => {
  let server: PostgresServer;
  let standby: Standby | undefined;
  let relay: TcpProxy;
  let outside: TestSmtpServer;
  let service: Service;
  let databaseUrl: string;
  let throughRelay: string;
  let brand: ReadyBrand;
  let operations: ApiOperation[];

  beforeAll(async () => {
    server = await startPostgres({ connections: CONNECTIONS });
    relay = new TcpProxy(server.port);
    databaseUrl = await server.createDatabase();
    // Turn synchronous_commit on; otherwise commits would not wait for the standby.
    await runDirectly((sql) =>
      sql.unsafe(`alter database ${new URL(databaseUrl).pathname.slice(1)} set synchronous_commit = on`),
    );
    throughRelay = databaseUrl.replace(`:${server.port}/`, `:${relay.port}/`);
    outside = await startSmtpServer({ delayMs: () => 15 });
    const env = {
      DATABASE_URL: throughRelay,
      SMTP_ALLOW_PRIVATE_HOSTS: "true",
      CLIENT_ADDRESS_HEADER: "x-client-address",
    };
    service = await startService({ env: { ...env, REPRISE_SECRET } });
  });
  afterAll(async () => {
    await service.remove();
    await outside.stop();
    await relay.close();
    await standby?.stop();
    await server.stop();
  });

  const countLogged = (event: string) => service.output().split(`"event":"${event}`).length - 1;
  const isHealthy = () =>
    service.api("GET", "/api/health/database").then(
      ({ status }) => status === 200,
      // The service may not listen for a short time between waiting and serving.
      () => false,
    );
  let outages = 0;
  /** Waits until the event is logged, exactly once per outage. */
  const untilLogged = (event: string) =>
    waitUntil(`${event} is logged once per outage`, async () => {
      await isHealthy();
      return countLogged(event) === outages;
    });

  const runDirectly = async (work: (sql: postgres.Sql) => Promise<unknown>) => {
    const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
    await work(sql).finally(() => sql.end());
  };

  /**
   * Starts an outage while mails are being sent, runs `during`, ends the outage, and expects both mails of each
   * contact to arrive once.
   */
  async function survive(
    strike: () => Promise<unknown>,
    during: () => Promise<unknown>,
    heal: () => Promise<unknown>,
    times = OUTAGES,
  ) {
    for (let round = 0; round < times; round++) {
      const before = outside.received.length;
      const name = `Campaign ${++outages}`;
      const people = Array.from({ length: PEOPLE }, (_, n) => ({ email: `p${n}.${outages}@client.example` }));
      const id = await launchCampaign(brand, { name, stages: STAGES, people });
      await waitUntil("mails are sent", async () => outside.received.length > before + 5);
      const jobId = await uploadContacts(service, brand, `file ${outages}`, IMPORTED);
      expect(await getImportJobView(brand, jobId)).toMatchObject({ status: "RUNNING" });
      await strike();
      await during();
      await untilLogged("database.unavailable");
      await heal();
      await waitUntil("the service is healthy again", isHealthy, 20_000);
      await untilLogged("database.available");
      const isOver = async () => (await listCampaignMessages(brand, id)).every(({ status }) => status === "SENT");
      await waitUntil("all mails are sent", isOver, 30_000);
      const sent = outside.received.slice(before).map(({ messageId, to }) => `${messageId} ${to}`);
      expect([sent.length, new Set(sent).size]).toEqual([PEOPLE * STAGES.length, PEOPLE * STAGES.length]);
      await waitUntil(
        "the import is done",
        async () => (await getImportJobView(brand, jobId)).status !== "RUNNING",
        60_000,
      );
      const imported = { status: "DONE", rows: IMPORTED, verdicts: { added: IMPORTED }, error: null };
      expect(await getImportJobView(brand, jobId)).toMatchObject(imported);
    }
  }

  test("database missing at the start: the service waits, logs the outage and answers 503 with Retry-After", async () => {
    outages++;
    await expectDatabaseUnavailable(service);
    const answer = await service.api("POST", "/api/auth/sign-in/email", {
      body: { email: "a@b.example", password: "x" },
    });
    expect([answer.status, answer.headers.get("retry-after"), answer.body]).toMatchObject([
      503,
      "5",
      { code: "UNAVAILABLE" },
    ]);
    await relay.open();
    await waitUntil("the database is available", isHealthy, 20_000);
    expect(countLogged("database.unavailable")).toBe(1);
    await untilLogged("database.available");
    const mailboxes = ["ann@brand.example", "ben@brand.example"];
    brand = await createReadyBrand(service, await service.admin(), {
      name: "Away",
      smtpPort: outside.port,
      mailboxes,
      credits: 1e6,
    });
    operations = await listShuffledOperations(service);
    // Restart, so that the service finds its database at the start, which is the usual case.
    expect(await service.stop()).toBe(0);
    await service.start();
  });

  test("connections refused: each operation answers unavailable, and the service continues afterwards", async () => {
    await survive(
      () => relay.close(),
      async () => {
        await waitUntil("the health check fails", async () => !(await isHealthy()));
        await expectDatabaseUnavailable(service);
        expect(await findBadResponses(service, operations, brand.token)).toEqual([]);
        await expectDatabaseUnavailable(service);
      },
      () => relay.open(),
    );
  });

  test("network silent: requests are refused in time instead of waiting forever", async () => {
    await survive(
      async () => relay.dropBytes(),
      async () => {
        const some = operations.slice(0, 25);
        expect(await findBadResponses(service, some, brand.token)).toEqual([]);
        await expectDatabaseUnavailable(service);
      },
      async () => relay.dropBytes(false),
    );
  });

  test("server restarted: the service reconnects", async () => {
    await survive(
      () => server.restart(),
      async () => {},
      async () => {},
    );
  });

  test("server out of connections: the service waits for free ones", async () => {
    const greedy = Array.from({ length: 2 * CONNECTIONS }, () => postgres(databaseUrl, { max: 1, backoff: () => 0.1 }));
    const grab = () => Promise.allSettled(greedy.map((sql) => sql`select 1`));
    const isLeftOut = async () => {
      await grab();
      // Refused where the service has taken the last connection: the next attempt may get one.
      await greedy[0]
        ?.unsafe("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'reprise'")
        .catch(() => {});
      await grab();
      return !(await isHealthy());
    };
    await survive(
      grab,
      () => waitUntil("no connection is left for the service", isLeftOut),
      () => Promise.all(greedy.splice(0).map((sql) => sql.end({ timeout: 1 }))),
      1,
    );
  });

  test("disk full: reads are answered, writes answer 503, and messages are sent afterwards", async () => {
    // Raise the server's error from a trigger: a disk that is really full would need a volume of its own.
    await survive(
      () =>
        runDirectly(async (sql) => {
          await sql.unsafe(`create function full_disk() returns trigger language plpgsql as
            $$ begin raise exception 'could not extend file' using errcode = '53100'; end $$`);
          for (const table of ["messages", "contacts"])
            await sql.unsafe(
              `create trigger full_disk before insert or update on ${table} execute function full_disk()`,
            );
        }),
      async () => {
        const read = await service.api("GET", "/api/contacts", { token: brand.token });
        expect(read.status).toBe(200);
        const body = { email: "new@client.example" };
        const written = await service.api("POST", "/api/contacts", { token: brand.token, body });
        expect([written.status, written.headers.get("retry-after")]).toEqual([503, "5"]);
        expect(written.text).not.toMatch(INTERNAL_DETAILS);
      },
      () => runDirectly((sql) => sql.unsafe("drop function full_disk cascade")),
    );
  });

  test("several hosts: the command finds the host that accepts writes", async () => {
    standby = await server.standby();
    const both = databaseUrl.replace(`127.0.0.1:${server.port}`, `127.0.0.1:${standby.port},127.0.0.1:${server.port}`);
    const verified = await runReprise(["ledger", "verify"], both);
    expect([verified.exitCode, verified.stderr]).toEqual([0, ""]);
  });

  test("failover to a standby: the service follows and sends each mail once", async () => {
    if (!standby) throw new Error("there is no standby");
    const { port, promote } = standby;
    await survive(
      async () => {
        await server.kill();
        relay.redirect(port);
      },
      // The relay leads to a standby, which accepts no writes yet.
      async () => expectDatabaseUnavailable(service),
      promote,
      1,
    );
  });

  test("log and ledger: each outage and recovery is logged once, no other error is, and the ledger balances", async () => {
    expect(countLogged("database.unavailable")).toBe(outages);
    expect(countLogged("database.available")).toBe(outages);
    const verified = await service.run(["ledger", "verify", "--json"]);
    expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true, drifts: [] });
    expect(await service.stop()).toBe(0);
    expect(service.output()).not.toMatch(
      /"level":"error"|EADDRINUSE|listener_failed|unhandled|uncaught|Failed query|\n\s+at /,
    );
  });

  test("serve: a database that does not exist ends the start with an error", async () => {
    const nowhere = throughRelay.replace(/\/[^/]*$/, "/nowhere");
    const { exitCode, stderr } = await runReprise(["serve"], nowhere);
    expect([exitCode, stderr.trim().split("\n")]).toEqual([
      1,
      [expect.stringContaining('database "nowhere" does not exist')],
    ]);
  });
});

/** Secret key of the service and of the commands run beside it. */
const REPRISE_SECRET = randomBytes(32).toString("base64url");
const runReprise = (args: string[], databaseUrl: string) =>
  runProgram([...SOURCE_PROGRAM, ...args], {
    cwd: process.env.TMPDIR ?? "/tmp",
    env: { ...cleanEnvironment("/tmp"), PORT: "0", DATABASE_URL: databaseUrl, REPRISE_SECRET },
  });
