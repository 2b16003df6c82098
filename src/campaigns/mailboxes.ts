import { and, asc, eq, isNotNull } from "drizzle-orm";
import { campaignSenders } from "../db/schema/campaigns.ts";
import { emailAccounts } from "../db/schema/senders.ts";
import type { Tx } from "../db/store.ts";
import { sendingDays } from "../senders/warmup.ts";

/** A mailbox that opens conversations. */
export interface OpeningSender {
  id: string;
  /** On which day, today being 0, its daily cap lets its nth message leave. */
  dayOf: (n: number) => number;
}

/** The mailboxes that open conversations of a campaign: the brand's own, proved and switched on. */
export async function openingSenders(tx: Tx, campaign: { id: string; brandId: string }): Promise<OpeningSender[]> {
  const rows = await tx
    .select({ box: emailAccounts })
    .from(campaignSenders)
    .innerJoin(emailAccounts, eq(emailAccounts.id, campaignSenders.senderId))
    .where(
      and(
        eq(campaignSenders.campaignId, campaign.id),
        eq(emailAccounts.brandId, campaign.brandId),
        eq(emailAccounts.isActive, true),
        isNotNull(emailAccounts.provedAt),
      ),
    )
    .orderBy(asc(emailAccounts.id));
  return rows.map(({ box }) => ({ id: box.id, dayOf: sendingDays(box, tx.now) }));
}
