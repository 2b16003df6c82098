import type { Socket } from "node:net";
import { type SQL, sql } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres, { type Sql } from "postgres";
import { SECOND } from "../../lib/clock.ts";
import type { DatabaseAddress } from "../database-url.ts";
import { checkStatementSize } from "../statement-size.ts";
import type { Reader, Tx } from "../store.ts";
import { CONNECT_TIMEOUT_MS, connectSocket, connectTimeout, databaseError, type Host } from "./connect-socket.ts";

/**
 * Sets the server's own timeouts: for a statement that takes a minute, a wait for a lock, and a transaction whose process
 * was stopped or lost, so that its locks block no other. `forceCustomPlans` and snapshots may take longer. JIT compilation
 * is off: a plan that needs the scans that `forceIndexScans` disabled has so high a cost that Postgres spent 50 ms on
 * compiling it, for a brand's one lot, in each slice of a cancel.
 */
const SESSION_SETTINGS =
  "set statement_timeout = '60s'; set lock_timeout = '10s'; set idle_in_transaction_session_timeout = '15s'; set jit = off";

const pgDialect = new PgDialect();

/** Builds `all` over a driver that takes SQL as text. Statements are prepared: a batch has the same text for every size. */
export function createAll(
  unsafe: (text: string, params: string[], options: { prepare: true }) => PromiseLike<unknown>,
): Reader["all"] {
  return async (query: SQL) => {
    const { sql, params } = pgDialect.sqlToQuery(query);
    return (await unsafe(sql, params as string[], { prepare: true })) as never[];
  };
}

/**
 * A connection that is never reopened. postgres.js by default reconnects and runs the rest of a transaction there, outside
 * of it (porsager/postgres#1155), and writes to a destroyed socket where no `catch` applies (#1208). So each of its clients
 * has one connection here and is discarded with it.
 */
export interface Connection {
  /** Drizzle's builders, and `all`. */
  builders: Omit<Tx, "now" | "newId" | "ledgerKey">;
  /** The server's process id. */
  pid: number;
  isOpen: boolean;
  /** `performance.now()` of the oldest query without an answer, or of the last answer before it; null when none is pending. */
  pendingSince: number | null;
  /** The first error since `begin`. */
  firstError: unknown;
  createdAt: number;
  lastUsedAt: number;
  /** Runs a statement as in postgres.js; throws CONNECTION_CLOSED when the connection is no longer open. */
  unsafe: Sql["unsafe"];
  run(text: string): Promise<{ command: string }>;
  /** Closes the connection at once and rejects its pending queries. */
  destroy(): void;
}

/** Parses 64-bit integers (epoch milliseconds, thousandths) as numbers: all of ours are below 2^53. */
export const EXACT_BIGINTS = { bigint: { to: 20, from: [20], parse: Number, serialize: String } };

const CLIENT_OPTIONS = {
  max: 1,
  onnotice: () => {},
  fetch_types: false,
  connection: { application_name: "reprise" },
  connect_timeout: CONNECT_TIMEOUT_MS / SECOND,
  max_lifetime: null,
  backoff: () => 0,
  types: EXACT_BIGINTS,
};

/** @throws the driver's error, or 25006 when the server is read-only */
async function openConnection(url: string, host: Host, onNotify?: () => void): Promise<Connection> {
  const connection = createConnection(url, await connectSocket(host), onNotify);
  await handshake(connection, host);
  return connection;
}

function createConnection(url: string, socket: Socket, onNotify?: () => void): Connection {
  const client = postgres(url, {
    ...CLIENT_OPTIONS,
    onclose: () => end(),
    // The types of postgres.js lack both.
    ...({
      onnotify: onNotify,
      socket: () => (connection.isOpen ? socket : Promise.reject(databaseError("CONNECTION_CLOSED", "closed"))),
    } as object),
  });
  const end = () => {
    connection.isOpen = false;
    void client.end({ timeout: 0 });
  };
  const driverUnsafe = client.unsafe.bind(client);
  const track = trackPending(() => connection);
  const unsafe: Sql["unsafe"] = (...query) => {
    // Refused before it is sent: the rest of a broken transaction must not run anywhere.
    if (!connection.isOpen) throw databaseError("CONNECTION_CLOSED", "the connection was lost");
    checkStatementSize(query[1] ?? []);
    return track(driverUnsafe(...query)) as never;
  };
  const builders = drizzle({ client: Object.assign(client, { unsafe }) }) as unknown as Connection["builders"];
  const connection: Connection = {
    builders: Object.assign(builders, { all: createAll(unsafe) }),
    pid: 0,
    isOpen: true,
    pendingSince: null,
    firstError: undefined,
    createdAt: performance.now(),
    lastUsedAt: performance.now(),
    unsafe,
    run: async (text) => (await unsafe(text)) as unknown as { command: string },
    destroy() {
      end();
      socket.destroy();
    },
  };
  return connection;
}

/** Records on the connection which queries are pending, and the first error. */
function trackPending(getConnection: () => Connection): <Query extends Promise<unknown>>(query: Query) => Query {
  let pending = 0;
  return (query) => {
    const connection = getConnection();
    pending++;
    connection.pendingSince ??= performance.now();
    const settle = () => {
      pending--;
      connection.pendingSince = pending === 0 ? null : performance.now();
    };
    query.then(settle, (error: unknown) => {
      settle();
      connection.firstError ??= error;
    });
    return query;
  };
}

/** Sends the session settings and checks that the server accepts writes: after a failover an old address may be a replica. */
async function handshake(connection: Connection, server: Host): Promise<void> {
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    connection.destroy();
  }, CONNECT_TIMEOUT_MS);
  try {
    await connection.run(SESSION_SETTINGS);
    const [row] = await connection.builders.all<{ pid: number; readonly: string }>(
      sql`select pg_backend_pid() as pid, current_setting('transaction_read_only') as readonly`,
    );
    if (row?.readonly !== "off") throw databaseError("25006", `${server.host}:${server.port} accepts no writes`);
    connection.pid = row.pid;
  } catch (error) {
    connection.destroy();
    throw timedOut ? connectTimeout(server) : error;
  } finally {
    clearTimeout(timer);
  }
}

/** `onNotify` is called for each notification on a channel that the connection listens to. */
export type OpenConnection = (onNotify?: () => void) => Promise<Connection>;

/** Opens connections to whichever host accepts writes, trying the last successful host first. */
export function createConnector({ url, hosts }: DatabaseAddress): OpenConnection {
  let preferred = 0;
  return async (onNotify) => {
    let failure: unknown;
    for (let tried = 0; tried < hosts.length; tried++) {
      const at = (preferred + tried) % hosts.length;
      const host = hosts[at];
      if (!host) continue;
      try {
        const connection = await openConnection(url, host, onNotify);
        preferred = at;
        return connection;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  };
}
