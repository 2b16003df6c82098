import type { SeededBrand } from "../../src/simulator/seed.ts";
import { type Contender, startContender } from "./contender.ts";
import type { OutreachPlan } from "./outreach.ts";
import type { DueRequest } from "./reprise.ts";
import type { Servers } from "./servers.ts";

/** Between two checks whether all messages were sent; the error of a measured rate. */
const POLL_INTERVAL_MS = 4;
/** Time between writing messages and their due time. */
const LEAD_TIME_MS = 1500;

export type Deployment = "SQLite" | "Postgres" | "Postgres + BullMQ";

interface FleetPlan extends OutreachPlan {
  size: Deployment;
  replicas?: number;
  /** Other pending follow-ups in the same table, which are not due. */
  pending?: number;
}

export interface RoundResult {
  /** Messages a second, from when they are due until the last is settled. */
  rate: number;
  /** Microseconds of processor time per message: of our processes, of Postgres, of Redis. */
  ours: number;
  postgres: number;
  redis: number;
  /** Bytes per message: written to disk by our processes; written to Postgres' log. */
  written: number;
  wal: number;
  /** Milliseconds from when a message was due until it was sent. */
  lateness: number[];
}

/** One or more replicas on a database of their own, with a campaign whose first stage was sent. */
export interface Fleet {
  replicas: Contender[];
  /** Makes the next stage due, at once or `perSecond` messages a second, and waits until all of it is settled. */
  round(perSecond?: number | null): Promise<RoundResult>;
  stop(): Promise<void>;
}

/** Starts the replicas; null when Postgres or Redis is needed and not installed. */
export async function startFleet(servers: Servers, plan: FleetPlan): Promise<Fleet | null> {
  const { size, replicas: count = 1, pending = 0, contacts } = plan;
  const { postgres, redis } = servers;
  const env: Record<string, string> = {};
  if (size !== "SQLite") {
    if (!postgres) return null;
    env.DATABASE_URL = await postgres.url();
  }
  if (size === "Postgres + BullMQ") {
    if (!redis) return null;
    env.REDIS_URL = redis.url;
  }
  const first = startContender("reprise.ts", env);
  await first.request("fill", pending);
  const { campaignId } = await first.request<SeededBrand>("seed", plan);
  const replicas = [first, ...Array.from({ length: count - 1 }, () => startContender("reprise.ts", env))];
  const all = <Result>(order: string) => Promise.all(replicas.map((replica) => replica.request<Result>(order)));
  const sum = async (order: string) => (await all<number>(order)).reduce((a, b) => a + b, 0);
  let expected = contacts;
  let stage = 0;

  async function waitUntilSettled(): Promise<number> {
    while ((await sum("sent")) < expected) await Bun.sleep(POLL_INTERVAL_MS);
    return Math.max(...(await all<number>("settled")));
  }

  async function getUsage() {
    const own = await all<{ microseconds: number; written: number }>("spent");
    return {
      ours: own.reduce((total, { microseconds }) => total + microseconds, 0),
      written: own.reduce((total, { written }) => total + written, 0),
      postgres: size === "SQLite" ? 0 : (postgres?.microseconds() ?? 0),
      redis: size === "Postgres + BullMQ" ? (redis?.microseconds() ?? 0) : 0,
      wal: size === "SQLite" ? 0 : ((await postgres?.walBytes()) ?? 0),
    };
  }

  await waitUntilSettled();
  await first.request("analyze");
  return {
    replicas,
    async round(perSecond = null) {
      const at = Date.now() + LEAD_TIME_MS + contacts / 20;
      const due = await first.request<number>("due", {
        campaignId,
        stage: ++stage,
        at,
        perSecond,
      } satisfies DueRequest);
      expected += due;
      await all("wake");
      if (Date.now() > at) throw new Error("making the messages due took too long");
      await Bun.sleep(at - Date.now() - 50);
      const before = await getUsage();
      const ended = await waitUntilSettled();
      const after = await getUsage();
      const each = (name: keyof typeof before) => (after[name] - before[name]) / due;
      return {
        rate: (due / (ended - at)) * 1000,
        ours: each("ours"),
        postgres: each("postgres"),
        redis: each("redis"),
        written: each("written"),
        wal: each("wal"),
        lateness: (await all<number[]>("lateness")).flat(),
      };
    },
    async stop() {
      await all("close");
      for (const replica of replicas) await replica.stop();
    },
  };
}
