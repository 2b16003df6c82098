import { sql } from "drizzle-orm";
import { indexedBy } from "../../db/sql.ts";
import type { Reader } from "../../db/store.ts";
import { type Clock, type Instant, MINUTE, SECOND } from "../../lib/clock.ts";
import type { Log } from "../../lib/logger.ts";
import type { Driver } from "./driver.ts";
import { startEmbedded } from "./embedded.ts";
import type { Engine } from "./engine.ts";
import { startPollLoop } from "./poll-loop.ts";
import type { Wakeup, WakeupQueue } from "./wakeup-queue.ts";

/** Time ahead for which due messages get a wakeup in Redis, the soonest of them only. */
const LOOKAHEAD_MS = 5 * MINUTE;
const MAX_UPCOMING_WAKEUPS = 200;
/** Wakeups for messages that are due already: one makes a replica take all, and there are several replicas. */
const MAX_OVERDUE_WAKEUPS = 50;
/** A poll at least this often, and all wakeups added again: Redis may have lost them. */
const POLL_INTERVAL_MS = 5 * SECOND;
/** The timer checks this long after a message is due whether its wakeup came: of many in a second, not every one is in time. */
const WAKEUP_GRACE_MS = 50;
/** The longest sleep of the timer: another replica may have written a message and failed to add its wakeup. */
const MAX_SLEEP_MS = 15 * SECOND;

export interface BullmqOptions {
  redisUrl: string;
  /** Keeps installations apart that share one Redis. */
  namespace: string;
  read: Reader;
  clock: Clock;
  log: Log;
  /** Reaches the workers while Redis does not work, from a process that is none itself. */
  notifyWorkers?: () => void;
  pollIntervalMs?: number;
  wakeupGraceMs?: number;
  maxSleepMs?: number;
}

/**
 * Starts delivery that BullMQ wakes, on as many replicas as there are. The embedded driver stays at work beneath it: while Redis
 * works it only sends what no wakeup came for, and while Redis does not it does everything. Without an engine this adds the
 * wakeups of the workers.
 */
export async function startBullmq(engine: Engine | null, options: BullmqOptions): Promise<Driver> {
  const { redisUrl, namespace, clock, log, notifyWorkers = () => {} } = options;
  const { pollIntervalMs = POLL_INTERVAL_MS, wakeupGraceMs = WAKEUP_GRACE_MS, maxSleepMs = MAX_SLEEP_MS } = options;
  // A process without Redis does not load its libraries.
  const { openWakeupQueue } = await import("./wakeup-queue.ts");

  const sleep = (wait: number) => Math.min(queue.works ? wait + wakeupGraceMs : wait, maxSleepMs);
  const embedded = engine === null ? null : startEmbedded(engine, clock, log, sleep);
  const wakeWorkers = embedded === null ? notifyWorkers : embedded.wake;
  const wakeups = trackWakeups(options, pollIntervalMs);
  const queue: WakeupQueue = openWakeupQueue({
    redisUrl,
    prefix: `reprise-${namespace}`,
    onWakeup: embedded === null ? null : embedded.wake,
    onReady() {
      wakeups.clear();
      rounds.wake();
    },
    onChange(works, error) {
      if (works) log.info("redis.available");
      else log.warn("redis.unavailable", { error });
      wakeWorkers();
    },
  });
  const rounds = startPollLoop(async () => {
    try {
      return await wakeups.add(queue);
    } catch {
      // Redis does not work, which was logged, or the database does not, which the embedded driver logs.
      wakeWorkers();
      return pollIntervalMs;
    }
  });

  return {
    wake: rounds.wake,
    ping: queue.ping,
    async close(within) {
      rounds.stop();
      await Promise.all([queue.close(), embedded?.close(within)]);
    },
  };
}

/**
 * Adds the wakeups of messages that are due soon, each once as far as this process can tell; a superfluous wakeup costs
 * little.
 */
function trackWakeups({ read, clock }: BullmqOptions, every: number) {
  const added = new Set<string>();
  let forgottenAt = 0;
  return {
    clear: () => added.clear(),
    /** Returns in how many milliseconds to add the next ones. */
    async add(queue: WakeupQueue): Promise<number> {
      const now = clock.now();
      if (now - forgottenAt >= every) {
        added.clear();
        forgottenAt = now;
      }
      const overdue = await findWakeups(read, clock, { after: 0, until: now, limit: MAX_OVERDUE_WAKEUPS });
      const soon = { after: now, until: now + LOOKAHEAD_MS, limit: MAX_UPCOMING_WAKEUPS };
      const upcoming = await findWakeups(read, clock, soon);
      await queue.add([...overdue, ...upcoming.filter(({ id }) => !added.has(id))]);
      for (const { id } of upcoming) added.add(id);
      // If there are more, the next ones are added before the last of these is due.
      return Math.min(every, upcoming[MAX_UPCOMING_WAKEUPS - 1]?.delay ?? every);
    },
  };
}

/** Finds the pending messages that are due in a span, the soonest first, as wakeups. */
async function findWakeups(
  read: Reader,
  clock: Clock,
  { after, until, limit }: { after: Instant; until: Instant; limit: number },
): Promise<Wakeup[]> {
  const rows = await read.all<{ id: string; run_at: Instant }>(sql`select m.id, m.run_at
    from messages m ${indexedBy("messages_due")} where m.status = 'PENDING' and m.run_at > ${after} and m.run_at <= ${until}
    order by m.run_at, m.id limit ${limit}`);
  const now = clock.now();
  return rows.map(({ id: messageId, run_at }) => ({
    // No colon and not a number, or BullMQ refuses it. Another time is another wakeup.
    id: `m-${messageId}-${run_at}`,
    messageId,
    delay: Math.max(0, run_at - now),
  }));
}
