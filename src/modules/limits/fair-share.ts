import { SECOND } from "../../lib/clock.ts";

/** Half-life of recorded use. */
const HALF_LIFE_MS = 3 * SECOND;
/** Busy part of the loop above which shares are enforced. */
const MIN_BUSY_SHARE = 0.5;
/** Use that a subject always has, even while others are busy. */
const ALWAYS_FREE_MS = 500;
/** Least use of a subject that counts as active. */
const ACTIVE_MS = 1;
/** Part of the whole by which a subject may exceed an even share. */
const SHARE_TOLERANCE = 0.25;
/** Subjects in memory. One without use for some seconds is deleted while the loop is busy. */
const MAX_SUBJECTS = 10_000;

const SUMMARY_TTL_MS = 100;

interface Used {
  ms: number;
  at: number;
}

/**
 * Finds subjects that used more than their share of the event loop in the last seconds. There are none while the loop is not
 * busy, or while one subject is alone. Times are milliseconds of a monotonic clock.
 */
export class FairShare {
  readonly #used = new Map<string, Used>();
  #summed = { total: 0, sharers: 0, at: Number.NEGATIVE_INFINITY };
  /** Blocked part of the loop in the last sample, and the time of the sample. */
  #busy = { part: 0, at: 0 };

  /** Records that the loop was blocked for `blockedMs` of the `elapsedMs` before `now`. */
  sample(blockedMs: number, elapsedMs: number, now: number): void {
    const weight = 1 - 0.5 ** (elapsedMs / HALF_LIFE_MS);
    const before = this.#busyPart(now);
    this.#busy = { part: before + (Math.min(1, blockedMs / elapsedMs) - before) * weight, at: now };
  }

  /** Records the time a request of the subject used. */
  charge(subject: string, ms: number, now: number): void {
    const used = this.#used.get(subject);
    if (used) {
      used.ms = decayed(used, now) + ms;
      used.at = now;
      return;
    }
    this.#used.set(subject, { ms, at: now });
    if (this.#used.size > MAX_SUBJECTS) for (const oldest of this.#used.keys().take(1)) this.#used.delete(oldest);
  }

  /** Returns for how many milliseconds the subject has to wait; 0 when it may go on. */
  excess(subject: string, now: number): number {
    if (this.#busyPart(now) < MIN_BUSY_SHARE) return 0;
    const used = this.#used.get(subject);
    const own = used ? decayed(used, now) : 0;
    if (own <= ALWAYS_FREE_MS) return 0;
    const { total, sharers } = this.#summary(now);
    const share = total * Math.min(1, 1 / sharers + SHARE_TOLERANCE);
    if (sharers < 2 || own <= share) return 0;
    // By then so little of its use is left that the use of others does not matter.
    return Math.ceil(HALF_LIFE_MS * Math.log2(own / ALWAYS_FREE_MS));
  }

  /** Sums the use of all subjects, a few times a second at most. */
  #summary(now: number): { total: number; sharers: number } {
    if (now - this.#summed.at < SUMMARY_TTL_MS) return this.#summed;
    this.#summed = { total: 0, sharers: 0, at: now };
    for (const [subject, theirs] of this.#used) {
      const ms = decayed(theirs, now);
      if (ms < ACTIVE_MS) this.#used.delete(subject);
      else {
        this.#summed.total += ms;
        this.#summed.sharers++;
      }
    }
    return this.#summed;
  }

  /** Returns the busy part of the loop; 0 without a recent sample, because the loop was idle then. */
  #busyPart(now: number): number {
    return this.#busy.part * 0.5 ** (Math.max(0, now - this.#busy.at - SECOND) / HALF_LIFE_MS);
  }
}

function decayed({ ms, at }: Used, now: number): number {
  return ms * 0.5 ** (Math.max(0, now - at) / HALF_LIFE_MS);
}
