import { sql } from "drizzle-orm";
import type { Tx } from "../../db/store.ts";
import type { Instant } from "../../lib/clock.ts";
import { NEVER } from "./model.ts";
import { type Update, updateBatch } from "./update-batch.ts";

/** The reasons to wait that come from a mailbox: with another mailbox a message waits no longer. */
export const SENDER_WAITS = sql.raw(
  "('NO_SENDER', 'SENDER_REASSIGNED', 'SENDER_INACTIVE', 'SENDER_PAUSED', 'SENDER_DISCONNECTED', 'SENDER_UNPROVED', 'DAILY_CAP')",
);

/** Makes a message due when it was planned, or now. */
const onTime = (now: Instant) => sql`case when scheduled_time > ${now} then scheduled_time else ${now} end`;

/** The updates after which a message is still PENDING: they change when, and from which mailbox, it leaves. */
const RESCHEDULES = {
  /** Postpones a message to `runAt` because of `reason`; without `runAt` its time stays. */
  postpone: {
    from: ["PENDING"],
    columns: ["id", "runAt", "reason"],
    set: () => sql`run_at = coalesce(n."runAt", run_at), error_message = n.reason`,
  },
  /** Makes a message due when planned, or now, because the person or event that it waited for has come. */
  release: {
    from: ["PENDING"],
    columns: ["id"],
    set: (now) => sql`run_at = ${onTime(now)}, error_message = null`,
    // Avoids the condition of the index `messages_parked`, through which Postgres would pass over all rows released before.
    condition: sql`run_at + 0 = ${NEVER}`,
  },
  /** Makes a message due when planned, or now, because its mailbox works again. */
  recheck: {
    from: ["PENDING"],
    columns: ["id"],
    set: (now) => sql`run_at = ${onTime(now)}, error_message = null`,
  },
  /** Assigns another mailbox; the message no longer waits for the old one. */
  reassign: {
    from: ["PENDING"],
    columns: ["id", "senderId"],
    set: (now) => sql`sender_id = n."senderId",
      run_at = case when error_message in ${SENDER_WAITS} then ${onTime(now)} else run_at end,
      error_message = case when error_message in ${SENDER_WAITS} then null else error_message end`,
  },
} as const satisfies Record<string, Update>;

export interface Reschedule {
  id: string;
  runAt?: Instant | null;
  reason?: string | null;
  senderId?: string;
}

/** Reschedules those of these messages that are PENDING, and returns their ids. Status, holds and counters stay as they are. */
export async function reschedule(
  tx: Tx,
  name: keyof typeof RESCHEDULES,
  changes: readonly Reschedule[],
): Promise<Set<string>> {
  if (changes.length === 0) return new Set();
  const rows = await updateBatch<{ id: string }>(tx, RESCHEDULES[name], changes, sql.raw("messages.id"));
  return new Set(rows.map(({ id }) => id));
}
