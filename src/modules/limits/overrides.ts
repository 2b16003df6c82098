import { and, eq, inArray } from "drizzle-orm";
import { brands } from "../../db/schema/brands.ts";
import { limitOverrides } from "../../db/schema/limits.ts";
import type { Reader, Tx } from "../../db/store.ts";
import type { Instant } from "../../lib/clock.ts";
import { invalid, notFound } from "../../lib/errors.ts";
import {
  DEFAULT_LIMITS,
  isLimitName,
  LIMIT_BOUNDS,
  LIMIT_NAMES,
  LIMITS,
  type LimitName,
  type Limits,
} from "./names.ts";

/** Scope of limits of the platform, which also apply to each brand without a value of its own. */
export const PLATFORM = "platform";

export type Override = typeof limitOverrides.$inferSelect;

/** Lists the values that admins set for these scopes, or all of them. */
export async function listOverrides(read: Reader, scopes?: readonly string[]): Promise<Override[]> {
  const wanted = scopes === undefined ? undefined : inArray(limitOverrides.scope, [...scopes]);
  return read.select().from(limitOverrides).where(wanted);
}

/** Returns the limits of one brand: its own values, then the platform's, then the defaults. */
export function mergeLimits(overrides: readonly Override[], brandId: string | null): Limits {
  const limits = { ...DEFAULT_LIMITS };
  for (const scope of [PLATFORM, brandId]) {
    for (const { scope: own, name, value } of overrides) {
      if (own === scope && value !== null && isLimitName(name)) limits[name] = value;
    }
  }
  return limits;
}

/** Returns one limit of a brand, as this transaction sees it. */
export async function getLimit(read: Reader, brandId: string | null, name: LimitName): Promise<number> {
  const scopes = brandId === null ? [PLATFORM] : [PLATFORM, brandId];
  const found = await read
    .select()
    .from(limitOverrides)
    .where(and(inArray(limitOverrides.scope, scopes), eq(limitOverrides.name, name)));
  return mergeLimits(found, brandId)[name];
}

/**
 * Sets limits of a brand, or of the platform where `brandId` is null; a value of null sets the default again.
 * @throws AppError INVALID for an unknown name or a value out of bounds, NOT_FOUND for a missing brand
 */
export async function updateLimits(
  tx: Tx,
  change: { brandId: string | null; limits: Record<string, number | null>; changedBy: string },
): Promise<void> {
  const { brandId, changedBy } = change;
  if (brandId !== null) {
    const [brand] = await tx.select({ id: brands.id }).from(brands).where(eq(brands.id, brandId));
    if (!brand) throw notFound("brand", brandId);
  }
  const changedAt: Instant = tx.now;
  for (const [name, value] of Object.entries(change.limits)) {
    checkOverride(name, value, brandId);
    const row = { scope: brandId ?? PLATFORM, name, value, changedBy, changedAt };
    await tx
      .insert(limitOverrides)
      .values(row)
      .onConflictDoUpdate({
        target: [limitOverrides.scope, limitOverrides.name],
        set: { value, changedBy, changedAt },
      });
  }
}

function checkOverride(name: string, value: number | null, brandId: string | null): void {
  if (!isLimitName(name)) throw invalid(`limits.${name}`, `expected one of ${LIMIT_NAMES.join(", ")}`);
  const { kind, per } = LIMITS[name];
  if (brandId !== null && per !== "brand") {
    throw invalid(`limits.${name}`, "is a limit of the platform: leave out brandId to change it");
  }
  const { least, most } = LIMIT_BOUNDS[kind];
  if (value !== null && !(Number.isInteger(value) && value >= least && value <= most)) {
    throw invalid(`limits.${name}`, `expected a whole number from ${least} to ${most}, or null for the default`);
  }
}
