import { connect as openSocket, type Socket } from "node:net";
import { type SQL, sql } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres, { type Sql } from "postgres";
import { SECOND } from "../clock.ts";
import type { Address } from "./address.ts";
import { checkStatementSize } from "./statementSize.ts";
import type { Reader, Tx } from "./store.ts";

/** A server that has not let us in by then is tried no longer. Milliseconds. */
const PATIENCE = 3 * SECOND;

/**
 * What the server itself ends: a statement that takes a minute, waiting for a lock, and a transaction whose process was
 * stopped or lost, so that its locks hold nobody up. `planAnew` and snapshots may take longer. And no statement is compiled:
 * a plan that cannot do without what `findByIndex` switched off looks so dear to Postgres that it spent 50 ms on compiling
 * it, for a brand's one lot, in each slice of a cancel.
 */
const LIMITS =
  "set statement_timeout = '60s'; set lock_timeout = '10s'; set idle_in_transaction_session_timeout = '15s'; set jit = off";

const words = new PgDialect();

/** `all` over what takes SQL as text. Statements stay prepared: their text is the same for every batch; Drizzle prepares none. */
export function allThrough(
  unsafe: (text: string, params: string[], options: { prepare: true }) => PromiseLike<unknown>,
): Reader["all"] {
  return async (query: SQL) => {
    const { sql, params } = words.sqlToQuery(query);
    return (await unsafe(sql, params as string[], { prepare: true })) as never[];
  };
}

/** An error of our own that says what the database's would. */
export function broken(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/**
 * One connection, from its birth to its end: it is never opened a second time. postgres.js, left alone, opens it again
 * and runs what is left of a transaction there, outside of it (porsager/postgres#1155); and it writes to a socket that is
 * gone, out of reach of any `catch` (#1208). So each of its clients has one connection here, and is thrown away with it.
 */
export interface Connection {
  /** Drizzle's builders, and `all`. */
  builders: Omit<Tx, "now" | "newId" | "ledgerKey">;
  /** The server's process. */
  pid: number;
  isOpen: boolean;
  /** `performance.now()` of when the question was asked that waits for its answer; null when none does. */
  askedAt: number | null;
  /** What failed first since `begin`. */
  firstError: unknown;
  bornAt: number;
  usedAt: number;
  /** As postgres.js has it; it fails when the connection is no longer open. */
  unsafe: Sql["unsafe"];
  run(text: string): Promise<{ command: string }>;
  /** Ends it at once. Whoever waits for an answer hears that there is none. */
  cut(): void;
}

/** Epoch milliseconds and thousandths are 64-bit there and exact numbers here. */
export const EXACT = { bigint: { to: 20, from: [20], parse: Number, serialize: String } };

const CLIENT = {
  max: 1,
  onnotice: () => {},
  fetch_types: false,
  connection: { application_name: "reprise" },
  connect_timeout: PATIENCE / SECOND,
  max_lifetime: null,
  backoff: () => 0,
  types: EXACT,
};

/** A socket to one host. postgres.js would try a dead list of hosts for ever (porsager/postgres#1174). */
function reach({ host, port }: Address["hosts"][number]): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = openSocket({ host, port, keepAlive: true, keepAliveInitialDelay: 10 * SECOND, noDelay: true });
    const timer = setTimeout(() => {
      socket.destroy();
      reject(broken("CONNECT_TIMEOUT", `${host}:${port} does not answer`));
    }, PATIENCE);
    socket.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.removeAllListeners("error");
      // What TLS checks the server's name against.
      resolve(Object.assign(socket, { host, port }));
    });
  });
}

/** @throws what the driver says, or 25006 when the server takes no writes. */
async function openAt(url: string, host: Address["hosts"][number], onNotify?: () => void): Promise<Connection> {
  const socket = await reach(host);
  const client = postgres(url, {
    ...CLIENT,
    onclose: () => end(),
    // Its types know neither.
    ...({
      onnotify: onNotify,
      socket: () => (connection.isOpen ? socket : Promise.reject(broken("CONNECTION_CLOSED", "closed"))),
    } as object),
  });
  const end = () => {
    connection.isOpen = false;
    void client.end({ timeout: 0 });
  };

  let waiting = 0;
  /** Notes that something is asked, and what came of it. */
  function asked<Q extends Promise<unknown>>(query: Q): Q {
    waiting++;
    connection.askedAt ??= performance.now();
    const answered = () => {
      waiting--;
      connection.askedAt = waiting === 0 ? null : performance.now();
    };
    query.then(answered, (error: unknown) => {
      answered();
      connection.firstError ??= error;
    });
    return query;
  }

  const plain = client.unsafe.bind(client);
  const unsafe: Sql["unsafe"] = (...asking) => {
    // Not even begun: what a broken transaction still wants must not run anywhere.
    if (!connection.isOpen) throw broken("CONNECTION_CLOSED", "the connection was lost");
    checkStatementSize(asking[1] ?? []);
    return asked(plain(...asking)) as never;
  };
  const builders = drizzle({ client: Object.assign(client, { unsafe }) }) as unknown as Connection["builders"];

  const connection: Connection = {
    builders: Object.assign(builders, { all: allThrough(unsafe) }),
    pid: 0,
    isOpen: true,
    askedAt: null,
    firstError: undefined,
    bornAt: performance.now(),
    usedAt: performance.now(),
    unsafe,
    run: async (text) => (await unsafe(text)) as unknown as { command: string },
    cut() {
      end();
      socket.destroy();
    },
  };
  await letIn(connection, host);
  return connection;
}

/** The first words: our limits, and whether this server takes writes. After a failover an old address may lead to a replica. */
async function letIn(connection: Connection, { host, port }: Address["hosts"][number]): Promise<void> {
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    connection.cut();
  }, PATIENCE);
  try {
    await connection.run(LIMITS);
    const [row] = await connection.builders.all<{ pid: number; readonly: string }>(
      sql`select pg_backend_pid() as pid, current_setting('transaction_read_only') as readonly`,
    );
    if (row?.readonly !== "off") throw broken("25006", `${host}:${port} takes no writes`);
    connection.pid = row.pid;
  } catch (error) {
    connection.cut();
    throw isLate ? broken("CONNECT_TIMEOUT", `${host}:${port} does not answer`) : error;
  } finally {
    clearTimeout(timer);
  }
}

/** `onNotify` hears what the connection listens for. */
export type Open = (onNotify?: () => void) => Promise<Connection>;

/** Opens connections to whichever of the hosts takes writes, that of the last time first. */
export function connector({ url, hosts }: Address): Open {
  let favourite = 0;
  return async (onNotify) => {
    let failure: unknown;
    for (let tried = 0; tried < hosts.length; tried++) {
      const at = (favourite + tried) % hosts.length;
      const host = hosts[at];
      if (!host) continue;
      try {
        const connection = await openAt(url, host, onNotify);
        favourite = at;
        return connection;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  };
}
