import { readdirSync, readFileSync } from "node:fs";
import { Redis } from "ioredis";
import postgres from "postgres";
import { findPostgres, startPostgres } from "../../test/support/servers/postgres.ts";
import { findRedis, startRedis } from "../../test/support/servers/redis.ts";

/** The kernel counts processor time in hundredths of a second. */
const TICK_US = 10_000;

export interface Servers {
  /** Null when it is not installed. */
  postgres: { url(): Promise<string>; microseconds(): number; walBytes(): Promise<number> } | null;
  redis: { url: string; microseconds(): number; usedMemory(): Promise<number> } | null;
  stop(): Promise<void>;
}

/**
 * Starts a durable Postgres with default settings, and a Redis that syncs its log once a second, as BullMQ's guide for production
 * recommends.
 */
export async function startServers(): Promise<Servers> {
  const database = findPostgres() === null ? null : await startPostgres({ durable: true });
  const cache = findRedis() === null ? null : await startRedis();
  if (!database) console.log("Postgres: skipped, it is not installed");
  if (!cache) console.log("Redis: skipped, redis-server is not installed");
  const sql = database && postgres(database.url, { max: 1, onnotice: () => {} });
  const redis = cache && new Redis(cache.url);
  await redis?.config("SET", "appendonly", "yes");
  const redisPid = Number(/process_id:(\d+)/.exec((await redis?.info("server")) ?? "")?.[1]);
  const [backend] = sql ? await sql<{ pid: number }[]>`select pg_backend_pid() as pid` : [];
  const postmaster = backend ? parseProcessStat(backend.pid).parent : 0;
  return {
    postgres: database &&
      sql && {
        url: () => database.createDatabase(),
        microseconds: () => getProcessTreeTime(postmaster),
        async walBytes() {
          const [row] = await sql<{ bytes: string }[]>`select pg_current_wal_lsn() - '0/0'::pg_lsn as bytes`;
          return Number(row?.bytes);
        },
      },
    redis: cache &&
      redis && {
        url: cache.url,
        microseconds: () => parseProcessStat(redisPid).own * TICK_US,
        usedMemory: async () => Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1]),
      },
    async stop() {
      await sql?.end();
      redis?.disconnect();
      await database?.stop();
      await cache?.stop();
    },
  };
}

/** Gets the processor time in microseconds of a process and its children, including those that have ended. */
function getProcessTreeTime(parent: number): number {
  const { own, ended } = parseProcessStat(parent);
  let ticks = own + ended;
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const stat = parseProcessStat(pid);
    if (stat.parent === parent) ticks += stat.own;
  }
  return ticks * TICK_US;
}

/** Parses the kernel's counters of a process, in ticks: its own time, and that of its children that have ended. */
function parseProcessStat(pid: number): { parent: number; own: number; ended: number } {
  try {
    // The process name in parentheses may contain spaces, so fields are counted after it, from the third on.
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.split(" ") ?? [];
    const [parent, user, system, endedUser, endedSystem] = [1, 11, 12, 13, 14].map((at) => Number(fields[at]));
    return { parent: parent ?? 0, own: (user ?? 0) + (system ?? 0), ended: (endedUser ?? 0) + (endedSystem ?? 0) };
  } catch {
    return { parent: 0, own: 0, ended: 0 };
  }
}
