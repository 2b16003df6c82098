import type { Instant } from "../clock.ts";

/** So many tokens in a window: that many at once, and then as many again over each window. */
export interface Rate {
  quota: number;
  windowMs: number;
}

/** What became of one request for a token. */
export interface Taken {
  /** Milliseconds until a token is there; 0 when one was taken. */
  waitMs: number;
  /** Tokens that are left. */
  remaining: number;
  /** Milliseconds until the bucket is full again. */
  fullInMs: number;
}

interface Bucket {
  /** What was taken and has not flowed back. A token weighs `windowMs`, and `quota` flows back each millisecond: whole numbers, so nothing is lost by rounding. */
  debt: number;
  at: Instant;
  /** When the debt is gone. A bucket is forgotten only after that. */
  clearAt: Instant;
}

/** Buckets looked at for forgetting each time a new one is made. Two would do; more empty the map sooner after a crowd. */
const SWEPT_AT_ONCE = 8;
/** Shared by those who find the map full of debts. */
const OVERFLOW_BUCKETS = 256;

/**
 * Keeps a token bucket for each key, in bounded memory. A bucket with a debt is never forgotten, so that nobody gets rid of
 * theirs by crowding the map with other keys; whoever finds it full of debts shares one of a few buckets with others.
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

  /** Keys that are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Takes a token, or says how long to wait for one. */
  take(key: string, { quota, windowMs }: Rate, now: Instant): Taken {
    const bucket = this.#buckets.get(key) ?? this.#open(key, now);
    // A clock that was stepped back lets nothing flow, and keeps nobody waiting for its old time.
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
    this.#forgetSome(now);
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

  #forgetSome(now: Instant): void {
    for (let looked = 0; looked < SWEPT_AT_ONCE; looked++) {
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
