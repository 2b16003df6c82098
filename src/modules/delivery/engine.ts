import { sql } from "drizzle-orm";
import type { Channel } from "../../channels/channel.ts";
import { repeatUntilNone, yieldToEventLoop } from "../../db/slices.ts";
import type { Reader, Store } from "../../db/store.ts";
import type { Instant } from "../../lib/clock.ts";
import type { Log } from "../../lib/logger.ts";
import type { Random } from "../../lib/random.ts";
import { runBatch } from "./batch.ts";
import { type Claim, SEND_WITHIN_MS } from "./claim.ts";
import { InFlight } from "./in-flight.ts";
import type { RenderDeps } from "./render.ts";
import { rescueExpiredClaims, sweep } from "./rescuer.ts";
import { NOT_ATTEMPTED, type Result } from "./result.ts";
import { sendBatch } from "./sender.ts";

/*
 * Delivery in four stages, each a function over a batch:
 *
 *   producer (claimBatch)  messages due, PENDING      -> claims, SENDING and committed
 *   sender   (sendBatch)   claims                     -> results, in memory
 *   settler  (settleBatch) results                    -> SENT, FAILED, CANCELLED, UNKNOWN or PENDING again
 *   rescuer  (rescueExpiredClaims, expireUnknown)     -> UNKNOWN after a lease ended, FAILED after a day
 *
 * `runBatch` settles and claims in one transaction; the engine below alternates it with `sendBatch`. The statuses, what each
 * does to credits, counters and the conversation, and what SIGTERM, SIGKILL and each failure do are in
 * `messages/transitions.ts`. All state is in the database but for the results not yet settled: losing those makes outcomes
 * unknown, and nothing is sent twice.
 */

/** Rows settled, and rows claimed, in one transaction at most. A commit waits for the disk, so the more share it, the better. */
const BATCH_ROWS = 400;

export interface EngineOptions extends RenderDeps {
  store: Store;
  channel: Channel;
  random: Random;
  log: Log;
  /** Maximum number of messages in flight. */
  concurrency: number;
  /** And from one mailbox: as many as its channel carries at once. */
  senderConcurrency: number;
  /** Milliseconds on a monotonic clock that goes on while this process is stopped; `performance.now`. */
  monotonicMs?: () => number;
}

/** Sends due messages. It has no timer and no queue: a driver calls it. */
export interface Engine {
  /** Settles results and sends due messages, until no more can be started now. */
  runDue(): Promise<void>;
  /** Resolves when every message in flight has come back and is settled. */
  drain(): Promise<void>;
  /** Makes the outcome of claims unknown whose lease ended. `all`: no other process can be at work (start of a single process). */
  rescue(all: boolean): Promise<void>;
  /** Runs the periodic work: rescues claims, expires unknown outcomes and credit lots, advances campaigns. */
  sweep(): Promise<void>;
  /** Returns the time when the next message is due, or null. */
  nextDue(): Promise<Instant | null>;
  /** Claims nothing more from now on. */
  stop(): void;
  /** Number of messages in flight, or with a result that is not settled. */
  readonly unsettled: number;
  /** Sets the listener that is called when a message came back. */
  onMessageReturned(listener: () => void): void;
}

export function createEngine(options: EngineOptions): Engine {
  const { store, log } = options;
  const pipeline = createPipeline(options);
  const runDue = coalesceRuns(() => pipeline.runOnce());

  const engine: Engine = {
    runDue: runDue.run,
    async drain() {
      // Messages of a claim that is still running are in flight, too.
      await runDue.running()?.catch(() => {});
      while (pipeline.inFlight.size > 0 || pipeline.results.length > 0) {
        if (pipeline.results.length === 0) await pipeline.inFlight.next();
        await runDue.run();
      }
    },
    async rescue(all) {
      const rescued = await repeatUntilNone(() => store.write((tx) => rescueExpiredClaims(tx, all)));
      if (rescued > 0) log.warn("delivery.outcomes_unknown", { messages: rescued });
    },
    async sweep() {
      await engine.rescue(false);
      await sweep(store);
    },
    nextDue: () => findNextDue(store.read),
    stop: pipeline.stop,
    get unsettled() {
      return pipeline.inFlight.size + pipeline.results.length;
    },
    onMessageReturned: pipeline.onReturn,
  };
  return engine;
}

async function findNextDue(read: Reader): Promise<Instant | null> {
  const [row] = await read.all<{ due: Instant | null }>(
    sql`select min(run_at) as due from messages where status = 'PENDING'`,
  );
  return row?.due ?? null;
}

/** Runs `work` until it returns false, never twice at once: a call during a run makes it go on once more. */
function coalesceRuns(work: () => Promise<boolean>) {
  let running: Promise<void> | null = null;
  let again = false;
  async function loop(): Promise<void> {
    do {
      again = false;
      if (await work()) again = true;
      // HTTP shares this thread.
      if (again) await yieldToEventLoop();
    } while (again);
  }
  return {
    run(): Promise<void> {
      again = true;
      running ??= loop().finally(() => {
        running = null;
      });
      return running;
    },
    running: () => running,
  };
}

/** Connects the stages: results wait here until the next batch settles them. */
function createPipeline(options: EngineOptions) {
  const { store, channel, log, monotonicMs = () => performance.now() } = options;
  const inFlight = new InFlight(options.concurrency, options.senderConcurrency);
  const results: Result[] = [];
  let stopped = false;
  let notify = () => {};
  const onResult = (result: Result) => results.push(result);

  /** Settles and claims in one transaction. */
  async function claimAndSettle(): Promise<{ claims: Claim[]; examined: number; settled: number }> {
    const settling = results.slice(0, BATCH_ROWS);
    const capacity = inFlight.capacity(stopped ? 0 : BATCH_ROWS);
    if (settling.length === 0 && capacity.total <= 0) return { claims: [], examined: 0, settled: 0 };
    let claims: Claim[] = [];
    const write = store.write((tx) => {
      claims = [];
      return runBatch(tx, { results: settling, capacity, sendBefore: monotonicMs() + SEND_WITHIN_MS }, options, claims);
    });
    const { examined, late } = await write.catch((error) => {
      // It may have committed although its answer was lost. Then these claims are ours, and nothing sends them.
      for (const claim of claims) results.push({ claim, outcome: NOT_ATTEMPTED });
      throw error;
    });
    // Removed after the commit: had the transaction failed, the next one would settle them.
    results.splice(0, settling.length);
    logLate(log, late);
    return { claims, examined, settled: settling.length };
  }

  return {
    inFlight,
    results: results as readonly Result[],
    /** Runs each stage once. Returns whether there may be more to do at once. */
    async runOnce(): Promise<boolean> {
      const { claims, examined, settled } = await claimAndSettle();
      await sendBatch(claims, {
        read: store.read,
        channel,
        log,
        monotonicMs,
        inFlight,
        onResult,
        onReturn: () => notify(),
      });
      // A settled message may be due again at once: the batch chose before it settled.
      return examined > 0 || settled > 0 || results.length > 0;
    },
    stop() {
      stopped = true;
    },
    onReturn(listener: () => void) {
      notify = listener;
    },
  };
}

function logLate(log: Log, late: readonly Result[]): void {
  for (const { claim, outcome } of late) {
    // A message that was not attempted left no outcome.
    if (outcome.kind === "not_attempted") continue;
    log.warn("delivery.late_result", { messageId: claim.envelope.messageId, fence: claim.fence, outcome });
  }
}
