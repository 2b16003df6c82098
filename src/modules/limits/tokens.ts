import { sql } from "drizzle-orm";
import type { Tx } from "../../db/store.ts";
import { DAY, type Instant } from "../../lib/clock.ts";
import type { Rate } from "./bucket.ts";
import type { LimitName } from "./names.ts";

/** The result of a request for tokens. */
export interface Lease {
  granted: boolean;
  /** Milliseconds until they are available; 0 when they were granted. */
  waitMs: number;
  /** Tokens left in the shared bucket. */
  left: number;
}

/**
 * Takes tokens out of a bucket that all processes share, by one conditional statement: of two concurrent requests for the last
 * ones one succeeds. The bucket is stored as the time when it is full again (GCRA, ATM Forum TM 4.0).
 */
export async function leaseTokens(
  tx: Tx,
  subject: string,
  name: LimitName,
  { quota, windowMs }: Rate,
  tokens: number,
): Promise<Lease> {
  const { now } = tx;
  const cost = Math.ceil((tokens * windowMs) / quota);
  const latest = now + windowMs;
  // More than the bucket holds is never granted: the condition below does not apply to the first row.
  if (cost > windowMs) return { granted: false, waitMs: windowMs, left: quota };
  // A time beyond a full window comes from a process whose clock is ahead, or from a smaller limit.
  const from = sql`case when token_buckets.full_at < ${now} then ${now} when token_buckets.full_at > ${latest} then ${latest} else token_buckets.full_at end`;
  const [row] = await tx.all<{ full_at: unknown }>(sql`insert into token_buckets (subject, name, full_at)
    values (${subject}, ${name}, ${now + cost}) on conflict (subject, name) do update set full_at = ${from} + ${cost}
    where ${from} + ${cost} <= ${latest} returning full_at`);
  const left = (fullAt: Instant) => Math.max(0, Math.floor(((latest - fullAt) * quota) / windowMs));
  if (row) return { granted: true, waitMs: 0, left: left(Number(row.full_at)) };
  const [held] = await tx.all<{ full_at: unknown }>(
    sql`select full_at from token_buckets where subject = ${subject} and name = ${name}`,
  );
  const fullAt = Math.min(Number(held?.full_at ?? latest), latest);
  return { granted: false, waitMs: Math.max(1, fullAt + cost - latest), left: left(fullAt) };
}

/** Returns tokens to the shared bucket. */
export async function returnTokens(
  tx: Tx,
  subject: string,
  name: LimitName,
  { quota, windowMs }: Rate,
  tokens: number,
) {
  const worth = Math.ceil((tokens * windowMs) / quota);
  await tx.all(
    sql`update token_buckets set full_at = full_at - ${worth} where subject = ${subject} and name = ${name}`,
  );
}

const startOfDay = (now: Instant) => now - (now % DAY);

/** Counts one of today (UTC); returns false, and counts nothing, when the limit is reached. */
export async function countToday(tx: Tx, subject: string, name: LimitName, limit: number): Promise<boolean> {
  if (limit < 1) return false;
  const rows = await tx.all(sql`insert into daily_counts (subject, name, day, used)
    values (${subject}, ${name}, ${startOfDay(tx.now)}, ${1}) on conflict (subject, name, day)
    do update set used = daily_counts.used + 1 where daily_counts.used + 1 <= ${limit} returning used`);
  return rows.length > 0;
}

/** Subtracts one that was counted at `at`. */
export async function uncountToday(tx: Tx, subject: string, name: LimitName, at: Instant): Promise<void> {
  await tx.all(sql`update daily_counts set used = used - 1
    where subject = ${subject} and name = ${name} and day = ${startOfDay(at)} and used > 0`);
}

export function msUntilTomorrow(now: Instant): number {
  return startOfDay(now) + DAY - now;
}

/** Deletes full buckets and counts of past days, for a daily job; returns how many there were. */
export async function purgeCounts(tx: Tx): Promise<number> {
  const full = await tx.all(sql`delete from token_buckets where full_at < ${tx.now} returning subject`);
  const over = await tx.all(sql`delete from daily_counts where day < ${startOfDay(tx.now) - DAY} returning subject`);
  return full.length + over.length;
}
