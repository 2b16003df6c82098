import fc from "fast-check";
import { getOffsetPeriod } from "../../../src/lib/calendar/zones.ts";
import { type Instant, MINUTE } from "../../../src/lib/clock.ts";

/** Zones with unusual transitions: half-hour DST, changes at midnight or a minute after, a skipped day, Ramadan. */
const ODD_ZONES = [
  "America/New_York",
  "Europe/Berlin",
  "Australia/Lord_Howe",
  "America/Sao_Paulo",
  "Pacific/Apia",
  "America/St_Johns",
  "Africa/Casablanca",
  "Africa/Cairo",
  "Asia/Tehran",
  "Asia/Kathmandu",
  "UTC",
];

/** Draws whole minutes from 1990 to 2040. */
export function anyTime(): fc.Arbitrary<Instant> {
  return fc
    .integer({ min: Date.parse("1990-01-01") / MINUTE, max: Date.parse("2040-01-01") / MINUTE })
    .map((m) => m * MINUTE);
}

/** Draws a time in an unusual zone, every other one within a day of a transition. */
export function anyZonedTime(): fc.Arbitrary<{ zone: string; at: Instant }> {
  return fc
    .tuple(fc.constantFrom(...ODD_ZONES), anyTime(), fc.boolean(), fc.integer({ min: -1440, max: 1440 }))
    .map(([zone, at, near, minutes]) => {
      const { until } = getOffsetPeriod(zone, at);
      return { zone, at: near && Number.isFinite(until) ? until + minutes * MINUTE : at };
    });
}
