import { describe, expect, test } from "bun:test";
import { getAreaCodeZones } from "../../../src/lib/calendar/area-zones.ts";
import { getCountryZones } from "../../../src/lib/calendar/country-zones.ts";
import { getContactHours } from "../../../src/lib/calendar/quiet-hours.ts";
import { getRecipientZones } from "../../../src/lib/calendar/recipient-zones.ts";
import { findCommonOpening } from "../../../src/lib/calendar/windows.ts";
import { isZone } from "../../../src/lib/calendar/zones.ts";
import { DAY } from "../../../src/lib/clock.ts";

describe("getContactHours", () => {
  test("do not restrict e-mail", () => {
    expect(getContactHours("EMAIL", ["America/New_York"])).toEqual([]);
  });

  test("are 08:00 to 21:00 in the contact's time zone", () => {
    const next = (at: string) => findCommonOpening(getContactHours("SMS", ["America/Chicago"]), Date.parse(at));
    expect(next("2026-07-04T13:00Z")).toBe(Date.parse("2026-07-04T13:00Z"));
    expect(next("2026-07-05T01:59:59Z")).toBe(Date.parse("2026-07-05T01:59:59Z"));
    expect(next("2026-07-05T02:00Z")).toBe(Date.parse("2026-07-05T13:00Z"));
  });

  test("of several time zones are the hours common to all", () => {
    const hours = getContactHours(
      "SMS",
      getRecipientZones({ contactZone: null, phone: "+18005550100", brandZone: "UTC" }),
    );
    expect(findCommonOpening(hours, Date.parse("2026-01-15T13:00Z"))).toBe(Date.parse("2026-01-15T18:00Z"));
    expect(findCommonOpening(hours, Date.parse("2026-01-16T02:00Z"))).toBe(Date.parse("2026-01-16T18:00Z"));
  });
});

describe("getRecipientZones", () => {
  const cases: [phone: string | null, zones: string[]][] = [
    ["+12125550100", ["America/New_York"]],
    ["+16025550100", ["America/Phoenix"]],
    ["+18085550100", ["Pacific/Honolulu"]],
    ["+18505550100", ["America/New_York", "America/Chicago"]],
    ["+16045550100", ["America/Vancouver"]],
    ["+17875550100", ["America/Puerto_Rico"]],
    ["+18885550100", ["America/New_York", "Pacific/Honolulu"]],
    ["+15005550006", ["America/New_York", "Pacific/Honolulu"]],
    ["+493012345678", ["Europe/Berlin"]],
    ["+353861234567", ["Europe/Dublin"]],
    ["+77011234567", ["Asia/Almaty"]],
    ["+61412345678", ["Australia/Lord_Howe", "Australia/Perth"]],
    ["+881612345678", ["Asia/Tokyo"]],
    [null, ["Asia/Tokyo"]],
  ];
  test.each(cases)("returns the zones of %s", (phone, zones) => {
    expect([...getRecipientZones({ contactZone: null, phone, brandZone: "Asia/Tokyo" })]).toEqual(zones);
    expect(getRecipientZones({ contactZone: "Europe/Rome", phone, brandZone: "Asia/Tokyo" })).toEqual(["Europe/Rome"]);
  });

  test("returns only existing zones, whose lists share contact hours each day of the year", () => {
    const numbers = Array.from({ length: 1000 }, (_, code) => String(code).padStart(3, "0"));
    const lists = new Set([...numbers.map(getAreaCodeZones), ...numbers.map((code) => getCountryZones(code) ?? [])]);
    expect(lists.size).toBeGreaterThan(200);
    for (const zones of lists) {
      expect(zones.filter((zone) => !isZone(zone))).toEqual([]);
      for (let at = Date.parse("2026-01-01T00:00Z"); at < Date.parse("2027-01-01T00:00Z"); at += 7 * DAY) {
        const opens = findCommonOpening(getContactHours("SMS", zones), at) ?? Number.POSITIVE_INFINITY;
        expect(opens - at).toBeLessThan(DAY);
      }
    }
  });
});
