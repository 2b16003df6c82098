/** A moment: milliseconds since 1970-01-01T00:00Z, everywhere inside Reprise and in both databases. */
export type Instant = number;

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Where the program reads the time. Tests and the simulator pass their own. */
export interface Clock {
  now(): Instant;
}

export const systemClock: Clock = { now: () => Date.now() };

/** A clock that moves only when told to: the simulator's and the tests'. */
export class VirtualClock implements Clock {
  #now: Instant;

  constructor(start: Instant) {
    this.#now = start;
  }

  now(): Instant {
    return this.#now;
  }

  /** Moves to a moment; an earlier one is a clock stepped back. */
  set(moment: Instant): void {
    this.#now = moment;
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds;
  }
}

/** How a moment is written on the wire: ISO 8601, UTC. */
export function iso(moment: Instant): string {
  return new Date(moment).toISOString();
}

export function isoOrNull(moment: Instant | null): string | null {
  return moment === null ? null : iso(moment);
}
