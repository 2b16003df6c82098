import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { sql } from "drizzle-orm";
import { isUnavailable } from "../../../src/db/errors.ts";
import { OutageMonitor } from "../../../src/db/outage-monitor.ts";
import { openPostgres } from "../../../src/db/postgres/postgres-store.ts";
import type { Reader, Store } from "../../../src/db/store.ts";
import { SECOND } from "../../../src/lib/clock.ts";
import { findPostgres, type PostgresServer, startPostgres } from "../../support/servers/postgres.ts";
import { TcpProxy } from "../../support/servers/tcp-proxy.ts";

// Check the connection handling of the store against a real server.

setDefaultTimeout(60_000);
const missing = findPostgres() === null ? " (skipped: PostgreSQL is not installed)" : "";

describe.skipIf(missing !== "")(`Postgres store${missing}`, () => {
  let server: PostgresServer;
  let relay: TcpProxy;
  let store: Store;
  let outside: Store;

  beforeAll(async () => {
    server = await startPostgres();
    relay = new TcpProxy(server.port);
    await relay.open();
    const url = await server.createDatabase();
    const begin = () => ({ now: 0, newId: () => crypto.randomUUID() });
    const outageMonitor = new OutageMonitor(() => {});
    outside = await openPostgres(url, begin, { outageMonitor });
    store = await openPostgres(url.replace(`:${server.port}/`, `:${relay.port}/`), begin, { outageMonitor, size: 2 });
    await outside.write((tx) => tx.all(sql`create table notes (note text)`));
  });
  afterAll(async () => {
    await store.close();
    await outside.close();
    await relay.close();
    await server.stop();
  });

  const pidOf = async (read: Reader) =>
    (await read.all<{ pid: number }>(sql`select pg_backend_pid() as pid`))[0]?.pid ?? 0;
  const notes = () => outside.read.all<{ note: string }>(sql`select note from notes order by note`);
  const failing = (work: Promise<unknown>) =>
    work.then(
      () => null,
      (error: unknown) => error,
    );

  test("transaction whose connection is terminated: fails as unavailable and writes nothing", async () => {
    const wanted: unknown[] = [];
    const broken = store.write(async (tx) => {
      await tx.all(sql`insert into notes values ('begun')`);
      const pid = await pidOf(tx);
      await outside.read.all(sql`select pg_terminate_backend(${pid})`);
      await Bun.sleep(200);
      // Other work continues meanwhile on connections that replaced the terminated one.
      await Promise.all([1, 2, 3].map(() => failing(store.read.all(sql`select 1`))));
      for (const note of ["first", "second"])
        wanted.push(await failing(tx.all(sql`insert into notes values (${note})`)));
      await store.write((other) => other.all(sql`insert into notes values ('other')`));
    });
    expect(isUnavailable(await failing(broken))).toBe(true);
    expect(wanted.map(isUnavailable)).toEqual([true, true]);
    expect(await notes()).toEqual([{ note: "other" }]);
  });

  test("transaction that swallows an error: is rolled back and rejects with the error", async () => {
    const swallowing = store.write(async (tx) => {
      await tx.all(sql`insert into notes values ('swallowed')`);
      await failing(tx.all(sql`select 1 / 0`));
    });
    expect(await failing(swallowing)).toMatchObject({ code: "22012" });
    expect(await notes()).toEqual([{ note: "other" }]);
  });

  test("slow query: is awaited while the server works on it", async () => {
    const slept = store.read.all(sql`select 'done' as said from pg_sleep(6)`);
    expect(await slept).toEqual([{ said: "done" }] as never);
  });

  test("pool exhausted: a query is rejected within seconds and later queries are served", async () => {
    const busy = [1, 2].map(() => store.read.all(sql`select pg_sleep(6)`));
    await Bun.sleep(100);
    const began = performance.now();
    expect(await failing(store.ping())).toMatchObject({ code: "POOL_EXHAUSTED" });
    expect(performance.now() - began).toBeLessThan(8 * SECOND);
    await Promise.all(busy);
    await store.ping();
  });

  test("silent network: a waiting query is rejected in time and the next query is served", async () => {
    const asked = store.read.all(sql`select pg_sleep(0.5)`);
    await Bun.sleep(100);
    relay.dropBytes();
    const began = performance.now();
    expect(isUnavailable(await failing(asked))).toBe(true);
    expect(performance.now() - began).toBeLessThan(12 * SECOND);
    relay.dropBytes(false);
    await store.ping();
  });
});
