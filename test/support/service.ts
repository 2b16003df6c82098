import { freshDatabase } from "./database.ts";
import { prepareReplica, type Replica, type ReplicaOptions } from "./replica.ts";

export interface ServiceOptions extends ReplicaOptions {
  /** Where its data lies; by default in the empty folder it is started from. */
  dataDir?: string;
}

/** A Reprise in a process of its own, used from outside as people do. */
export interface Service extends Replica {
  /** Null with SQLite. */
  databaseUrl: string | null;
}

/** Starts `reprise serve` on a free port, with a database of its own and the Redis there is, and waits until it answers. */
export async function startService({ dataDir, env, ...options }: ServiceOptions = {}): Promise<Service> {
  const database = await freshDatabase();
  const replica = prepareReplica({
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
    /** Its database, too. */
    async remove() {
      await replica.remove();
      await database.drop();
    },
  };
}
