import { freshDatabase } from "./database.ts";
import { type Doors, doorsOf } from "./doors.ts";
import { prepareReplica, type Replica } from "./replica.ts";

export interface FleetOptions {
  /** What is said after `serve`, for each replica: as many are started. */
  args: string[][];
  env?: Record<string, string>;
  /** A database that somebody else looks after; by default a fresh one. */
  databaseUrl?: string;
}

/** Several replicas of one Reprise. Who asks without saying whom asks each in turn, of those that serve. */
export interface Fleet extends Doors {
  replicas: Replica[];
  databaseUrl: string | null;
  admin(): Promise<string>;
  /** Ends all and takes their folders and the database away. */
  remove(): Promise<void>;
}

/** How many replicas this pass runs: see test/run.ts. */
export const REPLICAS = Number(process.env.REPLICAS ?? 1);

/** Starts them all at once, as one would: the first to come migrates. */
export async function startFleet({ args, env, databaseUrl }: FleetOptions): Promise<Fleet> {
  const database = databaseUrl === undefined ? await freshDatabase() : { url: databaseUrl, drop: async () => {} };
  const shared = {
    // The key seals mailboxes' passwords and signs links: it is one for all.
    REPRISE_SECRET: "the same on every replica of this fleet",
    ...(database.url === null ? {} : { DATABASE_URL: database.url }),
    ...(process.env.REDIS_URL ? { REDIS_URL: process.env.REDIS_URL } : {}),
    ...env,
  };
  const replicas: Replica[] = [];
  for (const own of args) {
    // As behind one balancer: their public address is that of the first.
    const first = replicas[0];
    const adminName = `admin-of-${replicas.length}-`;
    replicas.push(prepareReplica({ args: own, adminName, env: first ? { ...shared, PUBLIC_URL: first.url } : shared }));
  }
  let turn = 0;
  function next(): Replica {
    const serving = replicas.filter((replica) => replica.serves());
    const replica = serving[turn++ % serving.length];
    if (!replica) throw new Error("no replica serves");
    return replica;
  }

  async function remove(): Promise<void> {
    await Promise.all(replicas.map((replica) => replica.remove()));
    await database.drop();
  }

  try {
    await Promise.all(replicas.map((replica) => replica.start()));
  } catch (error) {
    await remove();
    throw error;
  }
  return { ...doorsOf(() => next().url), replicas, databaseUrl: database.url, admin: () => next().admin(), remove };
}
