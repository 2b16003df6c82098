import type { Reader } from "../../db/store.ts";
import { iso } from "../../lib/clock.ts";
import type { AdminLimits } from "./model.ts";
import { DEFAULT_LIMITS, LIMIT_NAMES, LIMITS, type LimitName } from "./names.ts";
import { listOverrides, mergeLimits, type Override, PLATFORM } from "./overrides.ts";
import { getUsage } from "./usage.ts";

type Listed = AdminLimits["limits"][number];

/** Lists every limit of a brand, or of the platform for null, with its usage. */
export async function reportLimits(read: Reader, brandId: string | null): Promise<Listed[]> {
  const overrides = await listOverrides(read, brandId === null ? [PLATFORM] : [PLATFORM, brandId]);
  const limits = mergeLimits(overrides, brandId);
  const [ofBrand, ofPlatform] = [
    brandId === null ? null : await getUsage(read, brandId),
    await getUsage(read, PLATFORM),
  ];
  return LIMIT_NAMES.map((name): Listed => {
    const { description, kind, unit, windowSeconds, per } = LIMITS[name];
    const counters = per === "platform" ? ofPlatform : per === "brand" ? ofBrand : null;
    const isCounted = kind === "quota" || (kind === "concurrent" && name !== "costlyAtOnce");
    const used = isCounted && counters !== null ? (counters[name] ?? 0) : null;
    return {
      name,
      description,
      kind,
      unit,
      windowSeconds,
      limit: limits[name],
      used,
      remaining: used === null ? null : Math.max(0, limits[name] - used),
      default: DEFAULT_LIMITS[name],
      ...getLatestChange(overrides, name, brandId),
    };
  });
}

function getLatestChange(overrides: readonly Override[], name: LimitName, brandId: string | null) {
  const find = (scope: string | null) => overrides.find((row) => row.scope === scope && row.name === name);
  const [own, platform] = [find(brandId), find(PLATFORM)];
  const latest = own ?? platform;
  return {
    platformValue: platform?.value ?? null,
    brandValue: own?.scope === PLATFORM ? null : (own?.value ?? null),
    changedBy: latest?.changedBy ?? null,
    changedAt: latest ? iso(latest.changedAt) : null,
  };
}
