import type { emailAccounts } from "../../db/schema/senders.ts";
import { formatLocalDay } from "../../lib/calendar/zones.ts";
import { DAY, type Instant } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";

type Row = typeof emailAccounts.$inferSelect;
type WarmupColumns = Pick<Row, "warmupStatus" | "warmupStartedAt" | "warmupPausedAt" | "dailyLimit" | "timezone">;

/** Mails allowed on the first day: a new mailbox that sends much at once looks like a spammer's. */
const FIRST_DAY_SENDS = 10;
/** Grows by a quarter a day, at least by five: 10, 15, 20, 25, 31, 38, 47, 58… It reaches 50 in a week and 10,000 in a month. */
const growVolume = (volume: number) => Math.max(volume + 5, Math.floor(volume * 1.25));

/** Gets the number of mails allowed on a day of the ramp, counted from 0; at most the daily limit. */
export function getRampVolume(day: number, dailyLimit: number): number {
  let volume = FIRST_DAY_SENDS;
  for (let passed = 0; passed < day && volume < dailyLimit; passed++) volume = growVolume(volume);
  return Math.min(volume, dailyLimit);
}

/** Counts the midnights between two times in the mailbox's zone. */
function daysBetween(zone: string, from: Instant, to: Instant): number {
  return (Date.parse(formatLocalDay(zone, to)) - Date.parse(formatLocalDay(zone, from))) / DAY;
}

/** Gets the current day of the ramp; while it is paused, the day on which it was paused. */
function getRampDay({ timezone, warmupStartedAt, warmupPausedAt }: WarmupColumns, now: Instant): number {
  return daysBetween(timezone, warmupStartedAt ?? now, warmupPausedAt ?? now);
}

interface Warmup {
  status: Row["warmupStatus"];
  /** Mails allowed today. */
  cap: number;
}

/**
 * Computes the status of a mailbox's warm-up. COMPLETED is derived and not stored: no job has to run when the ramp reaches
 * the daily limit, and the ramp goes on when the limit is raised later.
 */
export function getWarmup(box: WarmupColumns, now: Instant): Warmup {
  const { warmupStatus: status, dailyLimit } = box;
  if (status !== "WARMING" && status !== "PAUSED") return { status, cap: dailyLimit };
  const cap = getRampVolume(getRampDay(box, now), dailyLimit);
  return { status: status === "WARMING" && cap === dailyLimit ? "COMPLETED" : status, cap };
}

/** Returns a function from n to the day on which a mailbox can send its nth mail; both are counted from 0 (today). */
export function createSendDayLookup(box: WarmupColumns, now: Instant): (n: number) => number {
  const { status, cap } = getWarmup(box, now);
  if (status !== "WARMING") return (n) => Math.floor(n / cap);
  const { dailyLimit } = box;
  const sums: number[] = [];
  for (let day = getRampDay(box, now), sum = 0; getRampVolume(day, dailyLimit) < dailyLimit; day++) {
    sum += getRampVolume(day, dailyLimit);
    sums.push(sum);
  }
  const inRamp = sums.at(-1) ?? 0;
  return (n) => (n < inRamp ? sums.findIndex((sum) => n < sum) : sums.length + Math.floor((n - inRamp) / dailyLimit));
}

type WarmupAction = "START" | "PAUSE" | "RESUME" | "STOP";

type WarmupChange = Pick<Row, "warmupStatus" | "warmupStartedAt" | "warmupPausedAt">;

const ALLOWED_STATUSES: Record<WarmupAction, readonly Row["warmupStatus"][]> = {
  START: ["NOT_STARTED", "COMPLETED"],
  PAUSE: ["WARMING"],
  RESUME: ["PAUSED"],
  STOP: ["WARMING", "PAUSED", "COMPLETED"],
};

/** Builds the update for a warm-up action. @throws AppError CONFLICT when the current status does not allow it */
export function applyWarmupAction(box: WarmupColumns, action: WarmupAction, now: Instant): WarmupChange {
  const { status } = getWarmup(box, now);
  if (!ALLOWED_STATUSES[action].includes(status)) {
    throw new AppError(
      "CONFLICT",
      `warmup: ${action} requires the status ${ALLOWED_STATUSES[action].join(" or ")}; it is ${status}`,
    );
  }
  switch (action) {
    case "START":
      return { warmupStatus: "WARMING", warmupStartedAt: now, warmupPausedAt: null };
    case "PAUSE":
      return { warmupStatus: "PAUSED", warmupStartedAt: box.warmupStartedAt, warmupPausedAt: now };
    case "RESUME":
      // Moves the start, so that today is the day of the ramp on which it was paused.
      return { warmupStatus: "WARMING", warmupStartedAt: now - getRampDay(box, now) * DAY, warmupPausedAt: null };
    case "STOP":
      return { warmupStatus: "NOT_STARTED", warmupStartedAt: null, warmupPausedAt: null };
  }
}
