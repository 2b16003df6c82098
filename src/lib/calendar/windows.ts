import { DAY, HOUR, type Instant, MINUTE } from "../clock.ts";
import { AppError, type ErrorDetail } from "../errors.ts";
import { getOffsetPeriod } from "./zones.ts";

export const DAYS = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"] as const;
type Day = (typeof DAYS)[number];

/** Open from `from` (inclusive) to `to` (exclusive) in local time, such as `09:00`; `to` may be `24:00`. A night takes two windows. */
export interface SendWindow {
  days: Day[];
  from: string;
  to: string;
}

/** Send windows and their time zone. */
export interface OpenHours {
  windows: readonly SendWindow[];
  zone: string;
}

const WEEK_MS = 7 * DAY;
/** The epoch was a Thursday; weeks here start on Monday. */
const EPOCH_WEEK_OFFSET_MS = 3 * DAY;
/** Covers all combinations of the year's clock changes. */
const SEARCH_HORIZON_MS = 366 * DAY;
const MAX_WINDOWS = 50;

const TIME_OF_DAY = /^(?:[01]\d|2[0-3]):[0-5]\d$/;

/** A window in milliseconds since Monday 00:00 of a week without clock changes. */
interface Span {
  from: number;
  to: number;
}

/** Keyed by the array itself: serialising the windows as a key would take as long as compiling them. */
const compiledSpans = new WeakMap<readonly SendWindow[], Span[]>();

/**
 * Finds the next time a window is open: `at` itself when one is open then. Without any windows it is always open.
 *
 * A window is open while the local time is inside it. So when clocks skip 02:00–03:00, a window from 02:30 opens at 03:00 if
 * it lasts that long, and when they repeat an hour, a window inside it opens twice.
 * Returns Infinity for windows that never open, which `assertWindows` refuses.
 */
export function findOpening(windows: readonly SendWindow[], zone: string, at: Instant): Instant {
  if (windows.length === 0) return at;
  const spans = getSpans(windows);
  let time = at;
  while (spans.length > 0) {
    const { until, offset } = getOffsetPeriod(zone, time);
    const opening = time + getWaitMs(spans, time + offset);
    if (opening < until) return opening;
    time = until;
  }
  return Number.POSITIVE_INFINITY;
}

/** Finds the next time all of these hours are open: `at` itself when they are open then; null when there is none within a year. */
export function findCommonOpening(hours: readonly OpenHours[], at: Instant): Instant | null {
  let time = at;
  while (time <= at + SEARCH_HORIZON_MS) {
    const before = time;
    for (const { windows, zone } of hours) time = findOpening(windows, zone, time);
    if (time === before) return time;
  }
  return null;
}

/** Gets the milliseconds from a local time until a window is open; 0 when one is open. */
function getWaitMs(spans: readonly Span[], local: number): number {
  const inWeek = (((local + EPOCH_WEEK_OFFSET_MS) % WEEK_MS) + WEEK_MS) % WEEK_MS;
  // Sorted by `from`, the first span that has not ended is the open one or the next one, even when spans overlap.
  for (const span of spans) if (inWeek < span.to) return Math.max(0, span.from - inWeek);
  return Number.POSITIVE_INFINITY;
}

function getSpans(windows: readonly SendWindow[]): Span[] {
  const known = compiledSpans.get(windows);
  if (known !== undefined) return known;
  const spans = windows
    .flatMap(({ days, from, to }) =>
      days.map((day) => {
        const midnight = DAYS.indexOf(day) * DAY;
        return { from: midnight + toMsOfDay(from), to: midnight + toMsOfDay(to) };
      }),
    )
    .sort((a, b) => a.from - b.from);
  // The first span a week later follows the last one.
  const wrapped = spans.slice(0, 1).map(({ from, to }) => ({ from: from + WEEK_MS, to: to + WEEK_MS }));
  const week = [...spans, ...wrapped];
  compiledSpans.set(windows, week);
  return week;
}

function toMsOfDay(time: string): number {
  return Number(time.slice(0, 2)) * HOUR + Number(time.slice(3, 5)) * MINUTE;
}

/**
 * Asserts that send windows are valid; an empty list is valid and always open.
 * @throws AppError INVALID with every wrong field, such as `sendWindows.0.to`
 */
export function assertWindows(
  field: string,
  windows: readonly { days: readonly string[]; from: string; to: string }[],
): asserts windows is readonly SendWindow[] {
  const details: ErrorDetail[] = [];
  const wrong = (path: string, message: string) => details.push({ field: `${field}${path}`, message });

  if (windows.length > MAX_WINDOWS) wrong("", `expected at most ${MAX_WINDOWS} windows`);
  for (const [at, { days, from, to }] of windows.slice(0, MAX_WINDOWS).entries()) {
    if (days.length === 0) wrong(`.${at}.days`, "expected at least one day");
    for (const [place, day] of days.entries()) {
      if (!(DAYS as readonly string[]).includes(day))
        wrong(`.${at}.days.${place}`, `expected one of ${DAYS.join(", ")}`);
      else if (days.indexOf(day) < place) wrong(`.${at}.days.${place}`, `${day} is listed twice`);
    }
    const fromValid = TIME_OF_DAY.test(from);
    const toValid = TIME_OF_DAY.test(to) || to === "24:00";
    if (!fromValid) wrong(`.${at}.from`, "expected a time of day such as 09:00, from 00:00 to 23:59");
    if (!toValid) wrong(`.${at}.to`, "expected a time of day such as 17:30, from 00:01 to 24:00");
    if (fromValid && toValid && from >= to) {
      wrong(
        `.${at}.to`,
        `expected a time later than ${from}; use two windows for one over midnight, one to 24:00 and one from 00:00`,
      );
    }
  }

  const first = details[0];
  if (first !== undefined) throw new AppError("INVALID", `${first.field}: ${first.message}`, { details });
}
