import { Queue, Worker } from "bullmq";
import { Redis, type RedisOptions } from "ioredis";
import { SECOND } from "../../lib/clock.ts";

/**
 * Wakeups of workers, kept in Redis as delayed jobs; the only file that uses BullMQ. Every wakeup can be derived from the
 * messages, so losing Redis loses nothing.
 */
export interface WakeupQueue {
  /** Result of the last command to Redis: true when it succeeded; null before the first. */
  readonly works: boolean | null;
  /** Adds those wakeups that are not set yet. An empty list tests whether Redis accepts writes. */
  add(wakeups: readonly Wakeup[]): Promise<void>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface Wakeup {
  id: string;
  messageId: string;
  /** Milliseconds from now. */
  delay: number;
}

export interface WakeupQueueOptions {
  redisUrl: string;
  /** Begins the name of every key in Redis. */
  prefix: string;
  /**
   * Is called on one of the replicas that listen, on any of them: a wakeup may come twice, late, or without a due message.
   * Null: this process does not listen.
   */
  onWakeup: (() => void) | null;
  /** Is called when a connection is open, to a Redis that may have lost all wakeups. */
  onReady(): void;
  /** Is called once for each change between working and failing, with the error of a failure. */
  onChange(works: boolean, error?: unknown): void;
}

export const QUEUE_NAME = "follow-ups";

/** Wakeups added at once: BullMQ takes its time for each, and HTTP shares this thread. */
const WAKEUPS_PER_SLICE = 50;
/** Time after which a command without a response has failed. */
const COMMAND_TIMEOUT_MS = 2 * SECOND;
/** Time for closing, after which open connections are disconnected. */
const CLOSE_TIMEOUT_MS = SECOND;

const CONNECTION = {
  connectTimeout: COMMAND_TIMEOUT_MS,
  // Not sooner: a Redis that refuses is connected to again and again, since after a failover the address leads to another.
  retryStrategy: () => SECOND,
} satisfies RedisOptions;

const ignore = () => {};

type Connected = Pick<WakeupQueueOptions, "redisUrl" | "prefix">;

export function openWakeupQueue(options: WakeupQueueOptions): WakeupQueue {
  const redis = connect(options);
  const parts = trackParts(options, redis);

  return {
    get works() {
      return parts.works;
    },
    async add(wakeups) {
      if (redis.status !== "ready") throw new Error("Redis is not connected");
      try {
        // More than a ping: a Redis that is full, or a replica by now, answers and does no work.
        if (wakeups.length === 0) await redis.set(`${options.prefix}:asked`, "", "EX", 60);
        await addJobs(parts.queue(), wakeups);
        parts.succeeded();
      } catch (error) {
        parts.failed(error);
        // Unanswered commands must not arrive later, and a new connection may lead to a working Redis.
        if (redis.status === "ready" && !parts.closed) redis.disconnect(true);
        throw error;
      }
    },
    async ping() {
      await redis.ping();
    },
    async close() {
      await parts.close();
      redis.disconnect();
    },
  };
}

/** Opens the connection that adds wakeups. Commands fail at once while Redis is unavailable. */
function connect({ redisUrl }: Connected): Redis {
  return new Redis(redisUrl, {
    ...CONNECTION,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    commandTimeout: COMMAND_TIMEOUT_MS,
  });
}

/**
 * Opens and closes the parts of BullMQ as Redis works and fails: they exist only while it works, so that the broken state
 * of one connection does not reach the next.
 */
function trackParts({ redisUrl, prefix, onWakeup, onReady, onChange }: WakeupQueueOptions, redis: Redis) {
  let works: boolean | null = null;
  let lastError: unknown;
  let closed = false;
  let queue: Queue | null = null;
  let worker: { stop(): Promise<void> } | null = null;

  function failed(error: unknown): void {
    void queue?.close().catch(ignore);
    void worker?.stop();
    queue = worker = null;
    if (closed || works === false) return;
    works = false;
    onChange(false, error);
  }

  redis.on("error", (error) => {
    lastError = error;
  });
  redis.on("close", () => failed(lastError));
  redis.on("ready", () => {
    lastError = undefined;
    onReady();
  });

  return {
    get works() {
      return works;
    },
    get closed() {
      return closed;
    },
    queue(): Queue {
      queue ??= openQueue(redis, prefix);
      return queue;
    },
    succeeded(): void {
      if (closed || works) return;
      works = true;
      worker = onWakeup && startWorker({ redisUrl, prefix }, onWakeup);
      onChange(true);
    },
    failed,
    async close(): Promise<void> {
      closed = true;
      await worker?.stop();
      void queue?.close().catch(ignore);
    },
  };
}

function openQueue(connection: Redis, prefix: string): Queue {
  const queue = new Queue(QUEUE_NAME, {
    connection,
    prefix,
    defaultJobOptions: { attempts: 1, removeOnComplete: true, removeOnFail: true },
  });
  queue.on("error", ignore);
  return queue;
}

async function addJobs(queue: Queue, wakeups: readonly Wakeup[]): Promise<void> {
  for (let at = 0; at < wakeups.length; at += WAKEUPS_PER_SLICE) {
    const slice = wakeups.slice(at, at + WAKEUPS_PER_SLICE);
    await queue.addBulk(
      slice.map(({ id, messageId, delay }) => ({ name: "due", data: { messageId }, opts: { jobId: id, delay } })),
    );
  }
}

function startWorker({ redisUrl, prefix }: Connected, onWakeup: () => void) {
  const connection = new Redis(redisUrl, { ...CONNECTION, maxRetriesPerRequest: null });
  const worker = new Worker(QUEUE_NAME, async () => onWakeup(), {
    connection,
    prefix,
    runRetryDelay: SECOND,
    // A job that stalls is as harmless as one that comes twice.
    maxStalledCount: Number.MAX_SAFE_INTEGER,
  });
  // Both try again by themselves, and whether Redis works shows at the connection that adds wakeups.
  connection.on("error", ignore);
  worker.on("error", ignore);
  return {
    async stop() {
      await Promise.race([worker.close(true).catch(ignore), Bun.sleep(CLOSE_TIMEOUT_MS)]);
      connection.disconnect();
    },
  };
}
