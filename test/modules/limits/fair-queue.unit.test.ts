import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FairQueue } from "../../../src/modules/limits/fair-queue.ts";
import { FairShare } from "../../../src/modules/limits/fair-share.ts";
import { ConcurrencyLimiter } from "../../../src/modules/limits/places.ts";

describe("fair queue", () => {
  test("keys are served in rotation, each in its own order, and no more than the limit run together", async () => {
    const keyLists = fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(keyLists, fc.integer({ min: 1, max: 4 }), async (keys, atOnce) => {
        const queue = new FairQueue({ atOnce });
        const started: string[] = [];
        let running = 0;
        await Promise.all(
          keys.map((key, index) =>
            queue.run(key, async () => {
              expect(++running).toBeLessThanOrEqual(atOnce);
              started.push(`${key}${index}`);
              await new Promise((resolve) => setImmediate(resolve));
              running--;
            }),
          ),
        );
        for (const key of ["a", "b", "c"]) {
          const own = keys.flatMap((given, index) => (given === key ? [`${key}${index}`] : []));
          expect(started.filter((name) => name.startsWith(key))).toEqual(own);
        }
        // Expect that a waiting key is served before any other key is served twice. The first entries did not wait.
        const waited = started.slice(atOnce);
        for (const key of new Set(waited.map(([first]) => first))) {
          const until = waited.findLastIndex(([first]) => first === key);
          const served = waited.slice(0, until).map(([first]) => first);
          for (let at = 0; at + 3 <= served.length; at++) expect(served.slice(at, at + 3)).toContain(key);
        }
      }),
      { numRuns: 100 },
    );
  });

  test("a failing job does not stop the queue, and a key with too many waiting jobs gets RATE_LIMITED", async () => {
    const queue = new FairQueue({ atOnce: 1, mostWaiting: 2 });
    const failing = queue.run("a", () => Promise.reject(new Error("broken")));
    const waiting = [queue.run("a", async () => 1), queue.run("a", async () => 2)];
    await expect(queue.run("a", async () => 3)).rejects.toMatchObject({ code: "RATE_LIMITED", retryAfterSeconds: 5 });
    expect(await queue.run("b", async () => 4)).toBe(4);
    await expect(failing).rejects.toThrow("broken");
    expect(await Promise.all(waiting)).toEqual([1, 2]);
  });
});

describe("concurrency limiter", () => {
  test("two requests of a subject run at once, eight more wait in order, and the rest is rejected", async () => {
    const places = new ConcurrencyLimiter({ mostWaiting: 8, noun: "requests" });
    const order: number[] = [];
    let running = 0;
    const results = await Promise.allSettled(
      Array.from({ length: 12 }, async (_, n) => {
        const giveBack = await places.take("ann", 2);
        expect(++running).toBeLessThanOrEqual(2);
        order.push(n);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        giveBack();
        giveBack();
      }),
    );
    expect(results.map(({ status }) => status)).toEqual([
      ...Array<"fulfilled">(10).fill("fulfilled"),
      "rejected",
      "rejected",
    ]);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    (await places.take("ann", 2))();
  });

  test("requests of other subjects run between two waiting requests of one subject", async () => {
    const places = new ConcurrencyLimiter({ mostWaiting: 8, noun: "requests" });
    const seen: string[] = [];
    const first = await places.take("ann", 1);
    const second = places.take("ann", 1).then(() => seen.push("ann"));
    setImmediate(() => seen.push("bob"));
    first();
    await second;
    expect(seen).toEqual(["bob", "ann"]);
  });
});

describe("fair share of the event loop", () => {
  const busy = (share: FairShare, now: number) => share.sample(2000, 2000, now);

  test("the subject that used most of a busy loop exceeds its share, and no other subject does", () => {
    const share = new FairShare();
    for (let n = 0; n < 5; n++) busy(share, 2000 * (n + 1));
    share.charge("greedy", 8000, 10_000);
    share.charge("small", 200, 10_000);
    share.charge("other", 100, 10_000);
    expect(share.excess("greedy", 10_000)).toBeGreaterThan(0);
    expect(share.excess("small", 10_000)).toBe(0);
    expect(share.excess("new", 10_000)).toBe(0);
  });

  test("no subject exceeds its share alone, or while the loop is idle", () => {
    const alone = new FairShare();
    for (let n = 0; n < 5; n++) busy(alone, 2000 * (n + 1));
    alone.charge("greedy", 8000, 10_000);
    expect(alone.excess("greedy", 10_000)).toBe(0);

    const idle = new FairShare();
    for (let n = 0; n < 5; n++) idle.sample(100, 2000, 2000 * (n + 1));
    idle.charge("greedy", 8000, 10_000);
    idle.charge("small", 200, 10_000);
    expect(idle.excess("greedy", 10_000)).toBe(0);
  });

  test("a subject that waited for the returned time no longer exceeds its share", () => {
    const share = new FairShare();
    let now = 10_000;
    for (let n = 0; n < 5; n++) busy(share, 2000 * (n + 1));
    share.charge("greedy", 8000, now);
    share.charge("small", 700, now);
    const wait = share.excess("greedy", now);
    now += wait;
    busy(share, now);
    share.charge("small", 700, now);
    expect(share.excess("greedy", now)).toBe(0);
  });

  test("none of many subjects with equal use exceeds its share", () => {
    const share = new FairShare();
    for (let n = 0; n < 5; n++) busy(share, 2000 * (n + 1));
    for (let brand = 0; brand < 10; brand++) share.charge(`brand ${brand}`, 900, 10_000);
    for (let brand = 0; brand < 10; brand++) expect(share.excess(`brand ${brand}`, 10_000)).toBe(0);
  });
});
