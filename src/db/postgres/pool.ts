import { MINUTE } from "../../lib/clock.ts";
import { ACQUIRE_TIMEOUT_MS, AcquireQueue } from "./acquire-queue.ts";
import type { Connection, OpenConnection } from "./connection.ts";
import { destroyStalledConnections } from "./stalled-connections.ts";

/** A connection unused for longer may be dead without an error. */
const IDLE_TIMEOUT_MS = MINUTE;
/** Limits the memory that the server keeps for each connection, and how long an old DNS answer is used. */
const MAX_LIFETIME_MS = 30 * MINUTE;
const CLOSE_POLL_MS = 10;

export interface Pool {
  /** Runs `work` with a connection that it alone uses until it resolves. */
  use<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface PoolOptions {
  /** Connections at the same time. */
  size: number;
  open: OpenConnection;
  /** Is called after each use with its error, or with undefined. */
  onUsed(error?: unknown): void;
}

/**
 * Lends connections to one caller at a time. Broken ones are replaced, a caller that waits too long gets an error, and a
 * query whose answer never comes fails.
 */
export function createPool({ size, open, onUsed }: PoolOptions): Pool {
  const queue = new AcquireQueue(size);
  const openConnection = retryingOpen(open);
  const idle: Connection[] = [];
  const lent = new Set<Connection>();
  let closed = false;
  const stopChecks = destroyStalledConnections({ connections: lent, open: openConnection, onError: onUsed });

  async function takeConnection(): Promise<Connection> {
    for (let connection = idle.pop(); connection; connection = idle.pop()) {
      if (isUsable(connection)) return connection;
      connection.destroy();
    }
    return openConnection();
  }

  function returnConnection(connection: Connection): void {
    lent.delete(connection);
    connection.lastUsedAt = performance.now();
    // While a query is pending the state of its session is unknown.
    if (closed || connection.pendingSince !== null) connection.destroy();
    else if (connection.isOpen) idle.push(connection);
  }

  async function use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    await queue.acquire().catch((error) => {
      onUsed(error);
      throw error;
    });
    let connection: Connection | undefined;
    try {
      connection = await takeConnection();
      lent.add(connection);
      const result = await work(connection);
      onUsed();
      return result;
    } catch (error) {
      onUsed(error);
      throw error;
    } finally {
      if (connection) returnConnection(connection);
      queue.release();
    }
  }

  async function close(): Promise<void> {
    closed = true;
    stopChecks();
    queue.close();
    for (const connection of idle.splice(0)) connection.destroy();
    const deadline = performance.now() + ACQUIRE_TIMEOUT_MS;
    while (lent.size > 0 && performance.now() < deadline) await Bun.sleep(CLOSE_POLL_MS);
    for (const connection of lent) connection.destroy();
  }

  return { use, close };
}

function isUsable({ isOpen, lastUsedAt, createdAt }: Connection): boolean {
  const now = performance.now();
  return isOpen && now - lastUsedAt < IDLE_TIMEOUT_MS && now - createdAt < MAX_LIFETIME_MS;
}

/** Tries a failed attempt once more when another one succeeded in the meantime: the outage is over then. */
function retryingOpen(open: OpenConnection): OpenConnection {
  let lastOpenedAt = 0;
  return async () => {
    const startedAt = performance.now();
    const connection = await open().catch((error) => {
      if (lastOpenedAt < startedAt) throw error;
      return open();
    });
    lastOpenedAt = performance.now();
    return connection;
  };
}
