import { DAY, type Instant } from "../clock.ts";

/** A run of time in which the clocks of a zone keep one distance from UTC: `since <= moment < until`. */
export interface Stretch {
  since: Instant;
  until: Instant;
  /** Milliseconds to add to an `Instant` to get what the clocks there show, as if it were UTC. */
  offset: number;
}

/** Stretches last about half a year, so that a few hold everything that is sent or planned. */
const STRETCHES_PER_ZONE = 8;
/** More names than there are zones: only someone who varies the case of names reaches it. */
const MAX_ZONES = 2_000;

const stretches = new Map<string, Stretch[]>();

/**
 * The stretch a moment lies in. Time-zone data is asked only when a zone enters a new stretch; everything else about
 * local time is then addition.
 * @throws RangeError for a zone that `isZone` refuses
 */
export function stretchAt(zone: string, at: Instant): Stretch {
  const known = stretches.get(zone);
  if (known !== undefined) {
    for (const stretch of known) if (at >= stretch.since && at < stretch.until) return stretch;
  }
  const found = lookUp(zone, at);
  if (stretches.size >= MAX_ZONES) stretches.clear();
  stretches.set(zone, [found, ...(known ?? []).slice(0, STRETCHES_PER_ZONE - 1)]);
  return found;
}

function lookUp(zone: string, at: Instant): Stretch {
  const moment = Temporal.Instant.fromEpochMilliseconds(Math.floor(at));
  const here = moment.toZonedDateTimeISO(zone);
  // "previous" is strictly earlier: asked a millisecond later, it finds a change that happens right now.
  const since = moment.add({ milliseconds: 1 }).toZonedDateTimeISO(zone).getTimeZoneTransition("previous");
  return {
    since: since?.epochMilliseconds ?? Number.NEGATIVE_INFINITY,
    until: here.getTimeZoneTransition("next")?.epochMilliseconds ?? Number.POSITIVE_INFINITY,
    offset: here.offsetNanoseconds / 1_000_000,
  };
}

/** Whether this is the name of a zone in the IANA database, an old name and any case included. Offsets (`+05:00`) are not: they know no DST. */
export function isZone(text: string): boolean {
  if (!/^[A-Za-z]/.test(text)) return false;
  try {
    stretchAt(text, 0);
    return true;
  } catch {
    return false;
  }
}

/** The date on a calendar in the zone: `2026-11-23`. */
export function localDay(zone: string, at: Instant): string {
  return new Date(at + stretchAt(zone, at).offset).toISOString().slice(0, 10);
}

/**
 * The first moment of the next date in the zone: midnight, or where the clocks jump over midnight (or, as in Apia at the end
 * of 2011, over a whole day) the moment after the jump.
 */
export function startOfNextDay(zone: string, at: Instant): Instant {
  const today = Math.floor((at + stretchAt(zone, at).offset) / DAY);
  let moment = at;
  for (;;) {
    const { until, offset } = stretchAt(zone, moment);
    if (Math.floor((moment + offset) / DAY) > today) return moment;
    const midnight = (today + 1) * DAY - offset;
    if (midnight < until) return midnight;
    moment = until;
  }
}
