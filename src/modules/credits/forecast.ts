import { sql } from "drizzle-orm";
import { yieldToEventLoop } from "../../db/slices.ts";
import { idTable } from "../../db/sql.ts";
import type { Reader, Tx } from "../../db/store.ts";
import { DAY, type Instant } from "../../lib/clock.ts";
import { countUnits } from "./units.ts";
import { getWeights, type Weights } from "./weights.ts";

/** The credits that a brand needs in the next week, and whether it has them. Thousandths. */
export interface Forecast {
  available: number;
  neededNext7Days: number;
  /** Time when the credits run out at this pace; null when they last the week. */
  runsOutAt: Instant | null;
}

const WEEK_DAYS = 7;

interface StageRow {
  brand_id: string;
  campaign_id: string;
  stage: number;
  channel: "EMAIL" | "SMS" | "VOICEMAIL";
  body: string;
  delay: number;
  waiting: unknown;
  reserved: unknown;
  /** The sum of the daily limits of the campaign's mailboxes. */
  daily: unknown;
}

/**
 * Forecasts the cost of the running campaigns of brands for a week, assuming no replies: openings and follow-ups without a
 * hold, from the message counters, at today's prices and within the daily limits of the mailboxes. Brands without a running
 * campaign need nothing.
 *
 * Reads tables of campaigns, messages and senders, but writes none: one statement for a page of brands replaces several
 * queries for each of them, and those modules build on credits, so they cannot be called from here.
 */
async function forecastCredits(
  read: Reader,
  now: Instant,
  brandIds: readonly string[],
): Promise<Map<string, Forecast>> {
  const found = new Map<string, Forecast>();
  if (brandIds.length === 0) return found;
  const ids = idTable("n", brandIds);
  const accounts = await read.all<{
    id: string;
    available: unknown;
  }>(sql`select n.id, (select sum(l.remaining) from credit_lots l
      where l.brand_id = n.id and l.remaining > 0 and (l.expires_at is null or l.expires_at > ${now})) as available from ${ids}`);
  const weights = await getWeights(read);
  const stages =
    await read.all<StageRow>(sql`select c.brand_id, c.id as campaign_id, s.stage, s.channel, s.body, s.delay,
      (select sum(k.count) from message_counts k where k.campaign_id = c.id and k.stage = s.stage
        and k.status in ('PENDING', 'SENDING', 'UNKNOWN')) as waiting,
      (select sum(r.reserved) from campaign_credits r where r.campaign_id = c.id) as reserved,
      (select sum(e.daily_limit) from campaign_senders cs join email_accounts e on e.id = cs.sender_id
        where cs.campaign_id = c.id and e.is_active) as daily
    from ${ids} cross join campaigns c cross join campaign_steps s
    where c.brand_id = n.id and s.campaign_id = c.id and (c.status in ('SCHEDULED', 'RUNNING')
      or (c.status = 'AUTO_PAUSED' and c.status_reason = 'NO_CREDITS'))
    order by c.brand_id, c.id, s.stage`);
  const byBrand = Map.groupBy(stages, (row) => row.brand_id);
  for (const { id, available } of accounts) {
    const days = costOfDays(byBrand.get(id) ?? [], weights);
    found.set(id, toForecast(Number(available ?? 0), days, now));
  }
  return found;
}

/** Computes the cost of each of the next days. */
function costOfDays(stages: readonly StageRow[], weights: Weights): number[] {
  const days = Array.from({ length: WEEK_DAYS }, () => 0);
  const charge = (day: number, cost: number) => {
    if (day < WEEK_DAYS) days[day] = (days[day] ?? 0) + cost;
  };
  for (const [, steps] of Map.groupBy(stages, (row) => row.campaign_id)) {
    const price = (step: StageRow) => Math.round(countUnits(step) * weights[step.channel]);
    const waits = (step: StageRow) => Number(step.waiting ?? 0);
    const unpaid = steps.reduce((sum, step) => sum + waits(step) * price(step), 0) - Number(steps[0]?.reserved ?? 0);
    charge(0, Math.max(0, unpaid));
    for (const [index, first] of steps.entries()) {
      let after = 0;
      const daily = first.channel === "EMAIL" && first.stage === 0 ? Number(first.daily ?? 0) : 0;
      for (const next of steps.slice(index + 1)) {
        after += next.delay;
        let left = waits(first);
        // Messages of this stage are sent day by day; the next stage is due its delay later.
        for (let day = 0; day < WEEK_DAYS && left > 0; day++) {
          const leaving = daily > 0 ? Math.min(left, daily) : left;
          left -= leaving;
          charge(day + Math.floor(after / DAY), leaving * price(next));
        }
      }
    }
  }
  return days;
}

function toForecast(available: number, days: readonly number[], now: Instant): Forecast {
  let sum = 0;
  let runsOutAt: Instant | null = null;
  for (const [day, cost] of days.entries()) {
    sum += cost;
    if (sum > available) runsOutAt ??= now + day * DAY;
  }
  return { available, neededNext7Days: sum, runsOutAt };
}

/** Returns the forecast of a brand whose credits will not last the week; null for others. */
export async function findShortfall(read: Reader, now: Instant, brandId: string): Promise<Forecast | null> {
  const forecast = (await forecastCredits(read, now, [brandId])).get(brandId);
  return forecast && forecast.runsOutAt !== null ? forecast : null;
}

const BRANDS_PER_PAGE = 500;

/** Records for which brands credits have become too few, or enough again. Returns those that newly have too few, each once. */
export async function updateLowBalances(tx: Tx): Promise<{ brandId: string; forecast: Forecast }[]> {
  const newlyLow: { brandId: string; forecast: Forecast }[] = [];
  for (let after = ""; ; ) {
    const brands = await tx.all<{ id: string; low: Instant | null }>(sql`select a.brand_id as id, a.low_since as low
      from credit_accounts a where a.brand_id > ${after} and (a.low_since is not null or exists (select 1 from campaigns c
        where c.brand_id = a.brand_id and c.status in ('SCHEDULED', 'RUNNING', 'AUTO_PAUSED')))
      order by a.brand_id limit ${BRANDS_PER_PAGE}`);
    const last = brands.at(-1);
    if (!last) return newlyLow;
    after = last.id;
    await yieldToEventLoop();
    const known = await forecastCredits(
      tx,
      tx.now,
      brands.map(({ id }) => id),
    );
    for (const { id, low } of brands) {
      const forecast = known.get(id);
      const isLow = forecast !== undefined && forecast.runsOutAt !== null;
      if (isLow === (low !== null)) continue;
      const since = isLow ? tx.now : null;
      // The condition is part of the update, so that only one of two replicas warns.
      const crossed = await tx.all<{ id: string }>(sql`update credit_accounts set low_since = ${since}
        where brand_id = ${id} and low_since ${isLow ? sql`is null` : sql`is not null`} returning brand_id as id`);
      if (crossed.length > 0 && isLow) newlyLow.push({ brandId: id, forecast });
    }
  }
}
