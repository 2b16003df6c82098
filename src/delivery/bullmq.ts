import { sql } from "drizzle-orm";
import { type Clock, type Instant, MINUTE, SECOND } from "../clock.ts";
import { indexedBy } from "../db/sql.ts";
import type { Reader } from "../db/store.ts";
import type { Log } from "../log.ts";
import type { Driver } from "./driver.ts";
import { startEmbedded } from "./embedded.ts";
import type { Engine } from "./engine.ts";
import type { Alarm, AlarmClock } from "./queue.ts";
import { startRounds } from "./rounds.ts";

/** Redis is told of messages that are due by then, and of the soonest of them only. */
const AHEAD = 5 * MINUTE;
const MOST = 200;
/** Of messages that are due already, these many: one alarm makes a replica take all, and there are several replicas. */
const OVERDUE = 50;
/** A round at least this often, and all alarms set again: Redis may have forgotten them. */
const EVERY = 5 * SECOND;
/** How long after a message is due the timer looks whether its alarm rang: of many in a second, not every alarm is in time. */
const GRACE = 50;
/** And how long it sleeps at most: another replica may have written a message and failed to set its alarm. */
const LONGEST_SLEEP = 15 * SECOND;

export interface BullmqOptions {
  redisUrl: string;
  /** Keeps installations apart that share one Redis. */
  namespace: string;
  read: Reader;
  clock: Clock;
  log: Log;
  /** Reaches the workers while Redis does not work, from a process that is none itself. */
  ring?: () => void;
  every?: number;
  grace?: number;
  longestSleep?: number;
}

/**
 * Follow-ups woken by BullMQ, on as many replicas as there are. Beneath it the embedded driver stays at work: while Redis
 * works it only looks after what no alarm rang for, and while Redis does not it does everything. Without an engine it sets
 * alarms for the workers.
 */
export async function startBullmq(engine: Engine | null, options: BullmqOptions): Promise<Driver> {
  const { redisUrl, namespace, read, clock, log, ring = () => {} } = options;
  const { every = EVERY, grace = GRACE, longestSleep = LONGEST_SLEEP } = options;
  // Who has no Redis does not pay for its libraries.
  const { openAlarmClock } = await import("./queue.ts");

  const nap = (wait: number) => Math.min(alarmClock.works ? wait + grace : wait, longestSleep);
  const embedded = engine === null ? null : startEmbedded(engine, clock, log, nap);
  const look = embedded === null ? ring : embedded.wake;
  const alarmClock: AlarmClock = openAlarmClock({
    redisUrl,
    prefix: `reprise-${namespace}`,
    onAlarm: embedded === null ? null : embedded.wake,
    onReady() {
      isSet.clear();
      rounds.soon();
    },
    onChange(works, error) {
      if (works) log.info("redis works");
      else log.warn("redis does not work: follow-ups go on without it", { error });
      look();
    },
  });

  /** The alarms that are set, as far as we know: to be woken often costs little. */
  const isSet = new Set<string>();
  let doubtedAt = 0;

  async function soonest(after: Instant, until: Instant, limit: number): Promise<Alarm[]> {
    const rows = await read.all<{ id: string; run_at: Instant }>(sql`select m.id, m.run_at
      from messages m ${indexedBy("messages_due")} where m.status = 'PENDING' and m.run_at > ${after} and m.run_at <= ${until}
      order by m.run_at, m.id limit ${limit}`);
    const now = clock.now();
    return rows.map(({ id: messageId, run_at }) => ({
      // No colon and not a number, or BullMQ refuses it. Another time is another alarm.
      id: `m-${messageId}-${run_at}`,
      messageId,
      delay: Math.max(0, run_at - now),
    }));
  }

  const rounds = startRounds(async () => {
    try {
      const now = clock.now();
      if (now - doubtedAt >= every) {
        isSet.clear();
        doubtedAt = now;
      }
      const overdue = await soonest(0, now, OVERDUE);
      const soon = await soonest(now, now + AHEAD, MOST);
      await alarmClock.set([...overdue, ...soon.filter(({ id }) => !isSet.has(id))]);
      for (const { id } of soon) isSet.add(id);
      // Where there are more, the next ones have their alarms before the last of these rings.
      return Math.min(every, soon[MOST - 1]?.delay ?? every);
    } catch {
      // Redis does not work, which was said, or the database is, which the embedded driver says.
      look();
      return every;
    }
  });

  return {
    wake: rounds.soon,
    ping: alarmClock.ping,
    async close(within) {
      rounds.stop();
      await Promise.all([alarmClock.close(), embedded?.close(within)]);
    },
  };
}
