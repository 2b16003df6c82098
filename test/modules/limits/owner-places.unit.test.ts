import { describe, expect, test } from "bun:test";
import {
  ACTIVE_MS,
  type EndRequest,
  LONG_REQUEST_MS,
  MAX_PAUSE_MS,
  MAX_SHARED_REQUESTS,
  MAX_WAIT_MS,
  MAX_WAITING_PER_OWNER,
  OwnerPlaces,
} from "../../../src/modules/limits/owner-places.ts";

// Count the requests in progress under a clock of the test; waiting requests are checked every few real milliseconds.

function world() {
  let now = 0;
  const places = new OwnerPlaces(() => now);
  const started: string[] = [];
  const refused: string[] = [];
  const ends = new Map<string, EndRequest>();
  return {
    places,
    started,
    refused,
    /** Brings a request, named by its owner and a number. */
    async bring(owner: string, name: string) {
      try {
        ends.set(name, await places.take(owner));
        started.push(name);
      } catch (error) {
        expect(error).toMatchObject({ code: "RATE_LIMITED", retryAfterSeconds: 2 });
        refused.push(name);
      }
    },
    end(name: string) {
      ends.get(name)?.();
    },
    /** Advances the clock, and lets waiting requests be checked. */
    async pass(ms: number) {
      now += ms;
      await Bun.sleep(20);
    },
  };
}

describe("requests of one owner", () => {
  test("owner alone: all of its requests are worked on at once", async () => {
    const { bring, started, places } = world();
    for (let n = 0; n < 100; n++) void bring("a", `a${n}`);
    await Bun.sleep(0);
    expect(started).toHaveLength(100);
    expect(places.waiting).toBe(0);
  });

  test("another owner active and none of its requests under way: two are worked on, the rest follows in order", async () => {
    const { bring, end, pass, started } = world();
    await bring("b", "b0");
    end("b0");
    for (let n = 0; n < 6; n++) void bring("a", `a${n}`);
    await pass(MAX_PAUSE_MS);
    expect(started.slice(1)).toEqual(["a0", "a1"]);
    for (let n = 0; n < 4; n++) {
      end(`a${n}`);
      await pass(0);
      expect(started.slice(1)).toEqual(Array.from({ length: n + 1 + MAX_SHARED_REQUESTS }, (_, at) => `a${at}`));
    }
  });

  test("request of another owner under way: the next one waits as long as the last one took, and not once the other has ended", async () => {
    const { bring, end, pass, started } = world();
    await bring("b", "b0");
    for (let n = 0; n < 4; n++) void bring("a", `a${n}`);
    await pass(4);
    expect(started).toEqual(["b0", "a0"]);
    end("a0");
    await pass(3);
    expect(started).toEqual(["b0", "a0"]);
    await pass(1);
    expect(started).toEqual(["b0", "a0", "a1"]);
    end("a1");
    await pass(0);
    end("b0");
    await pass(0);
    expect(started).toEqual(["b0", "a0", "a1", "a2", "a3"]);
  });

  test("owner with one request at a time: it never waits, even while others have many", async () => {
    const { bring, end, pass, started, places } = world();
    await bring("a", "a");
    for (let n = 0; n < 50; n++) void bring("a", `more${n}`);
    await pass(1);
    const before = places.waiting;
    for (let n = 0; n < 20; n++) {
      await bring("b", `b${n}`);
      expect(started.at(-1)).toBe(`b${n}`);
      end(`b${n}`);
    }
    expect(places.waiting).toBeLessThanOrEqual(before);
  });

  test("requests that take long: they no longer keep the next ones of their owner waiting", async () => {
    const { bring, pass, started, places } = world();
    await bring("b", "b0");
    for (let n = 0; n < 3; n++) void bring("a", `a${n}`);
    await pass(MAX_PAUSE_MS);
    expect(started).toEqual(["b0", "a0", "a1"]);
    await pass(LONG_REQUEST_MS + 1);
    expect(started).toEqual(["b0", "a0", "a1", "a2"]);
    expect([places.othersRun("a"), places.othersRun("b")]).toEqual([false, true]);
  });

  test("owner who is alone again: all that wait are worked on", async () => {
    const { bring, end, pass, started, places } = world();
    await bring("b", "b0");
    end("b0");
    for (let n = 0; n < 40; n++) void bring("a", `a${n}`);
    await pass(MAX_PAUSE_MS);
    expect(places.waiting).toBe(38);
    void bring("a", "last");
    await pass(ACTIVE_MS);
    expect(started).toHaveLength(42);
    expect(places.waiting).toBe(0);
  });

  test("too many wait, or wait too long: they are refused and those of others are not", async () => {
    const { bring, pass, started, refused, places } = world();
    await bring("b", "b0");
    for (let n = 0; n < MAX_WAITING_PER_OWNER + 10; n++) void bring("a", `a${n}`);
    await pass(0);
    expect(refused).toHaveLength(9);
    expect(started).toEqual(["b0", "a0"]);
    // Each step starts two requests, until the earliest have waited too long.
    for (let ms = 0; ms <= MAX_WAIT_MS; ms += LONG_REQUEST_MS + 1) await pass(LONG_REQUEST_MS + 1);
    expect(places.waiting).toBe(0);
    expect(started.length).toBeLessThan(20);
    expect(started.length + refused.length).toBe(MAX_WAITING_PER_OWNER + 11);
    await bring("c", "c0");
    expect(started.at(-1)).toBe("c0");
  });

  test("refusals: held back while requests of others are under way, and told at once otherwise", async () => {
    const { bring, end, places } = world();
    const error = new Error("refused");
    const told: string[] = [];
    const refuse = async (name: string) => {
      try {
        await places.refuse("a", error as never);
      } catch {
        told.push(name);
      }
    };
    await bring("b", "b0");
    const held = refuse("held");
    end("b0");
    await refuse("at once");
    await held;
    expect(told).toEqual(["at once", "held"]);
  });
});
