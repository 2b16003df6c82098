import { sql } from "drizzle-orm";
import type { Reader, Tx } from "../../db/store.ts";
import { AppError } from "../../lib/errors.ts";
import { LIMITS, type LimitName } from "./names.ts";
import { getLimit } from "./overrides.ts";

// Counters of stored rows and bytes, updated by one conditional statement in the transaction that adds or deletes the rows, like
// credits: no request counts rows, and two requests cannot both take the last one of a quota.

/** Adds to a counter unless it would exceed `limit`; returns false, and changes nothing, when it would. */
export async function reserveUsage(
  tx: Tx,
  scope: string,
  name: LimitName,
  amount: number,
  limit: number,
): Promise<boolean> {
  if (amount <= 0) return true;
  if (amount > limit) return false;
  const rows = await tx.all(sql`insert into usage_counts (scope, name, used) values (${scope}, ${name}, ${amount})
    on conflict (scope, name) do update set used = usage_counts.used + excluded.used
    where usage_counts.used + excluded.used <= ${limit} returning used`);
  return rows.length > 0;
}

/** Adds to a counter regardless of its limit, for rows that follow from an operation that was allowed already. */
export async function addUsage(tx: Tx, scope: string, name: LimitName, amount: number): Promise<void> {
  if (amount < 0) return releaseUsage(tx, scope, name, -amount);
  if (amount === 0) return;
  await tx.all(sql`insert into usage_counts (scope, name, used) values (${scope}, ${name}, ${amount})
    on conflict (scope, name) do update set used = usage_counts.used + excluded.used`);
}

/** Subtracts from a counter, never below zero. */
export async function releaseUsage(tx: Tx, scope: string, name: LimitName, amount: number): Promise<void> {
  if (amount <= 0) return;
  await tx.all(sql`update usage_counts set used = case when used > ${amount} then used - ${amount} else 0 end
    where scope = ${scope} and name = ${name}`);
}

/** Reserves an amount under the limit of a brand. @throws AppError CONFLICT that names the limit when it is reached */
export async function reserveQuota(tx: Tx, brandId: string, name: LimitName, amount = 1): Promise<void> {
  const limit = await getLimit(tx, brandId, name);
  if (!(await reserveUsage(tx, brandId, name, amount, limit))) throw quotaReached(name, limit);
}

/** A limit, and the amount that is left of it. */
export interface RemainingQuota {
  limit: number;
  left: number;
}

/** Returns the remaining amount of a brand's quota in this transaction. */
export async function getRemainingQuota(read: Reader, brandId: string, name: LimitName): Promise<RemainingQuota> {
  const limit = await getLimit(read, brandId, name);
  return { limit, left: Math.max(0, limit - ((await getUsage(read, brandId))[name] ?? 0)) };
}

/** Returns the usage of a scope by limit. */
export async function getUsage(read: Reader, scope: string): Promise<Partial<Record<LimitName, number>>> {
  const rows = await read.all<{ name: LimitName; used: unknown }>(
    sql`select name, used from usage_counts where scope = ${scope}`,
  );
  return Object.fromEntries(rows.map(({ name, used }) => [name, Number(used)]));
}

/** Deletes usage and limits of a brand, with the brand. */
export async function deleteUsage(tx: Tx, brandId: string): Promise<void> {
  await tx.all(sql`delete from usage_counts where scope = ${brandId}`);
  await tx.all(sql`delete from limit_overrides where scope = ${brandId}`);
}

export function quotaMessage(name: LimitName, limit: number): string {
  const { description, unit } = LIMITS[name];
  const amount = unit === "bytes" ? `${limit} bytes` : String(limit);
  return `The limit ${name} is reached: ${amount} (${description}). Delete some, or ask an admin for more`;
}

export function quotaReached(name: LimitName, limit: number): AppError {
  return new AppError("CONFLICT", quotaMessage(name, limit), { meta: { limit: { name, value: limit } } });
}
