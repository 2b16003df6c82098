import type { SQL } from "drizzle-orm";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { migratePostgres } from "./migrate.ts";
import type { Reader, Store, Tx } from "./store.ts";
import { isRetryable } from "./violations.ts";

const TRIES = 5;

/** Gives Drizzle's builders our `all`. */
function withAll(builders: { execute(query: SQL): Promise<unknown> }): Reader {
  return Object.assign(builders, {
    all: async (query: SQL) => (await builders.execute(query)) as never[],
  }) as unknown as Reader;
}

/** Postgres through postgres.js. A transaction that lost a deadlock or a serialisation race runs again. */
export async function openPostgres(url: string, begin: () => Pick<Tx, "now" | "newId">): Promise<Store> {
  const client = postgres(url, {
    max: 10,
    onnotice: () => {},
    connect_timeout: 10,
    // Epoch milliseconds and thousandths are 64-bit there and exact numbers here.
    types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
  });
  await migratePostgres(client);
  const database = drizzle({ client });

  return {
    read: withAll(database),
    async write(work) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await database.transaction((tx) => work(Object.assign(withAll(tx), begin()) as Tx));
        } catch (error) {
          if (attempt >= TRIES || !isRetryable(error)) throw error;
        }
      }
    },
    async ping() {
      await client`select 1`;
    },
    async close() {
      await client.end({ timeout: 5 });
    },
  };
}
