import { type ApiClient, createApiClient } from "./api-client.ts";
import { createTestDatabase } from "./database.ts";
import { createReplica, type Replica } from "./replica.ts";

export interface FleetOptions {
  /** Arguments after `serve`, one list for each replica to start. */
  args: string[][];
  env?: Record<string, string>;
  /** Database that the caller creates and drops; by default a new one. */
  databaseUrl?: string;
}

/** Replicas on one database. Requests to the fleet are spread evenly over its serving replicas. */
export interface Fleet extends ApiClient {
  replicas: Replica[];
  databaseUrl: string | null;
  admin(): Promise<string>;
  /** Kills all and deletes their folders and the database. */
  remove(): Promise<void>;
}

/** Number of replicas in this pass: see test/run.ts. */
export const REPLICAS = Number(process.env.REPLICAS ?? 1);

/** Starts all replicas at once: the first to connect migrates. */
export async function startFleet({ args, env, databaseUrl }: FleetOptions): Promise<Fleet> {
  const database = databaseUrl === undefined ? await createTestDatabase() : { url: databaseUrl, drop: async () => {} };
  const shared = {
    // Replicas need one key: it encrypts mailbox passwords and signs links.
    REPRISE_SECRET: "the same on every replica of this fleet",
    ...(database.url === null ? {} : { DATABASE_URL: database.url }),
    ...(process.env.REDIS_URL ? { REDIS_URL: process.env.REDIS_URL } : {}),
    ...env,
  };
  const replicas: Replica[] = [];
  for (const own of args) {
    // All share the public URL of the first, as behind a load balancer.
    const first = replicas[0];
    const adminName = `admin-of-${replicas.length}-`;
    replicas.push(createReplica({ args: own, adminName, env: first ? { ...shared, PUBLIC_URL: first.url } : shared }));
  }
  let requests = 0;
  function next(): Replica {
    const serving = replicas.filter((replica) => replica.isServing());
    const replica = serving[requests++ % serving.length];
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
  return {
    ...createApiClient(() => next().url),
    replicas,
    databaseUrl: database.url,
    admin: () => next().admin(),
    remove,
  };
}
