import type { Instant } from "../../lib/clock.ts";

/** Allows `quota` tokens at once, and as many again over each window. */
export interface Rate {
  quota: number;
  windowMs: number;
}

/** The result of a request for a token. */
export interface Taken {
  /** Milliseconds until a token is available; 0 when one was taken. */
  waitMs: number;
  /** Tokens that are left. */
  remaining: number;
  /** Milliseconds until the bucket is full again. */
  fullInMs: number;
}

interface Bucket {
  /** Taken and not yet refilled. A token weighs `windowMs`, and `quota` is refilled each millisecond: integers, so that rounding loses nothing. */
  debt: number;
  at: Instant;
  /** Time when the debt is refilled. A bucket is deleted only after that. */
  clearAt: Instant;
}

/** Buckets checked for deletion whenever one is added. Two would do; more empty the map sooner after a peak. */
const MAX_BUCKETS_PER_SWEEP = 8;
/** Buckets shared by keys that find the map full of debts. */
const OVERFLOW_BUCKETS = 256;

/**
 * Keeps a token bucket for each key, in bounded memory. A bucket with a debt is never deleted, so that a client cannot clear its
 * own by filling the map with other keys; keys that find the map full of debts share a few buckets.
 */
export class TokenBuckets {
  readonly #buckets = new Map<string, Bucket>();
  readonly #overflow = new Map<number, Bucket>();
  readonly #capacity: number;
  #sweep: IterableIterator<[string, Bucket]>;

  constructor(capacity = 50_000) {
    this.#capacity = capacity;
    this.#sweep = this.#buckets.entries();
  }

  /** Keys in memory. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Takes a token, or returns how long to wait for one. */
  take(key: string, { quota, windowMs }: Rate, now: Instant): Taken {
    const bucket = this.#buckets.get(key) ?? this.#open(key, now);
    // A clock that was set back refills nothing, and makes no key wait for its old time.
    bucket.debt = Math.max(0, Math.min(bucket.debt, quota * windowMs) - quota * Math.max(0, now - bucket.at));
    bucket.at = now;
    const debt = bucket.debt + windowMs;
    const over = debt - quota * windowMs;
    if (over <= 0) bucket.debt = debt;
    const fullInMs = Math.ceil(bucket.debt / quota);
    bucket.clearAt = now + fullInMs;
    const waitMs = over > 0 ? Math.ceil(over / quota) : 0;
    return { waitMs, remaining: Math.floor(quota - bucket.debt / windowMs), fullInMs };
  }

  #open(key: string, now: Instant): Bucket {
    this.#deleteSome(now);
    const fresh = { debt: 0, at: now, clearAt: now };
    if (this.#buckets.size < this.#capacity) {
      this.#buckets.set(key, fresh);
      return fresh;
    }
    const place = Number(Bun.hash(key)) % OVERFLOW_BUCKETS;
    const shared = this.#overflow.get(place) ?? fresh;
    this.#overflow.set(place, shared);
    return shared;
  }

  #deleteSome(now: Instant): void {
    for (let looked = 0; looked < MAX_BUCKETS_PER_SWEEP; looked++) {
      const { value, done } = this.#sweep.next();
      if (done) {
        this.#sweep = this.#buckets.entries();
        return;
      }
      const [key, { clearAt }] = value;
      if (clearAt <= now) this.#buckets.delete(key);
    }
  }
}
