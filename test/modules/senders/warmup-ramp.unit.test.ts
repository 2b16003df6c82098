import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DAY, HOUR } from "../../../src/lib/clock.ts";
import {
  applyWarmupAction,
  createSendDayLookup,
  getRampVolume,
  getWarmup,
} from "../../../src/modules/senders/warmup.ts";

const MONDAY = Date.UTC(2026, 10, 30, 9);
const limits = fc.integer({ min: 1, max: 10_000 });

const box = (dailyLimit: number, more: object = {}) => ({
  warmupStatus: "NOT_STARTED" as const,
  warmupStartedAt: null,
  warmupPausedAt: null,
  dailyLimit,
  timezone: "UTC",
  ...more,
});
const started = (dailyLimit: number, at = MONDAY) => ({
  ...box(dailyLimit),
  ...applyWarmupAction(box(dailyLimit), "START", at),
});

describe("getRampVolume", () => {
  test("starts with ten messages and grows by a quarter a day", () => {
    expect(Array.from({ length: 9 }, (_, day) => getRampVolume(day, 10_000))).toEqual([
      10, 15, 20, 25, 31, 38, 47, 58, 72,
    ]);
  });

  test("never falls, never exceeds the limit, and reaches it within 35 days", () => {
    fc.assert(
      fc.property(limits, fc.integer({ min: 0, max: 400 }), (limit, day) => {
        const [today, tomorrow] = [getRampVolume(day, limit), getRampVolume(day + 1, limit)];
        expect(today).toBeGreaterThan(0);
        expect(tomorrow).toBeLessThanOrEqual(limit);
        expect(tomorrow).toBeGreaterThanOrEqual(Math.min(limit, today + 5));
        expect(getRampVolume(35, limit)).toBe(limit);
      }),
    );
  });
});

describe("warm-up of a mailbox", () => {
  test("counts days by midnight in the mailbox's time zone", () => {
    const tokyo = { ...started(100), timezone: "Asia/Tokyo" };
    expect(getWarmup(tokyo, MONDAY)).toEqual({ status: "WARMING", cap: 10 });
    // 15:00 UTC is midnight in Tokyo.
    expect(getWarmup(tokyo, MONDAY + 6 * HOUR - 1).cap).toBe(10);
    expect(getWarmup(tokyo, MONDAY + 6 * HOUR).cap).toBe(15);
  });

  test("completes when the limit is reached and continues when the limit is raised", () => {
    const mine = started(25);
    expect(getWarmup(mine, MONDAY + 2 * DAY)).toEqual({ status: "WARMING", cap: 20 });
    expect(getWarmup(mine, MONDAY + 3 * DAY)).toEqual({ status: "COMPLETED", cap: 25 });
    expect(getWarmup({ ...mine, dailyLimit: 500 }, MONDAY + 3 * DAY)).toEqual({ status: "WARMING", cap: 25 });
  });

  test("keeps its cap while paused, for any duration", () => {
    fc.assert(
      fc.property(
        limits,
        fc.integer({ min: 0, max: 40 * DAY }),
        fc.integer({ min: 0, max: 400 * DAY }),
        (limit, before, pause) => {
          const mine = started(limit);
          const { status, cap } = getWarmup(mine, MONDAY + before);
          if (status !== "WARMING") return;
          const paused = { ...mine, ...applyWarmupAction(mine, "PAUSE", MONDAY + before) };
          const later = MONDAY + before + pause;
          expect(getWarmup(paused, later)).toEqual({ status: "PAUSED", cap });
          const resumed = { ...paused, ...applyWarmupAction(paused, "RESUME", later) };
          expect(getWarmup(resumed, later)).toEqual({ status: "WARMING", cap });
        },
      ),
    );
  });

  test.each([
    ["PAUSE", box(50)],
    ["RESUME", started(50)],
    ["START", started(50)],
    ["STOP", box(50)],
  ] as const)("applyWarmupAction: %s in a state that does not allow it is rejected", (order, mine) => {
    expect(() => applyWarmupAction(mine, order, MONDAY)).toThrow("warmup");
  });

  test("STOP resets the mailbox to NOT_STARTED with its daily limit as cap", () => {
    const mine = started(50);
    expect(getWarmup({ ...mine, ...applyWarmupAction(mine, "STOP", MONDAY) }, MONDAY)).toEqual({
      status: "NOT_STARTED",
      cap: 50,
    });
  });
});

test("createSendDayLookup: each day gets as many messages as its cap allows", () => {
  fc.assert(
    fc.property(limits, fc.integer({ min: 0, max: 3 * DAY }), (limit, later) => {
      const mine = started(limit);
      const days = createSendDayLookup(mine, MONDAY + later);
      const planned: number[] = [];
      for (let n = 0; n < 2000; n++) planned[days(n)] = (planned[days(n)] ?? 0) + 1;
      for (const [day, count] of planned.slice(0, -1).entries()) {
        expect(count).toBe(getWarmup(mine, MONDAY + later + day * DAY).cap);
      }
    }),
    { numRuns: 30 },
  );
  expect([0, 49, 50, 100].map(createSendDayLookup(box(50), MONDAY))).toEqual([0, 0, 1, 2]);
});
