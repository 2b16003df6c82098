/** A point in time: milliseconds since 1970-01-01T00:00Z, in the program and in both databases. */
export type Instant = number;

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Returns the current time. Tests and the simulator pass their own. */
export interface Clock {
  now(): Instant;
}

export const systemClock: Clock = { now: () => Date.now() };

/** A clock that advances only by calls, for the simulator and for tests. */
export class VirtualClock implements Clock {
  #now: Instant;

  constructor(start: Instant) {
    this.#now = start;
  }

  now(): Instant {
    return this.#now;
  }

  /** Sets the time; an earlier one is a clock stepped back. */
  set(time: Instant): void {
    this.#now = time;
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds;
  }
}

/** Formats a time for the wire: ISO 8601, UTC. */
export function iso(time: Instant): string {
  return new Date(time).toISOString();
}

export function isoOrNull(time: Instant | null): string | null {
  return time === null ? null : iso(time);
}
