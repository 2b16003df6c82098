import { createTestDatabase } from "./database.ts";
import { createReplica, type Replica, type ReplicaOptions } from "./replica.ts";

export interface ServiceOptions extends ReplicaOptions {
  /** DATA_DIR; by default `data` in its working folder, which is empty. */
  dataDir?: string;
}

/** Reprise as a process of its own, used over HTTP and its command line. */
export interface Service extends Replica {
  /** Null with SQLite. */
  databaseUrl: string | null;
}

/** Starts `reprise serve` on a free port, with a database of its own and the Redis of the pass, and waits until it answers. */
export async function startService({ dataDir, env, ...options }: ServiceOptions = {}): Promise<Service> {
  const database = await createTestDatabase();
  const replica = createReplica({
    ...options,
    env: {
      ...(dataDir === undefined ? {} : { DATA_DIR: dataDir }),
      ...(database.url === null ? {} : { DATABASE_URL: database.url }),
      ...(process.env.REDIS_URL ? { REDIS_URL: process.env.REDIS_URL } : {}),
      ...env,
    },
  });
  await replica.start();
  return {
    ...replica,
    databaseUrl: database.url,
    /** Ends it and deletes its folder and its database. */
    async remove() {
      await replica.remove();
      await database.drop();
    },
  };
}
