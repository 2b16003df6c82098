import { DAY, type Instant } from "../clock.ts";

/** A period in which a zone keeps one offset from UTC: `since <= time < until`. */
interface OffsetPeriod {
  since: Instant;
  until: Instant;
  /** Milliseconds to add to an `Instant` to get the local time, as if it were UTC. */
  offset: number;
}

/** A period lasts about half a year, so a few cover everything that is sent or scheduled. */
const MAX_PERIODS_PER_ZONE = 8;
/** More than there are zones: reached only by spelling names in different cases. */
const MAX_CACHED_ZONES = 2_000;

const cachedPeriods = new Map<string, OffsetPeriod[]>();

/**
 * Gets the period of constant offset that contains a time. Time-zone data is looked up once per period; all other computation
 * of local time is addition.
 * @throws RangeError for a zone that `isZone` refuses
 */
export function getOffsetPeriod(zone: string, at: Instant): OffsetPeriod {
  const known = cachedPeriods.get(zone);
  if (known !== undefined) {
    for (const period of known) if (at >= period.since && at < period.until) return period;
  }
  const found = lookUpPeriod(zone, at);
  if (cachedPeriods.size >= MAX_CACHED_ZONES) cachedPeriods.clear();
  cachedPeriods.set(zone, [found, ...(known ?? []).slice(0, MAX_PERIODS_PER_ZONE - 1)]);
  return found;
}

function lookUpPeriod(zone: string, at: Instant): OffsetPeriod {
  const instant = Temporal.Instant.fromEpochMilliseconds(Math.floor(at));
  const local = instant.toZonedDateTimeISO(zone);
  // "previous" is strictly earlier, so a millisecond is added to find a change at exactly this time.
  const since = instant.add({ milliseconds: 1 }).toZonedDateTimeISO(zone).getTimeZoneTransition("previous");
  return {
    since: since?.epochMilliseconds ?? Number.NEGATIVE_INFINITY,
    until: local.getTimeZoneTransition("next")?.epochMilliseconds ?? Number.POSITIVE_INFINITY,
    offset: local.offsetNanoseconds / 1_000_000,
  };
}

/** Returns whether the text names a zone of the IANA database, in any case and including old names. Offsets (`+05:00`) have no DST and are refused. */
export function isZone(text: string): boolean {
  if (!/^[A-Za-z]/.test(text)) return false;
  try {
    getOffsetPeriod(text, 0);
    return true;
  } catch {
    return false;
  }
}

/** Formats the local date in the zone: `2026-11-23`. */
export function formatLocalDay(zone: string, at: Instant): string {
  return new Date(at + getOffsetPeriod(zone, at).offset).toISOString().slice(0, 10);
}

/**
 * Finds the start of the next date in the zone: midnight, or the time after the jump where clocks skip midnight (or a whole day,
 * as in Apia at the end of 2011).
 */
export function getStartOfNextDay(zone: string, at: Instant): Instant {
  const today = Math.floor((at + getOffsetPeriod(zone, at).offset) / DAY);
  let time = at;
  for (;;) {
    const { until, offset } = getOffsetPeriod(zone, time);
    if (Math.floor((time + offset) / DAY) > today) return time;
    const midnight = (today + 1) * DAY - offset;
    if (midnight < until) return midnight;
    time = until;
  }
}
