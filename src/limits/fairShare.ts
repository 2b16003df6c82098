import { SECOND } from "../clock.ts";

/** How fast what was used is forgotten: half of it in so many milliseconds. */
const HALF_LIFE_MS = 3 * SECOND;
/** Above this part of its time the loop is so busy that somebody has to wait for somebody else. */
const BUSY = 0.5;
/** What a subject may use in the last seconds whatever others use. Milliseconds. */
const ALWAYS_FREE_MS = 500;
/** Subjects that used less than this are not counted among those who share. */
const ACTIVE_MS = 1;
/** How far beyond an even share one may go: part of the whole. */
const TOLERANCE = 0.25;
/** As many subjects are remembered. Whoever has used nothing for some seconds is forgotten while the loop is busy. */
const MOST_SUBJECTS = 10_000;

const SUMMARY_TTL_MS = 100;

interface Used {
  ms: number;
  at: number;
}

/**
 * Says who has used more than their share of the event loop in the last seconds. Nobody has while the loop has time for all,
 * or while they are alone. Times are milliseconds of any clock that does not go back.
 */
export class FairShare {
  readonly #used = new Map<string, Used>();
  #summed = { total: 0, sharers: 0, at: Number.NEGATIVE_INFINITY };
  /** The part of the time the loop was blocked lately, and when that was sampled. */
  #busy = { part: 0, at: 0 };

  /** Notes that the loop was blocked for `blockedMs` of the `elapsedMs` before `now`. */
  sample(blockedMs: number, elapsedMs: number, now: number): void {
    const weight = 1 - 0.5 ** (elapsedMs / HALF_LIFE_MS);
    const before = this.#busyPart(now);
    this.#busy = { part: before + (Math.min(1, blockedMs / elapsedMs) - before) * weight, at: now };
  }

  /** Notes that a request of the subject worked for so long. */
  charge(subject: string, ms: number, now: number): void {
    const used = this.#used.get(subject);
    if (used) {
      used.ms = decayed(used, now) + ms;
      used.at = now;
      return;
    }
    this.#used.set(subject, { ms, at: now });
    if (this.#used.size > MOST_SUBJECTS) for (const oldest of this.#used.keys().take(1)) this.#used.delete(oldest);
  }

  /** Returns for how many milliseconds the subject should leave the loop to others; 0 when it may go on. */
  excess(subject: string, now: number): number {
    if (this.#busyPart(now) < BUSY) return 0;
    const used = this.#used.get(subject);
    const own = used ? decayed(used, now) : 0;
    if (own <= ALWAYS_FREE_MS) return 0;
    const { total, sharers } = this.#summary(now);
    const share = total * Math.min(1, 1 / sharers + TOLERANCE);
    if (sharers < 2 || own <= share) return 0;
    // By then so little is left of it that the use of others does not matter.
    return Math.ceil(HALF_LIFE_MS * Math.log2(own / ALWAYS_FREE_MS));
  }

  /** Adds up what all have used, a few times a second at most. */
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

  /** Without a sample for a while the loop had nothing to do. */
  #busyPart(now: number): number {
    return this.#busy.part * 0.5 ** (Math.max(0, now - this.#busy.at - SECOND) / HALF_LIFE_MS);
  }
}

function decayed({ ms, at }: Used, now: number): number {
  return ms * 0.5 ** (Math.max(0, now - at) / HALF_LIFE_MS);
}
