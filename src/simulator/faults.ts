import type { Channel, Envelope, Outcome } from "../channels/channel.ts";
import { type Clock, HOUR, type Instant, MINUTE, SECOND } from "../clock.ts";
import type { Store } from "../db/store.ts";
import type { Random } from "../random.ts";
import type { World } from "./world.ts";

/** Thrown at the point where a simulated process dies. Nothing of that process runs on afterwards. */
export class Crash extends Error {
  override readonly name = "Crash";
}

/** How likely each fault is, each time it could happen. */
export interface FaultRates {
  crashBeforeCommit: number;
  crashAfterCommit: number;
  crashBeforeAccept: number;
  crashAfterAccept: number;
  slow: number;
  /** Stopped for minutes right after a commit: claims may be too old to be used. */
  stall: number;
  providerError: number;
  rateLimit: number;
  lostAnswer: number;
}

export const NO_FAULTS: FaultRates = {
  crashBeforeCommit: 0,
  crashAfterCommit: 0,
  crashBeforeAccept: 0,
  crashAfterAccept: 0,
  slow: 0,
  stall: 0,
  providerError: 0,
  rateLimit: 0,
  lostAnswer: 0,
};

export const FAULTS: FaultRates = {
  crashBeforeCommit: 0.004,
  crashAfterCommit: 0.004,
  crashBeforeAccept: 0.002,
  crashAfterAccept: 0.002,
  slow: 0.02,
  stall: 0.004,
  providerError: 0.02,
  rateLimit: 0.01,
  lostAnswer: 0.005,
};

interface Slow {
  due: Instant;
  wake: () => void;
}

/**
 * One life of one process: from its start until it crashes. What it holds in memory is lost with it; what it committed,
 * and what the world received from it, stays.
 */
export class Life {
  #dead = false;
  #stalled = 0;
  #slow: Slow[] = [];

  constructor(
    readonly rates: FaultRates,
    readonly random: Random,
    readonly clock: Clock,
    /** How far its machine's clock is ahead of the world's, milliseconds. */
    readonly ahead: number,
  ) {}

  /** The process's own clock: it goes on while the process is stopped. */
  get steady(): number {
    return this.#stalled;
  }

  stall(milliseconds: number): void {
    this.#stalled += milliseconds;
  }

  get dead(): boolean {
    return this.#dead;
  }

  die(): never {
    this.#dead = true;
    throw new Crash();
  }

  happens(rate: number): boolean {
    return rate > 0 && this.random() < rate;
  }

  /** Resolves when the world's time has come; never for a process that died meanwhile. */
  wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.#slow.push({ due: this.clock.now() + milliseconds, wake: resolve }));
  }

  /** Lets the waits end whose time has come. */
  wakeSlow(now: Instant): void {
    const due = this.#slow.filter((slow) => slow.due <= now);
    this.#slow = this.#slow.filter((slow) => slow.due > now);
    if (!this.#dead) for (const slow of due) slow.wake();
  }

  nextWakeAt(): Instant | null {
    return this.#slow.length === 0 || this.#dead ? null : Math.min(...this.#slow.map((slow) => slow.due));
  }
}

/** The database, as a process sees it that may die before or after any commit. */
export function mortalStore(store: Store, life: Life): Store {
  return {
    ...store,
    async write(work) {
      if (life.dead) throw new Crash();
      const result = await store.write(async (tx) => {
        const done = await work(Object.assign(Object.create(tx), { now: tx.now + life.ahead }));
        if (life.happens(life.rates.crashBeforeCommit)) life.die();
        return done;
      });
      if (life.happens(life.rates.crashAfterCommit)) life.die();
      if (life.happens(life.rates.stall)) life.stall(Math.floor(SECOND + life.random() * 8 * MINUTE));
      return result;
    },
  };
}

const forever = new Promise<never>(() => {});

/** The provider, as a process sees it that may die, wait long, be refused or never hear the answer. */
export function faultyChannel(world: World, life: Life): Channel {
  const deliver = async (envelope: Envelope): Promise<Outcome> => {
    const { rates } = life;
    const order = world.tick();
    if (life.dead || life.happens(rates.crashBeforeAccept)) return crash(life);
    if (life.happens(rates.providerError))
      return { kind: "deferred", reason: "451 4.3.0 try again later", scope: "message" };
    if (life.happens(rates.rateLimit))
      return { kind: "deferred", reason: "421 4.7.0 too many messages", scope: "sender", retryAfterMs: 2 * MINUTE };
    const outcome = world.deliver(envelope, order);
    if (outcome.kind === "accepted" && life.happens(rates.crashAfterAccept)) return crash(life);
    if (outcome.kind === "accepted" && life.happens(rates.lostAnswer))
      return { kind: "unknown", reason: "the connection broke after the final dot" };
    // Sometimes longer than the lease, so that the claim has run out when the answer comes.
    if (life.happens(rates.slow)) await life.wait(Math.floor(SECOND + life.random() * 8 * MINUTE));
    return outcome;
  };
  return { send: deliver, close: async () => {} };
}

function crash(life: Life): Promise<never> {
  try {
    life.die();
  } catch {
    // The process is gone: nobody is left to hear the answer.
  }
  return forever;
}

/** The longest step a clock takes back or ahead by itself. */
export const CLOCK_JUMP = HOUR;
