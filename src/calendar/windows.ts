import { DAY, HOUR, type Instant, MINUTE } from "../clock.ts";
import { type Detail, Fault } from "../fault.ts";
import { stretchAt } from "./zones.ts";

export const DAYS = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"] as const;
export type Day = (typeof DAYS)[number];

/** Open from `from` until just before `to`, as clocks show it (`09:00`; `to` may be `24:00`). A night is two windows. */
export interface SendWindow {
  days: Day[];
  from: string;
  to: string;
}

/** Windows, and the zone whose clocks they are read on. */
export interface OpenHours {
  windows: readonly SendWindow[];
  zone: string;
}

const WEEK = 7 * DAY;
/** The epoch was a Thursday; weeks here begin on Monday. */
const EPOCH_IN_WEEK = 3 * DAY;
/** Every overlap that the year's clock changes can make has come up by then. */
const FORESEEABLE = 366 * DAY;
const MAX_WINDOWS = 50;

const TIME = /^(?:[01]\d|2[0-3]):[0-5]\d$/;

/** A window in milliseconds since Monday 00:00 of an ideal week. */
interface Span {
  from: number;
  to: number;
}

/** Compiling costs about as much as writing the windows as JSON would, so the array itself is the key. */
const compiled = new WeakMap<readonly SendWindow[], Span[]>();

/**
 * `at` itself when a window is open then, else the first moment one opens. No windows at all are always open.
 *
 * Open means: the clocks there show a time inside a window. So when they skip 02:00–03:00, a window from 02:30 opens at
 * 03:00 if it lasts that long, and when they repeat an hour, a window inside it opens twice.
 * Infinity for windows that never open, which `checkWindows` does not let pass.
 */
export function nextOpening(windows: readonly SendWindow[], zone: string, at: Instant): Instant {
  if (windows.length === 0) return at;
  const spans = spansOf(windows);
  let moment = at;
  while (spans.length > 0) {
    const { until, offset } = stretchAt(zone, moment);
    const opening = moment + waitInWeek(spans, moment + offset);
    if (opening < until) return opening;
    moment = until;
  }
  return Number.POSITIVE_INFINITY;
}

/** `at` itself when all of these are open then, else the first moment they all are; null when there is none within a year. */
export function nextCommonOpening(hours: readonly OpenHours[], at: Instant): Instant | null {
  let moment = at;
  while (moment <= at + FORESEEABLE) {
    const before = moment;
    for (const { windows, zone } of hours) moment = nextOpening(windows, zone, moment);
    if (moment === before) return moment;
  }
  return null;
}

/** Milliseconds from a local time until a window is open; 0 when one is. */
function waitInWeek(spans: readonly Span[], local: number): number {
  const inWeek = (((local + EPOCH_IN_WEEK) % WEEK) + WEEK) % WEEK;
  // Sorted by `from`, the first that has not ended is the open one or the next one, whether or not they overlap.
  for (const span of spans) if (inWeek < span.to) return Math.max(0, span.from - inWeek);
  return Number.POSITIVE_INFINITY;
}

function spansOf(windows: readonly SendWindow[]): Span[] {
  const known = compiled.get(windows);
  if (known !== undefined) return known;
  const spans = windows
    .flatMap(({ days, from, to }) =>
      days.map((day) => {
        const midnight = DAYS.indexOf(day) * DAY;
        return { from: midnight + sinceMidnight(from), to: midnight + sinceMidnight(to) };
      }),
    )
    .sort((a, b) => a.from - b.from);
  // The week's first window once more, a week later, is what comes after its last.
  const again = spans.slice(0, 1).map(({ from, to }) => ({ from: from + WEEK, to: to + WEEK }));
  const week = [...spans, ...again];
  compiled.set(windows, week);
  return week;
}

function sinceMidnight(time: string): number {
  return Number(time.slice(0, 2)) * HOUR + Number(time.slice(3, 5)) * MINUTE;
}

/**
 * Refuses windows that could not be kept. None at all are fine: always open.
 * @throws Fault INVALID listing every wrong field, as `sendWindows.0.to`
 */
export function checkWindows(
  field: string,
  windows: readonly { days: readonly string[]; from: string; to: string }[],
): asserts windows is readonly SendWindow[] {
  const details: Detail[] = [];
  const wrong = (path: string, message: string) => details.push({ field: `${field}${path}`, message });

  if (windows.length > MAX_WINDOWS) wrong("", `at most ${MAX_WINDOWS} windows`);
  for (const [at, { days, from, to }] of windows.slice(0, MAX_WINDOWS).entries()) {
    if (days.length === 0) wrong(`.${at}.days`, "at least one day");
    for (const [place, day] of days.entries()) {
      if (!(DAYS as readonly string[]).includes(day)) wrong(`.${at}.days.${place}`, `one of ${DAYS.join(", ")}`);
      else if (days.indexOf(day) < place) wrong(`.${at}.days.${place}`, `${day} is named twice`);
    }
    const fromValid = TIME.test(from);
    const toValid = TIME.test(to) || to === "24:00";
    if (!fromValid) wrong(`.${at}.from`, "a time of day as 09:00, from 00:00 to 23:59");
    if (!toValid) wrong(`.${at}.to`, "a time of day as 17:30, from 00:01 to 24:00");
    if (fromValid && toValid && from >= to) {
      wrong(`.${at}.to`, `later than ${from}; a window over midnight is two windows, one to 24:00 and one from 00:00`);
    }
  }

  const first = details[0];
  if (first !== undefined) throw new Fault("INVALID", `${first.field}: ${first.message}`, { details });
}
