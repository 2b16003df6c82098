import type { Store } from "../../src/db/store.ts";
import type { LimitName } from "../../src/modules/limits/names.ts";
import { updateLimits } from "../../src/modules/limits/overrides.ts";

/** Sets limits as an admin would, of the platform or of one brand. */
export function setLimits(
  store: Store,
  limits: Partial<Record<LimitName, number | null>>,
  brandId: string | null = null,
): Promise<void> {
  return store.write((tx) => updateLimits(tx, { brandId, limits, changedBy: "test" }));
}
