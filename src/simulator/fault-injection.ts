import type { Channel, Envelope, Outcome } from "../channels/channel.ts";
import type { Store } from "../db/store.ts";
import { type Clock, HOUR, type Instant, MINUTE, SECOND } from "../lib/clock.ts";
import type { Random } from "../lib/random.ts";
import type { World } from "./world.ts";

/** Thrown where a simulated process crashes. No code of that process runs afterwards. */
export class Crash extends Error {
  override readonly name = "Crash";
}

/** Probability of each fault, at each opportunity. */
export interface FaultRates {
  crashBeforeCommit: number;
  crashAfterCommit: number;
  crashBeforeAccept: number;
  crashAfterAccept: number;
  slow: number;
  /** The process is stopped for minutes right after a commit, so that its claims may have expired. */
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

export const DEFAULT_FAULT_RATES: FaultRates = {
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

/** Simulates a process from its start until it crashes. Its memory is lost; its commits and the delivered messages stay. */
export class SimulatedProcess {
  #dead = false;
  #stalled = 0;
  #slow: Slow[] = [];

  constructor(
    readonly rates: FaultRates,
    readonly random: Random,
    readonly clock: Clock,
    /** Milliseconds that the clock of its machine is ahead of the simulated time. */
    readonly ahead: number,
  ) {}

  /** The monotonic clock of the process, in milliseconds. It advances while the process is stopped. */
  get monotonicMs(): number {
    return this.#stalled;
  }

  stall(milliseconds: number): void {
    this.#stalled += milliseconds;
  }

  get hasCrashed(): boolean {
    return this.#dead;
  }

  crash(): never {
    this.#dead = true;
    throw new Crash();
  }

  occurs(rate: number): boolean {
    return rate > 0 && this.random() < rate;
  }

  /** Resolves after a simulated time; never for a process that has crashed meanwhile. */
  wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.#slow.push({ due: this.clock.now() + milliseconds, wake: resolve }));
  }

  /** Resolves the waits that are over. */
  resolveWaits(now: Instant): void {
    const due = this.#slow.filter((slow) => slow.due <= now);
    this.#slow = this.#slow.filter((slow) => slow.due > now);
    if (!this.#dead) for (const slow of due) slow.wake();
  }

  nextWakeAt(): Instant | null {
    return this.#slow.length === 0 || this.#dead ? null : Math.min(...this.#slow.map((slow) => slow.due));
  }
}

/** Returns the store of a process that may crash before or after any commit. */
export function crashingStore(store: Store, life: SimulatedProcess): Store {
  return {
    ...store,
    async write(work) {
      if (life.hasCrashed) throw new Crash();
      const result = await store.write(async (tx) => {
        const done = await work(Object.assign(Object.create(tx), { now: tx.now + life.ahead }));
        if (life.occurs(life.rates.crashBeforeCommit)) life.crash();
        return done;
      });
      if (life.occurs(life.rates.crashAfterCommit)) life.crash();
      if (life.occurs(life.rates.stall)) life.stall(Math.floor(SECOND + life.random() * 8 * MINUTE));
      return result;
    },
  };
}

const forever = new Promise<never>(() => {});

/** Returns the channel of a process that may crash, and a provider that may be slow, refuse, or lose its response. */
export function faultyChannel(world: World, life: SimulatedProcess): Channel {
  const deliver = async (envelope: Envelope): Promise<Outcome> => {
    const { rates } = life;
    const order = world.tick();
    if (life.hasCrashed || life.occurs(rates.crashBeforeAccept)) return crash(life);
    if (life.occurs(rates.providerError))
      return { kind: "deferred", reason: "451 4.3.0 try again later", scope: "message" };
    if (life.occurs(rates.rateLimit))
      return { kind: "deferred", reason: "421 4.7.0 too many messages", scope: "sender", retryAfterMs: 2 * MINUTE };
    const outcome = world.deliver(envelope, order);
    if (outcome.kind === "accepted" && life.occurs(rates.crashAfterAccept)) return crash(life);
    if (outcome.kind === "accepted" && life.occurs(rates.lostAnswer))
      return { kind: "unknown", reason: "the connection broke after the final dot" };
    // Sometimes longer than the lease, so that the claim has expired when the response arrives.
    if (life.occurs(rates.slow)) await life.wait(Math.floor(SECOND + life.random() * 8 * MINUTE));
    return outcome;
  };
  return { send: deliver, close: async () => {} };
}

function crash(life: SimulatedProcess): Promise<never> {
  try {
    life.crash();
  } catch {
    // The process has crashed: its callers never get a result.
  }
  return forever;
}

/** Milliseconds by which the clock is set back or ahead. */
export const CLOCK_JUMP_MS = HOUR;
