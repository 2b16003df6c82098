import { drizzle } from "drizzle-orm/postgres-js";
import type { Sql } from "postgres";
import { type LedgerKey, NO_LEDGER_KEY } from "../../lib/crypto/secrets.ts";
import { parseDatabaseUrl } from "../database-url.ts";
import { isRetryable, isUnavailable } from "../errors.ts";
import { migratePostgres } from "../migrate.ts";
import type { OutageMonitor } from "../outage-monitor.ts";
import type { Reader, Store, Tx } from "../store.ts";
import { type Connection, createAll, createConnector } from "./connection.ts";
import { createPostgresNotifier } from "./notifier.ts";
import { createPool, type Pool } from "./pool.ts";

const MAX_ATTEMPTS = 5;
/** Delay between two attempts to reach a server that has not started yet. */
const STARTUP_RETRY_MS = 500;
const DEFAULT_POOL_CONNECTIONS = 10;

/** Builds a reader that sends each query through whichever connection is free. */
function pooledReader({ use }: Pool, ledgerKey: LedgerKey): Reader {
  const unsafe = (text: string, params: string[], options?: { prepare: boolean }) => {
    let asValues = false;
    // Deferred: Drizzle calls `values()` on the result after it passed the query.
    const result = Promise.resolve().then(() =>
      use(async ({ unsafe }) => {
        const query = unsafe(text, params, options);
        return (await (asValues ? query.values() : query)) as unknown[];
      }),
    );
    const values = () => {
      asValues = true;
      return result;
    };
    return Object.assign(result, { values });
  };
  const client = { unsafe, options: { parsers: {}, serializers: {} } } as unknown as Sql;
  return Object.assign(drizzle({ client }), { all: createAll(unsafe), ledgerKey }) as unknown as Reader;
}

/** Runs `work` between `begin` and `commit` or `rollback`. The server itself rolls back what a lost connection began. */
async function runTransaction<T>(connection: Connection, begin: string, work: () => Promise<T>): Promise<T> {
  connection.firstError = undefined;
  await connection.run(begin);
  try {
    const result = await work();
    // After an error that `work` caught, Postgres answers ROLLBACK and has written nothing.
    const { command } = await connection.run("commit");
    if (command !== "COMMIT") throw connection.firstError ?? new Error("the transaction was rolled back");
    return result;
  } catch (error) {
    if (connection.isOpen) await connection.run("rollback").catch(connection.destroy);
    // 25P02 means that an earlier statement failed, whose error is the cause.
    throw (error as { code?: unknown }).code === "25P02" ? (connection.firstError ?? error) : error;
  }
}

export interface PostgresOptions {
  /** Connections at the same time. */
  size?: number | undefined;
  outageMonitor: OutageMonitor;
  ledgerKey?: LedgerKey;
  /** Retries while the server has not started yet, until this is aborted. Without it the first failure is thrown. */
  retrySignal?: AbortSignal | undefined;
}

/** Opens a store on Postgres. A transaction that lost a deadlock or a serialisation conflict runs again. */
export async function openPostgres(
  url: string,
  begin: () => Pick<Tx, "now" | "newId">,
  { size = DEFAULT_POOL_CONNECTIONS, outageMonitor, retrySignal, ledgerKey = NO_LEDGER_KEY }: PostgresOptions,
): Promise<Store> {
  const address = parseDatabaseUrl(url);
  if (!address) throw new Error("DATABASE_URL: expected postgres://user:password@host:5432/database");
  const open = createConnector(address);
  const pool = createPool({ size, open, onUsed: (error) => outageMonitor.record(error) });

  await retryUntilStarted(retrySignal, () =>
    pool.use((connection) => runTransaction(connection, "begin", () => migratePostgres(connection))),
  ).catch(async (error) => {
    await pool.close();
    throw error;
  });

  const notifier = createPostgresNotifier(pool, open, outageMonitor.onListenerError);
  return {
    read: pooledReader(pool, ledgerKey),
    write: (work) =>
      retryConflicts(() =>
        pool.use((connection) =>
          runTransaction(connection, "begin", () =>
            work(Object.assign(Object.create(connection.builders), begin(), { ledgerKey }) as Tx),
          ),
        ),
      ),
    version: () => null,
    snapshot: (work) => pool.use((connection) => runSnapshot(connection, ledgerKey, work)),
    async ping() {
      await pool.use((connection) => connection.run("select 1"));
    },
    notifier,
    async close() {
      outageMonitor.stop();
      notifier.close();
      await pool.close();
    },
  };
}

/** Runs `work` in a read-only transaction that sees one state of the database, without the usual time limits. */
function runSnapshot<T>(connection: Connection, ledgerKey: LedgerKey, work: (read: Reader) => Promise<T>): Promise<T> {
  return runTransaction(connection, "begin isolation level repeatable read read only", async () => {
    await connection.run("set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0");
    return work(Object.assign(Object.create(connection.builders), { ledgerKey }) as Reader);
  });
}

/** Repeats a transaction that failed with a deadlock or a serialisation conflict, up to MAX_ATTEMPTS times in all. */
async function retryConflicts<T>(transaction: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transaction();
    } catch (error) {
      if (attempt >= MAX_ATTEMPTS || !isRetryable(error)) throw error;
    }
  }
}

/** Repeats `start` while Postgres is unavailable, until `waiting` is aborted. */
async function retryUntilStarted(waiting: AbortSignal | undefined, start: () => Promise<unknown>): Promise<void> {
  for (;;) {
    waiting?.throwIfAborted();
    try {
      await start();
      return;
    } catch (error) {
      if (!waiting || !isUnavailable(error)) throw error;
      await Bun.sleep(STARTUP_RETRY_MS);
    }
  }
}
