import { and, asc, eq, isNotNull } from "drizzle-orm";
import { campaignSenders } from "../../db/schema/campaigns.ts";
import { emailAccounts } from "../../db/schema/senders.ts";
import type { Tx } from "../../db/store.ts";
import { createSendDayLookup } from "../senders/warmup.ts";

/** A mailbox that sends first messages. */
export interface InitialSender {
  id: string;
  /** Returns the day, today being 0, on which the daily limit allows the nth message. */
  dayOf: (n: number) => number;
}

/** Lists the mailboxes that send the first messages of a campaign: verified, active, and of its brand. */
export async function listInitialSenders(tx: Tx, campaign: { id: string; brandId: string }): Promise<InitialSender[]> {
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
  return rows.map(({ box }) => ({ id: box.id, dayOf: createSendDayLookup(box, tx.now) }));
}
