import { eq } from "drizzle-orm";
import { campaignSenders } from "../../db/schema/campaigns.ts";
import type { Tx } from "../../db/store.ts";

/** Replaces the mailboxes that a campaign sends from. */
export async function replaceCampaignSenders(tx: Tx, campaignId: string, senderIds: readonly string[]): Promise<void> {
  await tx.delete(campaignSenders).where(eq(campaignSenders.campaignId, campaignId));
  if (senderIds.length === 0) return;
  await tx.insert(campaignSenders).values(senderIds.map((senderId) => ({ campaignId, senderId })));
}

/** Takes a mailbox out of all campaigns. */
export async function deleteFromCampaigns(tx: Tx, senderId: string): Promise<void> {
  await tx.delete(campaignSenders).where(eq(campaignSenders.senderId, senderId));
}
