import { and, asc, eq } from "drizzle-orm";
import { emailAccounts } from "../db/schema/brands.ts";
import { campaignSenders } from "../db/schema/campaigns.ts";
import type { Reader } from "../db/store.ts";

/** A mailbox that opens conversations, and how many a day it may. */
export interface OpeningSender {
  id: string;
  dailyLimit: number;
}

/** The mailboxes that open conversations of a campaign: the brand's own, switched on. */
export function openingSenders(read: Reader, campaign: { id: string; brandId: string }): Promise<OpeningSender[]> {
  return read
    .select({ id: emailAccounts.id, dailyLimit: emailAccounts.dailyLimit })
    .from(campaignSenders)
    .innerJoin(emailAccounts, eq(emailAccounts.id, campaignSenders.senderId))
    .where(
      and(
        eq(campaignSenders.campaignId, campaign.id),
        eq(emailAccounts.brandId, campaign.brandId),
        eq(emailAccounts.isActive, true),
      ),
    )
    .orderBy(asc(emailAccounts.id));
}
