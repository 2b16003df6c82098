import { drizzle } from "drizzle-orm/postgres-js";
import type { Sql } from "postgres";
import { type LedgerKey, NO_LEDGER_KEY } from "../secrets.ts";
import { readAddress } from "./address.ts";
import { postgresBell } from "./bell.ts";
import { allThrough, type Connection, connector } from "./connection.ts";
import { migratePostgres } from "./migrate.ts";
import { createPool, type Pool } from "./pool.ts";
import type { Standing } from "./standing.ts";
import type { Reader, Store, Tx } from "./store.ts";
import { isRetryable, isUnavailable } from "./violations.ts";

const TRIES = 5;
/** How long after one that is not there yet the next try comes. Milliseconds. */
const AGAIN = 500;

/** Drizzle's builders, and `all`, where each question goes to whichever connection is free. */
function reader({ use }: Pool, ledgerKey: LedgerKey): Reader {
  const unsafe = (text: string, params: string[], options?: { prepare: boolean }) => {
    let asValues = false;
    // A moment later, since how the rows are wanted is said after the question.
    const answer = Promise.resolve().then(() =>
      use(async ({ unsafe }) => {
        const query = unsafe(text, params, options);
        return (await (asValues ? query.values() : query)) as unknown[];
      }),
    );
    const values = () => {
      asValues = true;
      return answer;
    };
    return Object.assign(answer, { values });
  };
  const pretended = { unsafe, options: { parsers: {}, serializers: {} } } as unknown as Sql;
  return Object.assign(drizzle({ client: pretended }), { all: allThrough(unsafe), ledgerKey }) as unknown as Reader;
}

/** Runs `work` between `begin` and `commit`, or `rollback`. What a broken connection had begun the server rolls back. */
async function transaction<T>(connection: Connection, begin: string, work: () => Promise<T>): Promise<T> {
  connection.firstError = undefined;
  await connection.run(begin);
  try {
    const result = await work();
    // After an error that somebody swallowed it says ROLLBACK, and nothing was written.
    const { command } = await connection.run("commit");
    if (command !== "COMMIT") throw connection.firstError ?? new Error("the transaction was rolled back");
    return result;
  } catch (error) {
    if (connection.isOpen) await connection.run("rollback").catch(connection.cut);
    // 25P02 only says that something failed before.
    throw (error as { code?: unknown }).code === "25P02" ? (connection.firstError ?? error) : error;
  }
}

export interface PostgresOptions {
  /** Connections at the same time. */
  size?: number | undefined;
  standing: Standing;
  ledgerKey?: LedgerKey;
  /** Waits for a server that is not there yet, until this is aborted. Without it that is an error. */
  waiting?: AbortSignal | undefined;
}

/** Postgres through postgres.js. A transaction that lost a deadlock or a serialisation race runs again. */
export async function openPostgres(
  url: string,
  begin: () => Pick<Tx, "now" | "newId">,
  { size = 10, standing, waiting, ledgerKey = NO_LEDGER_KEY }: PostgresOptions,
): Promise<Store> {
  const address = readAddress(url);
  if (!address) throw new Error("DATABASE_URL names no Postgres");
  const open = connector(address);
  const pool = createPool({ size, open, onUsed: (error) => standing.note(error) });

  await untilThere(waiting, () =>
    pool.use((connection) => transaction(connection, "begin", () => migratePostgres(connection))),
  ).catch(async (error) => {
    await pool.close();
    throw error;
  });

  const bell = postgresBell(pool, open, standing.onListenerError);
  return {
    read: reader(pool, ledgerKey),
    async write(work) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await pool.use((connection) =>
            transaction(connection, "begin", () =>
              work(Object.assign(Object.create(connection.builders), begin(), { ledgerKey }) as Tx),
            ),
          );
        } catch (error) {
          if (attempt >= TRIES || !isRetryable(error)) throw error;
        }
      }
    },
    version: () => null,
    snapshot(work) {
      return pool.use((connection) =>
        transaction(connection, "begin isolation level repeatable read read only", async () => {
          await connection.run("set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0");
          return work(Object.assign(Object.create(connection.builders), { ledgerKey }) as Reader);
        }),
      );
    },
    async ping() {
      await pool.use((connection) => connection.run("select 1"));
    },
    bell,
    async close() {
      standing.end();
      bell.close();
      await pool.close();
    },
  };
}

/** Begins with what may fail because Postgres is not there yet; `waiting` says for how long it is tried again. */
async function untilThere(waiting: AbortSignal | undefined, start: () => Promise<unknown>): Promise<void> {
  for (;;) {
    waiting?.throwIfAborted();
    try {
      await start();
      return;
    } catch (error) {
      if (!waiting || !isUnavailable(error)) throw error;
      await Bun.sleep(AGAIN);
    }
  }
}
