import type { SQL } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres, { type Sql } from "postgres";
import { postgresBell } from "./bell.ts";
import { migratePostgres } from "./migrate.ts";
import type { Reader, Store, Tx } from "./store.ts";
import { isRetryable } from "./violations.ts";

const TRIES = 5;

const words = new PgDialect();

/**
 * Gives Drizzle's builders our `all`, whose statements stay prepared: their text is the same for every batch. Drizzle
 * itself prepares none, and keeps the connection of a transaction to itself, which is why it is asked for here.
 */
function withAll(builders: object): Reader {
  const { client } = (builders as { session: { client: Sql } }).session;
  const all = async (query: SQL) => {
    const { sql, params } = words.sqlToQuery(query);
    return (await client.unsafe(sql, params as string[], { prepare: true })) as unknown as never[];
  };
  return Object.assign(builders, { all }) as unknown as Reader;
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
    version: () => null,
    bell: postgresBell(client),
    snapshot(work) {
      const oneMoment = { isolationLevel: "repeatable read", accessMode: "read only" } as const;
      return database.transaction((tx) => work(withAll(tx)), oneMoment);
    },
    async ping() {
      await client`select 1`;
    },
    async close() {
      await client.end({ timeout: 5 });
    },
  };
}
