import { sql } from "drizzle-orm";
import type { Channel, Outcome } from "../channels/channel.ts";
import type { Instant } from "../clock.ts";
import { expireLots } from "../credits/ledger.ts";
import { dialect } from "../db/dialect.ts";
import { untilNone, yieldToEventLoop } from "../db/slices.ts";
import { findByIndex, rowsOf } from "../db/sql.ts";
import type { Store } from "../db/store.ts";
import type { Log } from "../log.ts";
import type { Random } from "../random.ts";
import { MAX_BATCH_STEPS } from "../templates/limits.ts";
import { stepsRendered } from "../templates/renderBudget.ts";
import { type Claim, claimDue, SEND_WITHIN } from "./claim.ts";
import type { Post } from "./envelope.ts";
import { chooseDue, lockAccounts, lockSenders, noSurroundings, type Room } from "./facts.ts";
import { InFlight } from "./inFlight.ts";
import { expireUnknown, findLost, turnCampaigns } from "./recover.ts";
import type { Result } from "./result.ts";
import { settleResults } from "./settle.ts";

/**
 * At most this many rows without letting others in: HTTP shares this thread. On Postgres every statement lets others in, and
 * is a journey there and back: slices of 200 settled 1.4 times as many follow-ups as those of 50.
 */
const SLICE = dialect === "postgres" ? 400 : 50;
/** At most this many rows claimed in one transaction. A commit waits for the disk, so the more share it, the better. */
const BATCH = 400;

/** Claimed, and did not set out. */
const WITHHELD = { kind: "withheld" } as const;

const senderOf = ({ claim }: Result) => claim.envelope.sender.id;

export interface EngineOptions extends Post {
  store: Store;
  channel: Channel;
  random: Random;
  log: Log;
  /** How many messages may be on their way at once. */
  concurrency: number;
  /** And from one sender: as many as its channel really carries at once. */
  senderConcurrency: number;
  /** Milliseconds on a clock that nobody sets and that goes on while this process is stopped; `performance.now`. */
  steady?: () => number;
}

/** Sends what is due. It knows no timer and no queue: a driver tells it when to look. */
export interface Engine {
  /** Settles what has come back and sends what is due, until nothing more can be started now. */
  runDue(): Promise<void>;
  /** Resolves when every message on its way has come back and is settled. */
  drain(): Promise<void>;
  /** Ends claims that nobody works on any more. `all`: no other process can be at work (start of a single process). */
  recover(all: boolean): Promise<void>;
  /** What is done now and then: claims run out, unknown outcomes given up, lots expired, campaigns begun and completed. */
  sweep(): Promise<void>;
  /** When the next message is due, or null. */
  nextDue(): Promise<Instant | null>;
  /** Claims nothing more from now on. */
  stop(): void;
  /** How many messages have left, or are about to, and are not settled. */
  readonly onItsWay: number;
  /** Whom to tell when something came back. */
  onReturn(listener: () => void): void;
}

export function createEngine(options: EngineOptions): Engine {
  const { store, channel, random, log, steady = () => performance.now() } = options;
  const inFlight = new InFlight(options.concurrency, options.senderConcurrency);
  let finished: Result[] = [];
  let stopped = false;
  let running: Promise<void> | null = null;
  let again = false;
  let notify = () => {};

  /** One transaction: what came back is settled, and as much as there is room for is claimed. */
  async function turn(): Promise<{ examined: number; settled: number; claims: Claim[] }> {
    const results = finished.slice(0, BATCH);
    const room = stopped ? 0 : Math.min(BATCH, inFlight.room);
    if (results.length === 0 && room <= 0) return { examined: 0, settled: 0, claims: [] };
    let tried: Claim[] = [];
    const write = store.write(async (tx) => {
      const sendBefore = steady() + SEND_WITHIN;
      await findByIndex(tx);
      const around = noSurroundings();
      const due = room > 0 ? await chooseDue(tx, room, roomNow()) : [];
      await lockSenders(tx, [...results.map(senderOf), ...due.flatMap((row) => row.sender_id ?? [])]);
      await lockAccounts(tx, [...results.map(({ claim }) => claim.envelope.messageId), ...due.map(({ id }) => id)]);
      const late: Result[] = [];
      for (let at = 0; at < results.length; at += SLICE) {
        late.push(...(await settleResults(tx, results.slice(at, at + SLICE), random, around)));
        await yieldToEventLoop();
      }
      const claims: Claim[] = [];
      tried = claims;
      const renderedBefore = stepsRendered();
      for (let at = 0; at < due.length; at += SLICE) {
        if (stepsRendered() - renderedBefore > MAX_BATCH_STEPS) break;
        claims.push(...(await claimDue(tx, due.slice(at, at + SLICE), options, around, sendBefore)));
        await yieldToEventLoop();
      }
      return { late, claims, examined: due.length, settled: results.length };
    });
    const done = await write.catch((error) => {
      // The commit may have come through though its answer did not. Then these are ours, and nobody sends them.
      for (const claim of tried) finished.push({ claim, outcome: WITHHELD });
      throw error;
    });
    // Only now: had the transaction failed, the results would be settled by the next one.
    finished = finished.slice(results.length);
    for (const { claim, outcome } of done.late) {
      // What never set out needs no evidence.
      if (outcome.kind === "withheld") continue;
      log.warn("late result", { messageId: claim.envelope.messageId, fence: claim.fence, outcome });
    }
    return done;
  }

  const roomNow = (): Room => ({
    left: (senderId) => options.senderConcurrency - inFlight.of(senderId),
    busy: inFlight.busy(),
  });

  /**
   * Asks once more, right before the first byte: a ban, an answer or a stop that committed after the claim withdraws the
   * message here, and a pause, or a mailbox given to another brand, puts it back.
   */
  async function calledBack(claims: readonly Claim[]): Promise<Map<string, Result["outcome"]>> {
    const rows = claims.map(({ envelope }) => ({ id: envelope.messageId }));
    const stopped = await store.read.all<{
      id: string;
      reason: string | null;
    }>(sql`select m.id, m.cancel_reason as reason
      from ${rowsOf("n", rows, { id: "text" })} cross join messages m cross join campaigns c cross join conversations v
      left join email_accounts e on e.id = m.sender_id
      where m.id = n.id and c.id = m.campaign_id and v.id = m.conversation_id
      and (m.cancel_reason is not null or c.status = 'PAUSED' or v.status = 'PAUSED' 
        or (e.id is not null and coalesce(e.brand_id, '') <> m.brand_id))`);
    return new Map(stopped.map(({ id, reason }) => [id, reason === null ? WITHHELD : { kind: "withdrawn", reason }]));
  }

  async function dispatch(claims: readonly Claim[]): Promise<void> {
    if (claims.length === 0) return;
    const back = await calledBack(claims).catch((error) => {
      // Nobody knows whether they may leave, so none did: no outcome is unknown.
      for (const claim of claims) finished.push({ claim, outcome: WITHHELD });
      throw error;
    });
    for (const claim of claims) {
      // A process that was stopped for long finds its claims given up: whoever did may have sent since.
      const outcome = steady() < claim.sendBefore ? back.get(claim.envelope.messageId) : WITHHELD;
      if (outcome !== undefined) {
        finished.push({ claim, outcome });
        continue;
      }
      const sending = attempt(claim).then((outcome) => {
        finished.push({ claim, outcome });
        // After the count of those on their way went down, so that there is room when the driver looks.
        queueMicrotask(notify);
      });
      inFlight.add(claim.envelope.sender.id, sending);
    }
  }

  async function attempt(claim: Claim): Promise<Outcome> {
    try {
      return await channel.send(claim.envelope, claim.sendBefore);
    } catch (error) {
      // A channel does not throw. One that does may have sent before it did.
      log.error("channel failed", { messageId: claim.envelope.messageId, error });
      return { kind: "unknown", reason: "the channel failed" };
    }
  }

  async function loop(): Promise<void> {
    do {
      again = false;
      const { examined, settled, claims } = await turn();
      await dispatch(claims);
      // What was settled may be due again at once: the turn chose before it settled.
      if (examined > 0 || settled > 0 || finished.length > 0) again = true;
      // HTTP shares this thread: let it in between two slices.
      if (again) await yieldToEventLoop();
    } while (again);
  }

  const engine: Engine = {
    runDue() {
      again = true;
      running ??= loop().finally(() => {
        running = null;
      });
      return running;
    },
    async drain() {
      // What is just being claimed is on its way, too.
      await running?.catch(() => {});
      while (inFlight.size > 0 || finished.length > 0) {
        if (finished.length === 0) await inFlight.next();
        await engine.runDue();
      }
    },
    async recover(all) {
      const lost = await untilNone(() => store.write((tx) => findLost(tx, all)));
      if (lost > 0) log.warn("outcomes unknown", { messages: lost });
    },
    async sweep() {
      await engine.recover(false);
      await untilNone(() => store.write(expireUnknown));
      await untilNone(() => store.write(expireLots));
      await untilNone(() => store.write(turnCampaigns));
    },
    async nextDue() {
      const [row] = await store.read.all<{ due: Instant | null }>(
        sql`select min(run_at) as due from messages where status = 'PENDING'`,
      );
      return row?.due ?? null;
    },
    stop() {
      stopped = true;
    },
    get onItsWay() {
      return inFlight.size + finished.length;
    },
    onReturn(listener) {
      notify = listener;
    },
  };
  return engine;
}
