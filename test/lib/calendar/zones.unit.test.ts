import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { DateTime, IANAZone } from "luxon";
import { formatLocalDay, getOffsetPeriod, getStartOfNextDay, isZone } from "../../../src/lib/calendar/zones.ts";
import { DAY, HOUR, type Instant, MINUTE } from "../../../src/lib/clock.ts";
import { anyTime, anyZonedTime } from "./time-arbitraries.ts";

describe("time zones", () => {
  test.each([
    ["America/New_York", true],
    ["US/Eastern", true],
    ["Asia/Calcutta", true],
    ["UTC", true],
    ["", false],
    ["+05:00", false],
    ["PST", false],
    ["GMT+5", false],
    ["Europe/Nowhere", false],
    ["2026-01-01T00:00Z[Europe/Berlin]", false],
    ["__proto__", false],
  ])("isZone(%j) is %p", (text, known) => {
    expect(isZone(text)).toBe(known);
  });

  test("getOffsetPeriod: offsets equal those of Intl", () => {
    const zone = fc.constantFrom(...Intl.supportedValuesOf("timeZone"));
    fc.assert(
      fc.property(zone, anyTime(), (name, at) => {
        const { since, until, offset } = getOffsetPeriod(name, at);
        expect(offset).toBe(IANAZone.create(name).offset(at) * MINUTE);
        expect(since <= at && at < until).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test("getOffsetPeriod: a period begins at the change of the clocks, in any order of calls", () => {
    const change = Date.parse("2026-03-29T01:00Z");
    expect(getOffsetPeriod("Europe/Berlin", change)).toEqual(getOffsetPeriod("Europe/Berlin", change + DAY));
    expect(getOffsetPeriod("Europe/Berlin", change).since).toBe(change);
    expect(getOffsetPeriod("Europe/Berlin", change - 1)).toMatchObject({ until: change, offset: HOUR });
  });

  test.each([
    ["America/New_York", "2026-11-23T04:59:59Z", "2026-11-22", "2026-11-23T05:00Z"],
    ["America/New_York", "2026-03-08T05:00Z", "2026-03-08", "2026-03-09T04:00Z"],
    ["America/New_York", "2026-11-01T04:00Z", "2026-11-01", "2026-11-02T05:00Z"],
    ["America/Sao_Paulo", "2018-11-04T02:59Z", "2018-11-03", "2018-11-04T03:00Z"],
    ["America/Sao_Paulo", "2018-02-18T01:30Z", "2018-02-17", "2018-02-18T03:00Z"],
    ["Pacific/Apia", "2011-12-30T09:59Z", "2011-12-29", "2011-12-30T10:00Z"],
    ["Pacific/Apia", "2011-12-30T10:00Z", "2011-12-31", "2011-12-31T10:00Z"],
    ["Asia/Kathmandu", "2028-02-28T18:15Z", "2028-02-29", "2028-02-29T18:15Z"],
  ])("formatLocalDay and getStartOfNextDay: %s at %s is %s", (zone, at, day, tomorrow) => {
    expect(formatLocalDay(zone, Date.parse(at))).toBe(day);
    expect(getStartOfNextDay(zone, Date.parse(at))).toBe(Date.parse(tomorrow));
  });

  test("getStartOfNextDay: is the first minute with a later date", () => {
    fc.assert(
      fc.property(anyZonedTime(), ({ zone, at }) => {
        let next = at;
        while (dateByLuxon(zone, next) <= dateByLuxon(zone, at)) next += MINUTE;
        expect(getStartOfNextDay(zone, at)).toBe(next);
        expect(formatLocalDay(zone, at)).toBe(dateByLuxon(zone, at));
      }),
      { numRuns: 100 },
    );
  });
});

function dateByLuxon(zone: string, at: Instant): string {
  return DateTime.fromMillis(at, { zone }).toISODate() ?? "";
}
