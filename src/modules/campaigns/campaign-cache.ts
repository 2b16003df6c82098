import { inArray } from "drizzle-orm";
import { campaignSteps, campaigns } from "../../db/schema/campaigns.ts";
import type { Reader } from "../../db/store.ts";

export type Campaign = typeof campaigns.$inferSelect;
export type Step = typeof campaignSteps.$inferSelect;

/** Campaigns with their steps, as loaded in one transaction. */
export interface CampaignCache {
  campaigns: Map<string, Campaign>;
  /** Steps by `<campaign id> <stage>`. */
  steps: Map<string, Step>;
}

export const emptyCampaignCache = (): CampaignCache => ({ campaigns: new Map(), steps: new Map() });

/**
 * Loads the campaigns that are not in the cache. The engine works in slices, and most of their messages belong to the same
 * campaigns, which are loaded once a transaction and not once a slice.
 */
export async function loadCampaigns(read: Reader, known: CampaignCache, campaignIds: Iterable<string>): Promise<void> {
  const ids = [...new Set(campaignIds)].filter((id) => !known.campaigns.has(id));
  if (ids.length === 0) return;
  const [campaignRows, stepRows] = await Promise.all([
    read.select().from(campaigns).where(inArray(campaigns.id, ids)),
    read.select().from(campaignSteps).where(inArray(campaignSteps.campaignId, ids)),
  ]);
  for (const row of campaignRows) known.campaigns.set(row.id, row);
  for (const row of stepRows) known.steps.set(`${row.campaignId} ${row.stage}`, row);
}
