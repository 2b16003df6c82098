import { sql } from "drizzle-orm";
import { valuesTable } from "../../../db/sql.ts";
import type { Store, Tx } from "../../../db/store.ts";
import { type Instant, MINUTE } from "../../../lib/clock.ts";
import type { Log } from "../../../lib/logger.ts";

/** Precision of the last use of a session. */
const SEEN_PRECISION_MS = 5 * MINUTE;
/** Sessions seen since the last write are written together, this long after the first of them. */
const WRITE_DELAY_MS = MINUTE;
/** Sessions in one write; further ones wait for the next. */
const MAX_SESSIONS_PER_WRITE = 5_000;

interface Used {
  sessionId: string | null;
  lastSeenAt: Instant | null;
}

/** Records when sessions are used, for the idle limit and for the list of sessions. */
export interface SessionActivity {
  /** Records in memory that a session is used now. */
  record(used: Used, now: Instant): void;
  /** Writes the recorded uses. Called by a timer; tests call it themselves. */
  flush(): Promise<void>;
}

/**
 * Writes the recorded uses at most once a minute: each write empties the cache of principals, so that a write for each request
 * would cost every request a query.
 */
export function sessionActivity(store: Pick<Store, "write">, log: Log): SessionActivity {
  let seen = new Map<string, Instant>();
  let timer: ReturnType<typeof setTimeout> | null = null;

  async function flush(): Promise<void> {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const rows = [...seen].map(([id, seenAt]) => ({ id, seenAt }));
    seen = new Map();
    if (rows.length > 0) await store.write((tx) => writeActivity(tx, rows));
  }

  return {
    flush,
    record({ sessionId, lastSeenAt }, now) {
      if (sessionId === null || lastSeenAt === null || now - lastSeenAt < SEEN_PRECISION_MS) return;
      if (seen.has(sessionId) || seen.size >= MAX_SESSIONS_PER_WRITE) return;
      seen.set(sessionId, now);
      timer ??= setTimeout(() => {
        flush().catch((error) => log.warn("identity.session_activity_not_written", { error }));
      }, WRITE_DELAY_MS).unref();
    },
  };
}

async function writeActivity(tx: Tx, rows: { id: string; seenAt: Instant }[]): Promise<void> {
  // Several replicas may have seen one session: the latest use counts. Sorted, so that no deadlock occurs.
  rows.sort((one, other) => (one.id < other.id ? -1 : 1));
  await tx.all(
    sql`update sessions set last_seen_at = n."seenAt" from ${valuesTable("n", rows, { id: "text", seenAt: "bigint" })}
      where sessions.id = n.id and coalesce(sessions.last_seen_at, 0) < n."seenAt"`,
  );
}
