import { and, asc, eq, inArray } from "drizzle-orm";
import { campaignSenders } from "../../db/schema/campaigns.ts";
import { emailAccounts } from "../../db/schema/senders.ts";
import type { Reader, Tx } from "../../db/store.ts";
import type { TenantScope } from "../../db/tenant-scope.ts";
import { AppError } from "../../lib/errors.ts";
import { reassignCampaign } from "../messages/reassign.ts";
import { replaceCampaignSenders } from "../senders/campaign-senders.ts";
import type { EmailAccountRow } from "../senders/email-accounts.ts";
import { lockCampaign } from "./campaigns.ts";

/** Lists the mailboxes a campaign sends from, without those that an admin has assigned to another brand. */
export async function listSenders(read: Reader, campaign: { id: string; brandId: string }): Promise<EmailAccountRow[]> {
  const rows = await read
    .select({ account: emailAccounts })
    .from(campaignSenders)
    .innerJoin(emailAccounts, eq(emailAccounts.id, campaignSenders.senderId))
    .where(and(eq(campaignSenders.campaignId, campaign.id), eq(emailAccounts.brandId, campaign.brandId)))
    .orderBy(asc(emailAccounts.id));
  return rows.map((row) => row.account);
}

/**
 * Replaces the mailboxes a campaign sends from; messages without a mailbox get one.
 * @throws AppError NOT_FOUND with the ids of mailboxes that are not of the brand
 */
export async function replaceSenders(
  tx: Tx,
  campaignId: string,
  scope: TenantScope,
  emailAccountIds: readonly string[],
): Promise<EmailAccountRow[]> {
  const campaign = await lockCampaign(tx, campaignId, scope);
  if (["COMPLETED", "CANCELLED", "ARCHIVED"].includes(campaign.status)) {
    throw new AppError("CONFLICT", `The campaign is ${campaign.status}: its senders cannot be changed`);
  }
  const wanted = [...new Set(emailAccountIds)];
  const own = await tx
    .select({ id: emailAccounts.id })
    .from(emailAccounts)
    .where(and(eq(emailAccounts.brandId, campaign.brandId), inArray(emailAccounts.id, wanted)));
  const found = new Set(own.map((row) => row.id));
  const unknownIds = wanted.filter((id) => !found.has(id));
  if (unknownIds.length > 0) {
    throw new AppError("NOT_FOUND", `These mailboxes were not found: ${unknownIds.slice(0, 20).join(", ")}`, {
      meta: { unknownIds },
    });
  }
  await replaceCampaignSenders(tx, campaignId, wanted);
  await reassignCampaign(tx, campaignId);
  return listSenders(tx, campaign);
}
