import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DateTime } from "luxon";
import { getContactHours } from "../../../src/lib/calendar/quiet-hours.ts";
import {
  assertWindows,
  DAYS,
  findCommonOpening,
  findOpening,
  type SendWindow,
} from "../../../src/lib/calendar/windows.ts";
import { DAY, type Instant, MINUTE } from "../../../src/lib/clock.ts";
import { AppError } from "../../../src/lib/errors.ts";
import { anyZonedTime } from "./time-arbitraries.ts";

const everyDay = (from: string, to: string): SendWindow[] => [{ days: [...DAYS], from, to }];
const OFFICE: SendWindow[] = [{ days: ["MON", "TUE", "WED", "THU", "FRI"], from: "09:00", to: "17:30" }];

describe("findOpening", () => {
  const cases: [name: string, windows: SendWindow[], zone: string, at: string, opens: string][] = [
    ["no windows are always open", [], "Asia/Tokyo", "2026-11-22T03:04:05Z", "2026-11-22T03:04:05Z"],
    ["open now", OFFICE, "Europe/Berlin", "2026-11-23T10:00:01Z", "2026-11-23T10:00:01Z"],
    ["opens at its start time", OFFICE, "Europe/Berlin", "2026-11-23T08:00:00Z", "2026-11-23T08:00:00Z"],
    ["closed at its end time", OFFICE, "Europe/Berlin", "2026-11-23T16:30:00Z", "2026-11-24T08:00:00Z"],
    ["over the weekend", OFFICE, "Europe/Berlin", "2026-11-20T17:00:00Z", "2026-11-23T08:00:00Z"],
    ["until 24:00", everyDay("22:00", "24:00"), "UTC", "2026-11-23T23:59:59Z", "2026-11-23T23:59:59Z"],
    [
      "a night in two windows",
      [...everyDay("22:00", "24:00"), ...everyDay("00:00", "06:00")],
      "UTC",
      "2026-11-23T00:00Z",
      "2026-11-23T00:00Z",
    ],
    [
      "once a week, just missed",
      [{ days: ["MON"], from: "09:00", to: "09:30" }],
      "UTC",
      "2026-11-23T09:30Z",
      "2026-11-30T09:00Z",
    ],
    [
      "a window inside another",
      [...everyDay("08:00", "20:00"), ...everyDay("09:00", "10:00")],
      "UTC",
      "2026-11-23T12:00Z",
      "2026-11-23T12:00Z",
    ],
    ["leap day", [{ days: ["TUE"], from: "09:00", to: "10:00" }], "UTC", "2028-02-28T12:00Z", "2028-02-29T09:00Z"],
    ["before 1970", OFFICE, "UTC", "1969-12-27T12:00Z", "1969-12-29T09:00Z"],
    [
      "New York springs forward into the window",
      everyDay("02:30", "05:00"),
      "America/New_York",
      "2026-03-08T06:59Z",
      "2026-03-08T07:00Z",
    ],
    [
      "New York skips the whole window",
      everyDay("02:15", "02:45"),
      "America/New_York",
      "2026-03-08T06:00Z",
      "2026-03-09T06:15Z",
    ],
    [
      "New York, offset after the change",
      everyDay("09:00", "17:00"),
      "America/New_York",
      "2026-03-08T03:00Z",
      "2026-03-08T13:00Z",
    ],
    [
      "New York repeats an hour: first time",
      everyDay("01:30", "01:45"),
      "America/New_York",
      "2026-11-01T04:00Z",
      "2026-11-01T05:30Z",
    ],
    [
      "New York repeats an hour: second time",
      everyDay("01:30", "01:45"),
      "America/New_York",
      "2026-11-01T05:45Z",
      "2026-11-01T06:30Z",
    ],
    ["Berlin springs forward", everyDay("02:30", "03:30"), "Europe/Berlin", "2026-03-29T00:00Z", "2026-03-29T01:00Z"],
    ["Berlin falls back", everyDay("09:00", "10:00"), "Europe/Berlin", "2026-10-24T09:00Z", "2026-10-25T08:00Z"],
    [
      "Lord Howe skips half an hour",
      everyDay("02:15", "04:00"),
      "Australia/Lord_Howe",
      "2026-10-03T15:00Z",
      "2026-10-03T15:30Z",
    ],
    [
      "Lord Howe repeats half an hour",
      everyDay("01:45", "02:00"),
      "Australia/Lord_Howe",
      "2026-04-04T15:00Z",
      "2026-04-04T15:15Z",
    ],
    [
      "São Paulo skips midnight",
      everyDay("00:00", "01:30"),
      "America/Sao_Paulo",
      "2018-11-04T02:30Z",
      "2018-11-04T03:00Z",
    ],
    [
      "São Paulo repeats 23:00",
      everyDay("23:30", "24:00"),
      "America/Sao_Paulo",
      "2018-02-18T02:00Z",
      "2018-02-18T02:30Z",
    ],
    [
      "Apia has no Friday that week",
      [{ days: ["FRI"], from: "09:00", to: "10:00" }],
      "Pacific/Apia",
      "2011-12-30T08:00Z",
      "2012-01-05T19:00Z",
    ],
    [
      "Apia, from Thursday to Saturday",
      everyDay("00:00", "24:00"),
      "Pacific/Apia",
      "2011-12-30T10:00Z",
      "2011-12-30T10:00Z",
    ],
  ];
  test.each(cases)("finds the opening: %s", (_name, windows, zone, at, opens) => {
    expect(findOpening(windows, zone, Date.parse(at))).toBe(Date.parse(opens));
  });

  test("equals a search over each minute of the clock", () => {
    const minutes = fc.tuple(fc.nat(95), fc.nat(95)).filter(([from, to]) => from !== to);
    const aWindow = fc.record({ days: fc.uniqueArray(fc.constantFrom(...DAYS), { minLength: 2 }), minutes }).map(
      ({ days, minutes: [one, other] }): SendWindow => ({
        days,
        from: clock(Math.min(one, other) * 15),
        to: clock(Math.max(one, other) * 15 || 24 * 60),
      }),
    );
    fc.assert(
      fc.property(fc.array(aWindow, { minLength: 1, maxLength: 3 }), anyZonedTime(), (windows, { zone, at }) => {
        expect(findOpening(windows, zone, at)).toBe(openingByWatching(windows, zone, at));
      }),
      { numRuns: 150 },
    );
  });
});

describe("findCommonOpening", () => {
  const windows = OFFICE;

  test("waits until all windows are open", () => {
    const hours = [{ windows, zone: "Europe/Berlin" }, ...getContactHours("SMS", ["America/New_York"])];
    expect(findCommonOpening(hours, Date.parse("2026-11-20T08:30Z"))).toBe(Date.parse("2026-11-20T13:00Z"));
    expect(findCommonOpening(hours, Date.parse("2026-11-20T16:30Z"))).toBe(Date.parse("2026-11-23T13:00Z"));
  });

  test("is the given time without any windows", () => {
    expect(findCommonOpening([], 12345)).toBe(12345);
  });

  test("is null when the windows never overlap", () => {
    const night = [{ windows: everyDay("22:00", "24:00"), zone: "America/Denver" }];
    expect(findCommonOpening([...night, ...getContactHours("VOICEMAIL", ["America/Denver"])], 0)).toBeNull();
  });

  test("finds windows that overlap only while one time zone has changed its clocks and the other has not", () => {
    const berlin = { windows: everyDay("14:00", "14:30"), zone: "Europe/Berlin" };
    const newYork = { windows: everyDay("09:00", "09:30"), zone: "America/New_York" };
    expect(findCommonOpening([berlin, newYork], Date.parse("2026-05-01T00:00Z"))).toBe(Date.parse("2026-10-25T13:00Z"));
  });
});

describe("assertWindows", () => {
  const wrong = (...windows: { days: string[]; from: string; to: string }[]): string[] => {
    try {
      assertWindows("sendWindows", windows);
      return [];
    } catch (error) {
      return error instanceof AppError && error.code === "INVALID" ? (error.details ?? []).map((d) => d.field) : ["?"];
    }
  };

  test("accepts valid windows", () => {
    expect(wrong()).toEqual([]);
    expect(wrong(...OFFICE, { days: ["SUN"], from: "00:00", to: "24:00" })).toEqual([]);
  });

  test("names each wrong field", () => {
    expect(wrong({ days: ["MON"], from: "17:30", to: "09:00" })).toEqual(["sendWindows.0.to"]);
    expect(wrong({ days: ["MON"], from: "09:00", to: "09:00" })).toEqual(["sendWindows.0.to"]);
    expect(wrong(...OFFICE, { days: [], from: "9:00", to: "24:01" })).toEqual([
      "sendWindows.1.days",
      "sendWindows.1.from",
      "sendWindows.1.to",
    ]);
    expect(wrong({ days: ["MON", "Tue", "MON"], from: "24:00", to: "23:60" })).toEqual([
      "sendWindows.0.days.1",
      "sendWindows.0.days.2",
      "sendWindows.0.from",
      "sendWindows.0.to",
    ]);
    expect(wrong(...Array.from({ length: 51 }, () => OFFICE).flat())).toEqual(["sendWindows"]);
  });
});

function clock(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}

function openingByWatching(windows: readonly SendWindow[], zone: string, from: Instant): Instant {
  for (let at = from; at < from + 16 * DAY; at += MINUTE) {
    const shown = DateTime.fromMillis(at, { zone });
    const time = clock(shown.hour * 60 + shown.minute);
    const isOpen = windows.some(
      (w) => w.days.includes(DAYS[shown.weekday - 1] ?? "MON") && w.from <= time && time < w.to,
    );
    if (isOpen) return at;
  }
  return Number.NaN;
}
