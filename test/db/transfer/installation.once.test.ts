import { Database } from "bun:sqlite";
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres, { type Sql } from "postgres";
import { isCopied } from "../../../src/db/transfer/tables.ts";
import { seededRandom } from "../../../src/lib/random.ts";
import { type ContactOptions, createReadyBrand, launchCampaign } from "../../support/api-campaign.ts";
import { SOURCE_PROGRAM } from "../../support/project-root.ts";
import { runProgram } from "../../support/replica.ts";
import { findPostgres, type PostgresServer, startPostgres } from "../../support/servers/postgres.ts";
import { findRedis, type RedisServer, startRedis } from "../../support/servers/redis.ts";
import { startSmtpServer, type TestSmtpServer } from "../../support/servers/smtp-server.ts";
import { waitUntil } from "../../support/servers/temp-server.ts";
import { type Service, startService } from "../../support/service.ts";

// Migrate a demo and a working installation from SQLite to Postgres. Larger run: MOVING_CONTACTS=100000

setDefaultTimeout(120_000);

const CONTACTS = Number(process.env.MOVING_CONTACTS ?? 300);
const missing = findPostgres() === null || findRedis() === null ? " (skipped: Postgres or Redis is not installed)" : "";

describe.skipIf(missing !== "")(`migrate from SQLite to Postgres${missing}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "reprise-moving-"));
  let server: PostgresServer;
  let redis: RedisServer;
  beforeAll(async () => {
    server = await startPostgres();
    redis = await startRedis();
  });
  afterAll(async () => {
    await server.stop();
    await redis.stop();
    rmSync(folder, { recursive: true });
  });

  const env = { PATH: process.env.PATH ?? "", HOME: folder, LOG_LEVEL: "warn" };
  const run = (args: string[], more = {}) =>
    runProgram([...SOURCE_PROGRAM, ...args], { cwd: folder, env: { ...env, ...more } });
  const migrate = (from: string, to: string) => run(["migrate", "--from", `sqlite://${from}`, "--to", to, "--json"]);
  const rowsOf = (database: string) => {
    const handle = new Database(join(database, "reprise.db"), { readonly: true });
    const names = handle.query<{ name: string }, []>("select name from sqlite_master where type = 'table'").all();
    const counts = names
      .filter(({ name }) => isCopied(name))
      .map(
        ({ name }) =>
          [name, handle.query<{ n: number }, []>(`select count(*) as n from "${name}"`).get()?.n ?? 0] as const,
      );
    handle.close();
    return Object.fromEntries(counts);
  };
  async function rowsThere(sql: Sql, names: string[]) {
    const counts: [string, number][] = [];
    for (const name of names) {
      const [row] = await sql.unsafe(`select count(*)::int as n from "${name}"`);
      counts.push([name, row?.n]);
    }
    return Object.fromEntries(counts);
  }

  describe("demo installation", () => {
    let demo: string;
    /** Counts the copies: each test migrates a copy of its own. */
    let copies = 0;
    const copy = () => {
      const to = join(folder, `copy${copies++}`);
      cpSync(demo, to, { recursive: true });
      return to;
    };
    beforeAll(async () => {
      expect((await run(["demo", "--exit"])).exitCode).toBe(0);
      demo = join(folder, "data/demo");
    });

    test("is copied completely, is not served from the source afterwards, and can be released with --abandon", async () => {
      const from = copy();
      const to = await server.createDatabase();
      const { exitCode, stdout, stderr } = await migrate(from, to);
      expect(stderr).toContain("100 %");
      expect(JSON.parse(stdout)).toMatchObject({
        ok: true,
        differences: [],
        ledger: { ok: true },
        pending: { ok: true },
      });
      expect(exitCode).toBe(0);
      const sql = postgres(to);
      const before = rowsOf(from);
      expect(before.messages).toBeGreaterThan(900);
      expect(await rowsThere(sql, Object.keys(before))).toEqual(before);
      await sql.end();

      const refused = await run(["serve"], { DATA_DIR: from, PORT: "0" });
      expect(refused).toMatchObject({ exitCode: 1 });
      expect(refused.stderr).toContain(`was moved to ${new URL(to).host}${new URL(to).pathname}`);
      expect((await migrate(from, to)).stderr).toContain("it was moved");
      expect((await run(["migrate", "--abandon", "--from", `sqlite://${from}`])).stdout).toContain("twice");
      expect((await migrate(from, to)).stderr).toContain("expected an empty database");
    });

    test("killed at random times, the repeated command completes without a missing or duplicate row", async () => {
      const random = seededRandom(process.env.MOVING_SEED ?? String(Date.now()));
      const from = copy();
      const to = await server.createDatabase();
      const sql = postgres(to);
      let kills = 0;
      for (let wait = 300; ; wait += 150) {
        const child = Bun.spawn([...SOURCE_PROGRAM, "migrate", "--from", `sqlite://${from}`, "--to", to, "--json"], {
          env,
          stdout: "ignore",
          stderr: "ignore",
        });
        const ended = await Promise.race([child.exited, Bun.sleep(wait * random() + 100).then(() => null)]);
        // Exit code 1 means that the previous run was killed after its last step. The final call below checks this.
        if (ended === 0 || ended === 1) break;
        expect(ended).toBeNull();
        child.kill("SIGKILL");
        await child.exited;
        kills++;
        const [mark] = await sql`select 1 from installation where name = 'moving'`.catch(() => []);
        if (!mark) continue;
        const halfway = await run(["serve"], { DATA_DIR: join(folder, "other"), PORT: "0", DATABASE_URL: to });
        expect(halfway.stderr).toContain("into this database is not complete");
      }
      console.log(`killed ${kills} times`);
      const again = await migrate(from, to);
      expect(again.stderr).toContain("it was moved");
      const before = rowsOf(from);
      expect(await rowsThere(sql, Object.keys(before))).toEqual(before);
      await sql.end();
      // Verify with the secret key of the installation.
      const verified = await run(["ledger", "verify", "--json"], { DATABASE_URL: to, DATA_DIR: from });
      expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true });
    });

    test("a difference between source and target is reported, and the source can be released with --abandon", async () => {
      const from = copy();
      const to = await server.createDatabase();
      expect((await run(["migrate"], { DATABASE_URL: to })).exitCode).toBe(0);
      const sql = postgres(to);
      await sql`create function lie() returns trigger language plpgsql as
        $$ begin new.first_name := 'Someone else'; return new; end $$`;
      await sql`create trigger lie before insert on contacts for each row execute function lie()`;
      const { exitCode, stdout } = await migrate(from, to);
      expect(exitCode).toBe(1);
      expect(JSON.parse(stdout)).toMatchObject({ ok: false, differences: [{ table: "contacts" }] });
      await sql.end();
      expect((await run(["migrate", "--abandon", "--from", `sqlite://${from}`])).exitCode).toBe(0);
    });

    test.each([
      ["no such folder", "sqlite:///nowhere", "there is no database"],
      ["no SQLite URL", "/tmp", "--from: expected sqlite://"],
    ])("source rejected: %s", async (_, from, why) => {
      const refused = await run(["migrate", "--from", from, "--to", "postgres://localhost/x"]);
      expect(refused.exitCode).toBeGreaterThan(0);
      expect(refused.stderr).toContain(why);
    });

    test("target missing or not Postgres: is rejected without showing the password", async () => {
      const by = (url: string) => run(["migrate", "--from", `sqlite://${copy()}`], { DATABASE_URL: url });
      const refused = await by("postgres://me:hush@127.0.0.1:1/none");
      expect(refused.exitCode).toBe(1);
      expect(refused.stderr).toContain("127.0.0.1:1/none cannot be used");
      expect(refused.stderr).not.toContain("hush");
      expect((await migrate(demo, "mysql://localhost/x")).stderr).toContain("--to: expected a URL");
      const several = await by("postgres://me:hush@127.0.0.1:1,127.0.0.1:2/none");
      expect(several.stderr).toContain("names one host");
      expect(several.stderr).not.toContain("hush");
    });
  });

  describe("working installation", () => {
    let outside: TestSmtpServer;
    let here: Service;
    beforeAll(async () => {
      outside = await startSmtpServer({ delayMs: () => 2 });
    });
    afterAll(async () => {
      await here.remove();
      await outside.stop();
    });

    test("continues on Postgres: each contact receives the remaining messages once, except banned and replied contacts", async () => {
      const home = join(folder, "at-work");
      const shared = { SMTP_ALLOW_PRIVATE_HOSTS: "true", LOG_LEVEL: "warn" };
      here = await startService({ dataDir: home, env: shared });
      const mailboxes = Array.from({ length: 12 }, (_, index) => `box${index}@brand.example`);
      const order = { name: "Mover", smtpPort: outside.port, mailboxes, credits: 10 * CONTACTS };
      const brand = await createReadyBrand(here, await here.admin(), order);
      const delay = { value: 1, unit: "DAYS" as const };
      const stages = [
        { subject: "Hello", body: "May I ask you something?" },
        { body: "Did you see my mail?", delay },
      ];
      const people = (name: string, count: number): ContactOptions[] =>
        Array.from({ length: count }, (_, index) => ({ email: `p${index}@${name}.example` }));
      const got = (address: string) => outside.received.filter((mail) => mail.to === address).length;
      const watched = ["p0", "p1", "p2", "p3"].map((name) => `${name}@watched.example`);
      const first = await launchCampaign(brand, { name: "Watched", stages, people: people("watched", 4) });
      for (let at = 0; at < CONTACTS; at += 1000) {
        const some = people(`c${at}`, Math.min(1000, CONTACTS - at));
        await launchCampaign(brand, { name: `Campaign ${at}`, stages, people: some });
      }
      await waitUntil(
        "the watched contacts got their first mail",
        async () => watched.every((address) => got(address) === 1),
        60_000,
      );
      const { data } = await brand.ask<{ data: { id: string; contact: { email: string } }[] }>(
        "GET",
        `/api/campaigns/conversations?campaignId=${first}&limit=10`,
      );
      const answering = data.find(({ contact }) => contact.email === "p1@watched.example");
      await brand.ask("POST", `/api/campaigns/conversations/${answering?.id}/inbound`, {
        channel: "EMAIL",
        text: "Tell me more",
      });
      await brand.ask("POST", "/api/auth/banned", { email: "p0@watched.example" });
      expect((await migrate(home, "postgres://127.0.0.1:1/none")).stderr).toContain("Another Reprise process");
      expect(await here.stop()).toBe(0);
      const sent = outside.received.length;
      expect(sent).toBeLessThan(CONTACTS);

      const url = await server.createDatabase();
      const began = performance.now();
      const { exitCode, stdout, stderr } = await migrate(home, url);
      expect({ exitCode, stderr: exitCode === 0 ? "" : stderr }).toEqual({ exitCode: 0, stderr: "" });
      console.log(`${stdout.trim()} in ${Math.round(performance.now() - began)} ms, after ${sent} mails`);
      const there = await startService({ dataDir: home, env: { ...shared, DATABASE_URL: url, REDIS_URL: redis.url } });
      const idle = async () => {
        const { body } = await there.api<{ queueStats?: { waiting: number; active: number } }>(
          "GET",
          "/api/health/queue",
        );
        // Two of the watched contacts have no message left.
        // A machine busy with a hundred thousand mails may fail to answer for a while.
        if (!body.queueStats) return false;
        const { waiting, active } = body.queueStats;
        return outside.received.length >= CONTACTS + 4 && waiting === CONTACTS + 2 && active === 0;
      };
      await waitUntil("each contact got the first mail", idle, 1_800_000);
      const isOnce = () => new Set(outside.received.map(({ messageId }) => messageId)).size === outside.received.length;
      expect(outside.received).toHaveLength(CONTACTS + 4);
      expect(isOnce()).toBe(true);

      // Make the follow-ups due, as if a day had passed.
      const due = Math.min(CONTACTS + 2, 1000);
      await there.stop();
      const sql = postgres(url);
      await sql`update messages set run_at = 0
        where id in (select id from messages where status = 'PENDING' order by run_at, id limit ${due})`;
      await sql.end();
      await there.start();
      await waitUntil("the follow-ups are sent", async () => outside.received.length >= CONTACTS + 4 + due, 60_000);
      expect(isOnce()).toBe(true);
      // One contact was banned, one replied.
      expect(watched.map(got)).toEqual([1, 1, 2, 2]);
      expect((await there.run(["ledger", "verify", "--json"])).exitCode).toBe(0);
      await there.remove();
    }, 3_600_000);
  });
});
