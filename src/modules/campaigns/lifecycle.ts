import { and, asc, eq, inArray } from "drizzle-orm";
import { campaignSteps, campaigns } from "../../db/schema/campaigns.ts";
import { campaignCredits } from "../../db/schema/credits.ts";
import type { Reader, Tx } from "../../db/store.ts";
import { inScope, type TenantScope } from "../../db/tenant-scope.ts";
import { AppError, notFound } from "../../lib/errors.ts";
import { spendableCredits } from "../credits/ledger.ts";
import { cancelCampaign } from "../messages/cancel.ts";
import { releaseCampaignMessages } from "../messages/messages.ts";
import { scheduleInitialMessages } from "./initial-messages.ts";
import { listInitialSenders } from "./initial-senders.ts";
import { computeLaunchCost, insufficientCredits, isUnderfunded, type LaunchCost } from "./launch-cost.ts";

type Campaign = typeof campaigns.$inferSelect;
type Status = Campaign["status"];

/** Returns the campaign with this id. @throws AppError NOT_FOUND unless it lies in the scope */
export async function getCampaign(read: Reader, id: string, scope: TenantScope): Promise<Campaign> {
  const [row] = await read
    .select()
    .from(campaigns)
    .where(and(eq(campaigns.id, id), inScope(scope, campaigns.brandId)));
  if (!row) throw notFound("campaign", id);
  return row;
}

/** Changes the status from one of `from` to `to`. The condition is part of the update: of two callers one wins. @throws AppError CONFLICT */
async function transition(
  tx: Tx,
  campaign: Campaign,
  from: readonly Status[],
  to: Status,
  reason: string | null = null,
): Promise<Campaign> {
  const [row] = await tx
    .update(campaigns)
    .set({
      status: to,
      statusReason: reason,
      updatedAt: tx.now,
      ...(to === "COMPLETED" ? { completedAt: tx.now } : {}),
    })
    .where(and(eq(campaigns.id, campaign.id), inArray(campaigns.status, [...from])))
    .returning();
  if (!row) throw new AppError("CONFLICT", `The campaign is ${campaign.status}; this needs ${from.join(" or ")}`);
  return row;
}

/**
 * Launches a campaign: the first message of every contact becomes PENDING and its credits are held, in one transaction.
 * @param confirmContacts the number of contacts that the caller expects
 * @throws AppError CONFLICT for another number; INSUFFICIENT_CREDITS, with what is missing, when the first stage cannot be paid
 */
export async function launch(
  tx: Tx,
  campaign: Campaign,
  confirmContacts: number,
): Promise<{ cost: LaunchCost; firstSendAt: number | null }> {
  // First, because it locks the rows that the cost is computed from.
  const available = await spendableCredits(tx, campaign.brandId);
  const cost = { ...(await computeLaunchCost(tx, campaign)), available };
  if (cost.creditType === null)
    throw new AppError("CONFLICT", "The campaign has no steps yet: PUT /api/campaigns/:id/steps first");
  if (cost.contacts !== confirmContacts) {
    throw new AppError("CONFLICT", `The campaign would write to ${cost.contacts} contacts, not ${confirmContacts}`, {
      meta: { contacts: cost.contacts },
    });
  }
  if (cost.contacts === 0) throw new AppError("CONFLICT", "The campaign has no contacts yet");
  if (isUnderfunded(cost)) throw insufficientCredits(cost);
  const senders = await listInitialSenders(tx, campaign);
  const steps = await tx
    .select()
    .from(campaignSteps)
    .where(eq(campaignSteps.campaignId, campaign.id))
    .orderBy(asc(campaignSteps.stage));
  if (senders.length === 0 && steps.some((step) => step.channel === "EMAIL")) {
    throw new AppError("CONFLICT", "The campaign has no mailbox to send from: PUT /api/campaigns/:id/senders first");
  }
  const later = campaign.startAt !== null && campaign.startAt > tx.now;
  const launched = await transition(tx, campaign, ["DRAFT"], later ? "SCHEDULED" : "RUNNING");
  await tx.update(campaigns).set({ launchedAt: tx.now }).where(eq(campaigns.id, campaign.id));
  return { cost, firstSendAt: await scheduleInitialMessages(tx, launched) };
}

export function pause(tx: Tx, campaign: Campaign, reason: string | null): Promise<Campaign> {
  return transition(tx, campaign, ["SCHEDULED", "RUNNING", "AUTO_PAUSED"], "PAUSED", reason);
}

/** Resumes a campaign: its pending messages are due at their scheduled time, or now. */
export async function resume(tx: Tx, campaign: Campaign): Promise<Campaign> {
  const later = campaign.startAt !== null && campaign.startAt > tx.now;
  const resumed = await transition(tx, campaign, ["PAUSED", "AUTO_PAUSED"], later ? "SCHEDULED" : "RUNNING");
  await releaseCampaignMessages(tx, campaign.id);
  return resumed;
}

/** Cancels a campaign permanently: its pending messages are cancelled and their credits released. */
export async function cancel(
  tx: Tx,
  campaign: Campaign,
  reason: string | null,
): Promise<{ creditReleased: number; cancelledMessages: number }> {
  const before = await countReleasedCredits(tx, campaign.id);
  await transition(tx, campaign, ["DRAFT", "SCHEDULED", "RUNNING", "PAUSED", "AUTO_PAUSED"], "CANCELLED", reason);
  const cancelledMessages = await cancelCampaign(tx, campaign.id, "CAMPAIGN_STOPPED");
  return { cancelledMessages, creditReleased: (await countReleasedCredits(tx, campaign.id)) - before };
}

async function countReleasedCredits(read: Reader, campaignId: string): Promise<number> {
  const rows = await read
    .select({ released: campaignCredits.released })
    .from(campaignCredits)
    .where(eq(campaignCredits.campaignId, campaignId));
  return rows.reduce((total, row) => total + row.released, 0);
}

/** Hides a completed or cancelled campaign from lists. */
export function archive(tx: Tx, campaign: Campaign): Promise<Campaign> {
  return transition(tx, campaign, ["COMPLETED", "CANCELLED"], "ARCHIVED");
}
