import type { Clock, Instant } from "../clock.ts";
import { Fault } from "../fault.ts";

export interface RateLimit {
  /** Counts one attempt. @throws Fault RATE_LIMITED, with how long to wait, when there were too many; that one is not counted. */
  count(key: string): void;
  /** The attempt counted last was a rightful one, and counts no more. */
  refund(key: string): void;
}

/**
 * Lets each key do something `burst` times at once and then once every `interval`: a token bucket, kept as one moment a
 * key, when it will be full again (the GCRA of ATM Forum TM 4.0). Nobody is kept out for longer than one interval. Beyond
 * `capacity` keys the one not seen for longest is forgotten. Each process counts for itself.
 */
export function rateLimit(options: { burst: number; interval: number; clock: Clock; capacity?: number }): RateLimit {
  const { burst, interval, clock, capacity = 20_000 } = options;
  const fullAgain = new Map<string, Instant>();

  return {
    count(key) {
      const now = clock.now();
      // The upper bound matters when the clock is stepped back.
      const from = Math.min(Math.max(fullAgain.get(key) ?? 0, now), now + burst * interval);
      const wait = from - now - (burst - 1) * interval;
      fullAgain.delete(key);
      fullAgain.set(key, wait > 0 ? from : from + interval);
      forgetOldest(fullAgain, capacity);
      if (wait > 0) throw tooMany(Math.ceil(wait / 1000));
    },
    refund(key) {
      const moment = fullAgain.get(key);
      if (moment !== undefined) fullAgain.set(key, moment - interval);
    },
  };
}

/** Keeps a set or map within its bound: what was put in first goes first. */
export function forgetOldest(seen: Set<string> | Map<string, unknown>, capacity: number): void {
  const oldest = seen.size > capacity ? seen.keys().next().value : undefined;
  if (oldest !== undefined) seen.delete(oldest);
}

function tooMany(seconds: number): Fault {
  const unit = seconds === 1 ? "second" : "seconds";
  return new Fault("RATE_LIMITED", `Too many attempts: try again in ${seconds} ${unit}`, {
    retryAfterSeconds: seconds,
  });
}
