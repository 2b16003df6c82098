import { sql } from "drizzle-orm";
import { MINUTE, SECOND } from "../clock.ts";
import { broken, type Connection, type Open } from "./connection.ts";

/** How long a request waits for a connection, while all are in use or none can be had. Milliseconds. */
const QUEUE = 5 * SECOND;
/** An answer that takes longer than this is asked after. */
const LATE = 3 * SECOND;
/** Unused for so long, a connection may be dead without anybody having said so. */
const IDLE = MINUTE;
/** What a server keeps for each connection grows; so does what was learned about where it is. */
const LIFE = 30 * MINUTE;

export interface Pool {
  /** Has a connection to itself until `work` resolves. */
  use<T>(work: (connection: Connection) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface PoolOptions {
  /** Connections at the same time. */
  size: number;
  open: Open;
  /** Called after each use: what failed, or undefined. */
  onUsed(error?: unknown): void;
}

interface Waiter {
  turn(): void;
  giveUp(error: Error): void;
}

/** Connections that are lent to one at a time. What breaks is replaced, whoever waits too long is told, nothing hangs. */
export function createPool({ size, open, onUsed }: PoolOptions): Pool {
  const idle: Connection[] = [];
  const lent = new Set<Connection>();
  const waiters = new Set<Waiter>();
  let taken = 0;
  let openedAt = 0;
  let closed = false;
  let looking = false;

  /** Resolves when one of the places is ours. */
  function place(): Promise<void> {
    if (closed) return Promise.reject(broken("CONNECTION_ENDED", "the database is closed"));
    if (taken < size) {
      taken++;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const settle = (then: () => void) => {
        clearTimeout(timer);
        waiters.delete(waiter);
        then();
      };
      const waiter: Waiter = { turn: () => settle(resolve), giveUp: (error) => settle(() => reject(error)) };
      const tooLate = broken("POOL_EXHAUSTED", "no connection to the database is free");
      const timer = setTimeout(() => waiter.giveUp(tooLate), QUEUE);
      waiters.add(waiter);
    });
  }

  function leave(): void {
    const [next] = waiters;
    // The place goes to whoever waits longest, and never falls free.
    if (next) next.turn();
    else taken--;
  }

  /** Opens a connection; once more where another one was let in meanwhile, since then the trouble is over. */
  async function opened(): Promise<Connection> {
    const began = performance.now();
    const connection = await open().catch((error) => {
      if (openedAt < began) throw error;
      return open();
    });
    openedAt = performance.now();
    return connection;
  }

  async function fresh(): Promise<Connection> {
    const now = performance.now();
    for (let found = idle.pop(); found; found = idle.pop()) {
      if (found.isOpen && now - found.usedAt < IDLE && now - found.bornAt < LIFE) return found;
      found.cut();
    }
    return opened();
  }

  async function use<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    await place().catch((error) => {
      onUsed(error);
      throw error;
    });
    let connection: Connection | undefined;
    try {
      connection = await fresh();
      lent.add(connection);
      const result = await work(connection);
      onUsed();
      return result;
    } catch (error) {
      onUsed(error);
      throw error;
    } finally {
      if (connection) giveBack(connection);
      leave();
    }
  }

  function giveBack(connection: Connection): void {
    lent.delete(connection);
    connection.usedAt = performance.now();
    // One that still waits for an answer is in a state that nobody knows.
    if (closed || connection.askedAt !== null) connection.cut();
    else if (connection.isOpen) idle.push(connection);
  }

  const overdue = () => [...lent].filter(({ askedAt }) => askedAt !== null && performance.now() - askedAt > LATE);

  /**
   * Asks after late answers, on a new connection: the server may be at work on them, for as long as its own limits allow.
   * If it is not, or does not answer itself, they will never come, and those connections are cut.
   */
  async function look(): Promise<void> {
    const late = overdue().map((connection) => ({ connection, askedAt: connection.askedAt }));
    if (late.length === 0 || looking) return;
    looking = true;
    const working = await pidsAtWork()
      .catch((error) => {
        onUsed(error);
        return new Set<number>();
      })
      // Whatever else fails: were it to stay true, hung connections would never be cut again.
      .finally(() => {
        looking = false;
      });
    for (const { connection, askedAt } of late) {
      if (connection.askedAt === askedAt && !working.has(connection.pid)) connection.cut();
    }
  }

  async function pidsAtWork(): Promise<Set<number>> {
    const other = await opened();
    const timer = setTimeout(other.cut, LATE);
    try {
      const rows = await other.builders.all<{ pid: number }>(
        sql`select pid from pg_stat_activity where state = 'active'`,
      );
      return new Set(rows.map(({ pid }) => pid));
    } finally {
      clearTimeout(timer);
      other.cut();
    }
  }

  const watch = setInterval(look, SECOND);
  watch.unref?.();

  return {
    use,
    async close() {
      closed = true;
      clearInterval(watch);
      for (const waiter of waiters) waiter.giveUp(broken("CONNECTION_ENDED", "the database is closed"));
      for (const connection of idle.splice(0)) connection.cut();
      const deadline = performance.now() + QUEUE;
      while (lent.size > 0 && performance.now() < deadline) await Bun.sleep(10);
      for (const connection of lent) connection.cut();
    },
  };
}
