import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Rate, TokenBuckets } from "../../../src/modules/limits/bucket.ts";

/** Reference token bucket with exact arithmetic: each millisecond adds its fraction of a token. */
class SlowBucket {
  #level: bigint;
  #at = 0;

  constructor(readonly rate: Rate) {
    this.#level = BigInt(rate.quota) * BigInt(rate.windowMs);
  }

  flowTo(now: number): void {
    const full = BigInt(this.rate.quota) * BigInt(this.rate.windowMs);
    for (; this.#at < now; this.#at++) {
      this.#level += BigInt(this.rate.quota);
      if (this.#level > full) this.#level = full;
    }
  }

  get tokens(): number {
    return Number(this.#level / BigInt(this.rate.windowMs));
  }

  take(): boolean {
    if (this.tokens < 1) return false;
    this.#level -= BigInt(this.rate.windowMs);
    return true;
  }
}

const rates = fc.record({ quota: fc.integer({ min: 1, max: 50 }), windowMs: fc.integer({ min: 1, max: 500 }) });
const gaps = fc.array(fc.oneof(fc.constant(0), fc.nat(5), fc.nat(300)), { minLength: 1, maxLength: 120 });

describe("TokenBuckets", () => {
  test("admits and leaves the same as the reference bucket, and returns the exact wait", () => {
    fc.assert(
      fc.property(rates, gaps, (rate, steps) => {
        const buckets = new TokenBuckets();
        const slow = new SlowBucket(rate);
        let now = 0;
        for (const step of steps) {
          now += step;
          slow.flowTo(now);
          const { waitMs, remaining } = buckets.take("key", rate, now);
          expect(waitMs === 0).toBe(slow.take());
          expect(remaining).toBe(slow.tokens);
          if (waitMs === 0) continue;
          slow.flowTo(now + waitMs - 1);
          expect(slow.tokens).toBe(0);
          slow.flowTo(now + waitMs);
          // More than one may flow in within a millisecond.
          expect(slow.tokens).toBeGreaterThanOrEqual(1);
          expect(slow.tokens).toBeLessThanOrEqual(Math.ceil(rate.quota / rate.windowMs));
          now += waitMs;
        }
      }),
      { numRuns: 300, examples: [[{ quota: 2, windowMs: 1 }, [0, 0, 0]]] },
    );
  });

  test("admits at most twice the quota in any window, for any sequence of requests", () => {
    fc.assert(
      fc.property(rates, gaps, (rate, steps) => {
        const buckets = new TokenBuckets();
        const admitted: number[] = [];
        let now = 0;
        for (const step of steps) {
          now += step;
          if (buckets.take("key", rate, now).waitMs === 0) admitted.push(now);
        }
        for (const from of admitted) {
          const within = admitted.filter((at) => at >= from && at < from + rate.windowMs).length;
          expect(within).toBeLessThanOrEqual(2 * rate.quota);
        }
      }),
    );
  });

  test("many other keys do not reset a used bucket, and memory is bounded", () => {
    const rate = { quota: 3, windowMs: 60_000 };
    const buckets = new TokenBuckets(100);
    for (let n = 0; n < 3; n++) buckets.take("attacker", rate, 0);
    for (let n = 0; n < 100_000; n++) buckets.take(`crowd ${n}`, rate, 1000);
    expect(buckets.size).toBeLessThanOrEqual(100);
    expect(buckets.take("attacker", rate, 2000).waitMs).toBeGreaterThan(0);
  });

  test("a full bucket is dropped, which makes capacity for new keys", () => {
    const rate = { quota: 3, windowMs: 60_000 };
    const buckets = new TokenBuckets(100);
    for (let n = 0; n < 100; n++) buckets.take(`first ${n}`, rate, 0);
    for (let n = 0; n < 100; n++) buckets.take(`second ${n}`, rate, 120_000);
    // The second set of keys has buckets of its own.
    for (let n = 50; n < 100; n++) expect(buckets.take(`second ${n}`, rate, 120_000).remaining).toBe(1);
    expect(buckets.size).toBeLessThanOrEqual(100);
  });

  test("after the clock is set back, a bucket neither waits for the old time nor refills for it", () => {
    const rate = { quota: 1, windowMs: 1000 };
    const buckets = new TokenBuckets();
    expect(buckets.take("key", rate, 1_000_000).waitMs).toBe(0);
    expect(buckets.take("key", rate, 500_000).waitMs).toBe(1000);
    expect(buckets.take("key", rate, 501_000).waitMs).toBe(0);
  });

  test("a changed limit applies to a bucket with used tokens", () => {
    const buckets = new TokenBuckets();
    for (let n = 0; n < 10; n++) buckets.take("key", { quota: 10, windowMs: 1000 }, 0);
    expect(buckets.take("key", { quota: 20, windowMs: 1000 }, 0)).toMatchObject({ waitMs: 0, remaining: 9 });
    expect(buckets.take("key", { quota: 5, windowMs: 1000 }, 0)).toMatchObject({ waitMs: 200, remaining: 0 });
  });
});
