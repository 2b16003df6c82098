import { Queue, Worker } from "bullmq";
import { Redis, type RedisOptions } from "ioredis";
import { SECOND } from "../clock.ts";

/** Redis as an alarm clock: the one file that knows BullMQ. It holds nothing that the messages do not say. */
export interface AlarmClock {
  /** Whether Redis did what it was last asked for; null before that. */
  readonly works: boolean | null;
  /** Sets those alarms that are not set yet. None are an occasion, too, to find out whether Redis does its work. */
  set(alarms: readonly Alarm[]): Promise<void>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface Alarm {
  id: string;
  messageId: string;
  /** Milliseconds until it rings. */
  delay: number;
}

export interface AlarmClockOptions {
  redisUrl: string;
  /** Begins the name of every key in Redis. */
  prefix: string;
  /**
   * An alarm rings, on one of the replicas that listen. Which one it is says nothing: it may come twice, late, or for
   * nothing. Null: this one does not listen.
   */
  onAlarm: (() => void) | null;
  /** A connection is there, to a Redis that may have forgotten all alarms. */
  onReady(): void;
  /** Redis does its work now, or does so no more, and why: called once for each change. */
  onChange(works: boolean, error?: unknown): void;
}

export const QUEUE = "follow-ups";

/** As many alarms at once: BullMQ takes its time for each, and HTTP shares this thread. */
const SLICE = 50;
/** A Redis that has not answered by then does not. Milliseconds. */
const PATIENCE = 2 * SECOND;
/** How long closing may take. What is left open then is cut. */
const FAREWELL = SECOND;

const CONNECTION = {
  connectTimeout: PATIENCE,
  // Not sooner: a Redis that refuses is connected to again and again, since after a failover the address leads to another.
  retryStrategy: () => SECOND,
} satisfies RedisOptions;

const swallow = () => {};

export function openAlarmClock({ redisUrl, prefix, onAlarm, onReady, onChange }: AlarmClockOptions): AlarmClock {
  const producer = new Redis(redisUrl, {
    ...CONNECTION,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    commandTimeout: PATIENCE,
  });
  let works: boolean | null = null;
  let lastError: unknown;
  let closed = false;
  let queue: Queue | null = null;
  let worker: { stop(): Promise<void> } | null = null;

  /** BullMQ's parts live only as long as Redis works: what broke in them with a connection is not found by the next. */
  function succeeded(): void {
    if (closed || works) return;
    works = true;
    worker = onAlarm && startWorker(onAlarm);
    onChange(true);
  }

  function failed(error: unknown): void {
    void queue?.close().catch(swallow);
    void worker?.stop();
    queue = worker = null;
    if (closed || works === false) return;
    works = false;
    onChange(false, error);
  }

  function startWorker(ring: () => void) {
    const connection = new Redis(redisUrl, { ...CONNECTION, maxRetriesPerRequest: null });
    const worker = new Worker(QUEUE, async () => ring(), {
      connection,
      prefix,
      runRetryDelay: SECOND,
      // A job that stalls is as harmless as one that comes twice.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
    });
    // Both try again by themselves, and whether Redis works shows at the producer.
    connection.on("error", swallow);
    worker.on("error", swallow);
    return {
      async stop() {
        await Promise.race([worker.close(true).catch(swallow), Bun.sleep(FAREWELL)]);
        connection.disconnect();
      },
    };
  }

  function openQueue(): Queue {
    const opened = new Queue(QUEUE, {
      connection: producer,
      prefix,
      defaultJobOptions: { attempts: 1, removeOnComplete: true, removeOnFail: true },
    });
    opened.on("error", swallow);
    return opened;
  }

  producer.on("error", (error) => {
    lastError = error;
  });
  producer.on("close", () => failed(lastError));
  producer.on("ready", () => {
    lastError = undefined;
    onReady();
  });

  return {
    get works() {
      return works;
    },
    async set(alarms) {
      if (producer.status !== "ready") throw new Error("Redis is not connected");
      try {
        // More than a ping: a Redis that is full, or a replica by now, answers and does no work.
        if (alarms.length === 0) await producer.set(`${prefix}:asked`, "", "EX", 60);
        queue ??= openQueue();
        const used = queue;
        for (let at = 0; at < alarms.length; at += SLICE) {
          const slice = alarms.slice(at, at + SLICE);
          await used.addBulk(
            slice.map(({ id, messageId, delay }) => ({ name: "due", data: { messageId }, opts: { jobId: id, delay } })),
          );
        }
        succeeded();
      } catch (error) {
        failed(error);
        // What it has not answered must not reach it later, and another connection may lead to a better one.
        if (producer.status === "ready" && !closed) producer.disconnect(true);
        throw error;
      }
    },
    async ping() {
      await producer.ping();
    },
    async close() {
      closed = true;
      await worker?.stop();
      void queue?.close().catch(swallow);
      producer.disconnect();
    },
  };
}
