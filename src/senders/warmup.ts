import { localDay } from "../calendar/zones.ts";
import { DAY, type Instant } from "../clock.ts";
import type { emailAccounts } from "../db/schema/senders.ts";
import { Fault } from "../fault.ts";

type Row = typeof emailAccounts.$inferSelect;
type Warmable = Pick<Row, "warmupStatus" | "warmupStartedAt" | "warmupPausedAt" | "dailyLimit" | "timezone">;

/** A new mailbox that sends much at once looks like a spammer's: it begins with this many mails a day. */
const FIRST_DAY = 10;
/** And grows by a quarter a day, by five at least: 10, 15, 20, 25, 31, 38, 47, 58… 50 a day are reached in a week, 10,000 in a month. */
const nextDay = (volume: number) => Math.max(volume + 5, Math.floor(volume * 1.25));

/** How many mails may leave on a day of the ramp, the first being 0: never more than the daily limit. */
export function rampOn(day: number, dailyLimit: number): number {
  let volume = FIRST_DAY;
  for (let passed = 0; passed < day && volume < dailyLimit; passed++) volume = nextDay(volume);
  return Math.min(volume, dailyLimit);
}

/** How many midnights of the mailbox's zone lie between two moments. */
function daysBetween(zone: string, from: Instant, to: Instant): number {
  return (Date.parse(localDay(zone, to)) - Date.parse(localDay(zone, from))) / DAY;
}

/** The day of the ramp; a paused one stays where it was. */
function dayOf({ timezone, warmupStartedAt, warmupPausedAt }: Warmable, now: Instant): number {
  return daysBetween(timezone, warmupStartedAt ?? now, warmupPausedAt ?? now);
}

export interface Warmup {
  status: Row["warmupStatus"];
  /** How many mails may leave today. */
  cap: number;
}

/**
 * Where a mailbox's warm-up stands. That the ramp has reached the daily limit is seen, not written: nothing has to run at
 * the right moment, and a limit that is raised soon after is climbed to as well.
 */
export function warmupOf(box: Warmable, now: Instant): Warmup {
  const { warmupStatus: status, dailyLimit } = box;
  if (status !== "WARMING" && status !== "PAUSED") return { status, cap: dailyLimit };
  const cap = rampOn(dayOf(box, now), dailyLimit);
  return { status: status === "WARMING" && cap === dailyLimit ? "COMPLETED" : status, cap };
}

/** On which day from now, today being 0, a mailbox can send its nth mail, the first being 0. */
export function sendingDays(box: Warmable, now: Instant): (n: number) => number {
  const { status, cap } = warmupOf(box, now);
  if (status !== "WARMING") return (n) => Math.floor(n / cap);
  const { dailyLimit } = box;
  const sums: number[] = [];
  for (let day = dayOf(box, now), sum = 0; rampOn(day, dailyLimit) < dailyLimit; day++) {
    sum += rampOn(day, dailyLimit);
    sums.push(sum);
  }
  const inRamp = sums.at(-1) ?? 0;
  return (n) => (n < inRamp ? sums.findIndex((sum) => n < sum) : sums.length + Math.floor((n - inRamp) / dailyLimit));
}

export type WarmupOrder = "START" | "PAUSE" | "RESUME" | "STOP";

type WarmupChange = Pick<Row, "warmupStatus" | "warmupStartedAt" | "warmupPausedAt">;

const FROM: Record<WarmupOrder, readonly Row["warmupStatus"][]> = {
  START: ["NOT_STARTED", "COMPLETED"],
  PAUSE: ["WARMING"],
  RESUME: ["PAUSED"],
  STOP: ["WARMING", "PAUSED", "COMPLETED"],
};

/** What an order makes of a mailbox's warm-up. CONFLICT where it makes no sense. */
export function warmupAfter(box: Warmable, order: WarmupOrder, now: Instant): WarmupChange {
  const { status } = warmupOf(box, now);
  if (!FROM[order].includes(status)) {
    throw new Fault(
      "CONFLICT",
      `warmup: ${order} needs a warm-up that is ${FROM[order].join(" or ")}, it is ${status}`,
    );
  }
  switch (order) {
    case "START":
      return { warmupStatus: "WARMING", warmupStartedAt: now, warmupPausedAt: null };
    case "PAUSE":
      return { warmupStatus: "PAUSED", warmupStartedAt: box.warmupStartedAt, warmupPausedAt: now };
    case "RESUME":
      // As if it had begun that much later: today is the day of the ramp on which it was paused.
      return { warmupStatus: "WARMING", warmupStartedAt: now - dayOf(box, now) * DAY, warmupPausedAt: null };
    case "STOP":
      return { warmupStatus: "NOT_STARTED", warmupStartedAt: null, warmupPausedAt: null };
  }
}
