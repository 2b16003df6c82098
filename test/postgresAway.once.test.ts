import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import postgres from "postgres";
import {
  type BrandAtWork,
  importOf,
  launchCampaign,
  messagesOf,
  setUpBrand,
  uploadContacts,
} from "./support/campaign.ts";
import type { Operation } from "./support/operations.ts";
import { everyOperation, expectDatabaseAway, flawsOf, INSIDE } from "./support/outage.ts";
import { findPostgres, type PostgresServer, type Standby, startPostgres } from "./support/postgres.ts";
import { SOURCE_PROGRAM } from "./support/project-root.ts";
import { Relay } from "./support/relay.ts";
import { cleanEnvironment, runProgram } from "./support/replica.ts";
import { type Service, startService } from "./support/service.ts";
import { startSmtpServer, type TestSmtpServer } from "./support/smtpServer.ts";
import { until } from "./support/throwaway.ts";

// The whole program, and a Postgres that goes away in every way there is while mails are on their way: what cannot be
// served is refused within seconds, nobody repairs anything, and the mail server outside gets each mail once.
// OUTAGES=10 npm test postgres-outage does everything ten times over.

const OUTAGES = Number(process.env.OUTAGES ?? 1);
const PEOPLE = 40;
const STAGES = [{ subject: "Hello", body: "May I ask you something?" }, { body: "Did you see my mail?" }];
const CONNECTIONS = 30;
/** Contacts in the file that is being imported meanwhile: more than are taken in before it strikes. */
const IMPORTED = 10_000;

setDefaultTimeout(60_000 * OUTAGES);
const missing = findPostgres() === null ? " (skipped: PostgreSQL is not installed)" : "";

describe.skipIf(missing !== "")(`a service on Postgres${missing}`, () => {
  let server: PostgresServer;
  let standby: Standby | undefined;
  let relay: Relay;
  let outside: TestSmtpServer;
  let service: Service;
  let databaseUrl: string;
  let throughRelay: string;
  let brand: BrandAtWork;
  let operations: Operation[];

  beforeAll(async () => {
    server = await startPostgres({ connections: CONNECTIONS });
    relay = new Relay(server.port);
    databaseUrl = await server.createDatabase();
    // Else a standby that every commit waits for would be waited for in vain.
    await outright((sql) =>
      sql.unsafe(`alter database ${new URL(databaseUrl).pathname.slice(1)} set synchronous_commit = on`),
    );
    throughRelay = databaseUrl.replace(`:${server.port}/`, `:${relay.port}/`);
    outside = await startSmtpServer({ hesitates: () => 15 });
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

  const said = (event: string) => service.output().split(`"event":"${event}`).length - 1;
  const isWell = () =>
    service.api("GET", "/api/health/database").then(
      ({ status }) => status === 200,
      // Between waiting and being there it does not listen for a moment.
      () => false,
    );
  let outages = 0;
  /** It has said so, once. */
  const untilSaid = (event: string) =>
    until(`${event}, said once`, async () => {
      await isWell();
      return said(event) === outages;
    });

  const outright = async (work: (sql: postgres.Sql) => Promise<unknown>) => {
    const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
    await work(sql).finally(() => sql.end());
  };

  /** Mails are on their way when it strikes; `during` looks around; then everybody gets both mails, once. */
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
      await until("mails go out", async () => outside.received.length > before + 5);
      const jobId = await uploadContacts(service, brand, `file ${outages}`, IMPORTED);
      expect(await importOf(brand, jobId)).toMatchObject({ status: "RUNNING" });
      await strike();
      await during();
      await untilSaid("database.unavailable");
      await heal();
      await until("it is well again", isWell, 20_000);
      await untilSaid("database.available");
      const isOver = async () => (await messagesOf(brand, id)).every(({ status }) => status === "SENT");
      await until("everything is sent", isOver, 30_000);
      const sent = outside.received.slice(before).map(({ messageId, to }) => `${messageId} ${to}`);
      expect([sent.length, new Set(sent).size]).toEqual([PEOPLE * STAGES.length, PEOPLE * STAGES.length]);
      await until("the import is done", async () => (await importOf(brand, jobId)).status !== "RUNNING", 60_000);
      const imported = { status: "DONE", rows: IMPORTED, verdicts: { added: IMPORTED }, error: null };
      expect(await importOf(brand, jobId)).toMatchObject(imported);
    }
  }

  test("waits for one that is not there yet, and says so", async () => {
    outages++;
    await expectDatabaseAway(service);
    const answer = await service.api("POST", "/api/auth/sign-in/email", {
      body: { email: "a@b.example", password: "x" },
    });
    expect([answer.status, answer.headers.get("retry-after"), answer.body]).toMatchObject([
      503,
      "5",
      { code: "UNAVAILABLE" },
    ]);
    await relay.open();
    await until("it is there", isWell, 20_000);
    expect(said("database.unavailable")).toBe(1);
    await untilSaid("database.available");
    const mailboxes = ["ann@brand.example", "ben@brand.example"];
    brand = await setUpBrand(service, await service.admin(), {
      name: "Away",
      smtpPort: outside.port,
      mailboxes,
      credits: 1e6,
    });
    operations = await everyOperation(service);
    // From here on it is one that found its database at the start, as nearly all do: one that waited hides what a
    // start leaves behind.
    expect(await service.stop()).toBe(0);
    await service.start();
  });

  test("cut off, it refuses at every door, and goes on where it was", async () => {
    await survive(
      () => relay.close(),
      async () => {
        await until("it notices", async () => !(await isWell()));
        await expectDatabaseAway(service);
        expect(await flawsOf(service, operations, brand.token)).toEqual([]);
        await expectDatabaseAway(service);
      },
      () => relay.open(),
    );
  });

  test("when nothing comes through any more, nobody waits for ever", async () => {
    await survive(
      async () => relay.silence(),
      async () => {
        const some = operations.slice(0, 25);
        expect(await flawsOf(service, some, brand.token)).toEqual([]);
        await expectDatabaseAway(service);
      },
      async () => relay.silence(false),
    );
  });

  test("restarted, it is found again", async () => {
    await survive(
      () => server.restart(),
      async () => {},
      async () => {},
    );
  });

  test("out of connections, it waits for some", async () => {
    const greedy = Array.from({ length: 2 * CONNECTIONS }, () => postgres(databaseUrl, { max: 1, backoff: () => 0.1 }));
    const grab = () => Promise.allSettled(greedy.map((sql) => sql`select 1`));
    const isLeftOut = async () => {
      await grab();
      await greedy[0]?.unsafe(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'reprise'",
      );
      await grab();
      return !(await isWell());
    };
    await survive(
      grab,
      () => until("there is none left for it", isLeftOut),
      () => Promise.all(greedy.splice(0).map((sql) => sql.end({ timeout: 1 }))),
      1,
    );
  });

  test("when the disk is full, it reads, and writes later", async () => {
    // As the server says it, from a trigger: a disk that is really full needs one of its own.
    await survive(
      () =>
        outright(async (sql) => {
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
        expect(written.text).not.toMatch(INSIDE);
      },
      () => outright((sql) => sql.unsafe("drop function full_disk cascade")),
    );
  });

  test("with several hosts, the one that takes writes is found", async () => {
    standby = await server.standby();
    const both = databaseUrl.replace(`127.0.0.1:${server.port}`, `127.0.0.1:${standby.port},127.0.0.1:${server.port}`);
    const verified = await runReprise(["ledger", "verify"], both);
    expect([verified.exitCode, verified.stderr]).toEqual([0, ""]);
  });

  test("failed over to a standby, it follows, and each mail is sent once", async () => {
    if (!standby) throw new Error("there is no standby");
    const { port, promote } = standby;
    await survive(
      async () => {
        await server.kill();
        relay.redirect(port);
      },
      // It leads to a server that takes no writes for now.
      async () => expectDatabaseAway(service),
      promote,
      1,
    );
  });

  test("it has said each change once, and nothing else, and the books balance", async () => {
    expect(said("database.unavailable")).toBe(outages);
    expect(said("database.available")).toBe(outages);
    const verified = await service.run(["ledger", "verify", "--json"]);
    expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true, drifts: [] });
    expect(await service.stop()).toBe(0);
    expect(service.output()).not.toMatch(
      /"level":"error"|EADDRINUSE|listener_failed|unhandled|uncaught|Failed query|\n\s+at /,
    );
  });

  test("one that will never be there is not waited for", async () => {
    const nowhere = throughRelay.replace(/\/[^/]*$/, "/nowhere");
    const { exitCode, stderr } = await runReprise(["serve"], nowhere);
    expect([exitCode, stderr.trim().split("\n")]).toEqual([
      1,
      [expect.stringContaining('database "nowhere" does not exist')],
    ]);
  });
});

/** Of the service and of the commands beside it. */
const REPRISE_SECRET = randomBytes(32).toString("base64url");
const runReprise = (args: string[], databaseUrl: string) =>
  runProgram([...SOURCE_PROGRAM, ...args], {
    cwd: process.env.TMPDIR ?? "/tmp",
    env: { ...cleanEnvironment("/tmp"), PORT: "0", DATABASE_URL: databaseUrl, REPRISE_SECRET },
  });
