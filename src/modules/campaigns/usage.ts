import { eq, sql } from "drizzle-orm";
import { campaignSteps } from "../../db/schema/campaigns.ts";
import { conversations } from "../../db/schema/conversations.ts";
import { importJobs } from "../../db/schema/imports.ts";
import type { Tx } from "../../db/store.ts";
import { CONVERSATION_ROW_BYTES, stepBytes, sum } from "../limits/bytes.ts";
import { releaseUsage } from "../limits/usage.ts";

/** Subtracts a campaign from the usage of its brand. Call it before its rows are deleted. */
export async function releaseCampaignUsage(tx: Tx, { id, brandId }: { id: string; brandId: string }): Promise<void> {
  const steps = await tx.select().from(campaignSteps).where(eq(campaignSteps.campaignId, id));
  const members = Number(await tx.$count(conversations, eq(conversations.campaignId, id)));
  const [results] = await tx
    .select({ bytes: sql<unknown>`coalesce(sum(${importJobs.resultBytes}), 0)` })
    .from(importJobs)
    .where(eq(importJobs.campaignId, id));
  await releaseUsage(tx, brandId, "campaigns", 1);
  const bytes = sum(steps, stepBytes) + members * CONVERSATION_ROW_BYTES + Number(results?.bytes ?? 0);
  await releaseUsage(tx, brandId, "storedBytes", bytes);
}
