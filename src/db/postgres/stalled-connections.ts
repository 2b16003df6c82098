import { sql } from "drizzle-orm";
import { SECOND } from "../../lib/clock.ts";
import type { Connection, OpenConnection } from "./connection.ts";

/** A query without an answer for this long is checked; the check itself may take as long. */
const LATE_ANSWER_MS = 3 * SECOND;
const CHECK_INTERVAL_MS = SECOND;

interface StalledConnectionOptions {
  /** The connections in use. */
  connections: ReadonlySet<Connection>;
  open: OpenConnection;
  /** Is called with the error of a check that failed. */
  onError(error: unknown): void;
}

/**
 * Destroys connections whose answer will never come. Asks the server, on a new connection, whether it still works on late
 * queries: it may do so for as long as its own limits allow. If it does not, or does not answer either, their connections
 * are destroyed. Returns a function that stops the checks.
 */
export function destroyStalledConnections({ connections, open, onError }: StalledConnectionOptions): () => void {
  let isChecking = false;

  async function check(): Promise<void> {
    const late = [...connections]
      .filter(({ pendingSince }) => pendingSince !== null && performance.now() - pendingSince > LATE_ANSWER_MS)
      .map((connection) => ({ connection, pendingSince: connection.pendingSince }));
    if (late.length === 0 || isChecking) return;
    isChecking = true;
    const active = await listActivePids(open)
      .catch((error) => {
        onError(error);
        return new Set<number>();
      })
      // Reset even after an unexpected error: otherwise stalled connections would never be destroyed again.
      .finally(() => {
        isChecking = false;
      });
    for (const { connection, pendingSince } of late) {
      if (connection.pendingSince === pendingSince && !active.has(connection.pid)) connection.destroy();
    }
  }

  const interval = setInterval(check, CHECK_INTERVAL_MS);
  interval.unref?.();
  return () => clearInterval(interval);
}

/** Lists the server processes that are executing a query. */
async function listActivePids(open: OpenConnection): Promise<Set<number>> {
  const connection = await open();
  const timeout = setTimeout(connection.destroy, LATE_ANSWER_MS);
  try {
    const rows = await connection.builders.all<{ pid: number }>(
      sql`select pid from pg_stat_activity where state = 'active'`,
    );
    return new Set(rows.map(({ pid }) => pid));
  } finally {
    clearTimeout(timeout);
    connection.destroy();
  }
}
