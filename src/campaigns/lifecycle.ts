import { and, asc, count, eq, inArray, sql } from "drizzle-orm";
import { toCredits } from "../credits/amounts.ts";
import { availableCredits, spendableCredits } from "../credits/ledger.ts";
import type { CreditType } from "../credits/model.ts";
import { readWeights } from "../credits/weights.ts";
import { campaignSteps, campaigns, conversations } from "../db/schema/campaigns.ts";
import { campaignCredits } from "../db/schema/messages.ts";
import type { Reader, Tx } from "../db/store.ts";
import { Fault, notFound } from "../fault.ts";
import { cancelCampaign, unparkCampaign } from "../messages/messages.ts";
import { NEVER } from "../messages/model.ts";
import { openingSenders } from "./mailboxes.ts";
import { openAll } from "./opening.ts";
import { unitsOf } from "./schedule.ts";

type Campaign = typeof campaigns.$inferSelect;
type Status = Campaign["status"];

/** A brand's campaign; NOT_FOUND for another's. `brandId` null means any (an admin). */
export async function campaignOf(read: Reader, id: string, brandId: string | null): Promise<Campaign> {
  const [row] = await read
    .select()
    .from(campaigns)
    .where(and(eq(campaigns.id, id), brandId === null ? undefined : eq(campaigns.brandId, brandId)));
  if (!row) throw notFound("campaign", id);
  return row;
}

/** Takes a campaign from one of `from` to `to`, or says why not. The condition stands in the update: of two callers one wins. */
async function turn(
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
  if (!row) throw new Fault("CONFLICT", `The campaign is ${campaign.status}; this needs ${from.join(" or ")}`);
  return row;
}

export interface LaunchCost {
  contacts: number;
  creditType: CreditType;
  /** Thousandths. */
  needed: number;
  available: number;
}

/** What the opening stage costs at today's prices, and what is there to pay it. */
export async function launchCost(read: Reader, campaign: Campaign): Promise<LaunchCost> {
  const [opening] = await read
    .select()
    .from(campaignSteps)
    .where(and(eq(campaignSteps.campaignId, campaign.id), eq(campaignSteps.stage, 0)));
  if (!opening) throw new Fault("CONFLICT", "The campaign has no steps yet: PUT /api/campaigns/:id/steps first");
  const [queued] = await read
    .select({ contacts: count() })
    .from(conversations)
    .where(and(eq(conversations.campaignId, campaign.id), eq(conversations.status, "QUEUED")));
  const contacts = queued?.contacts ?? 0;
  const price = Math.round(unitsOf(opening) * (await readWeights(read))[opening.channel]);
  return {
    contacts,
    creditType: opening.channel,
    needed: contacts * price,
    available: await availableCredits(read, campaign.brandId),
  };
}

/**
 * Starts a campaign: the opening message of every contact becomes PENDING and its credits are held, in one transaction.
 * `confirmContacts` is how many people the caller believes to be writing to; CONFLICT when it is another number.
 * INSUFFICIENT_CREDITS, with what is missing, when the opening stage cannot be paid; nothing has happened then.
 */
export async function launch(
  tx: Tx,
  campaign: Campaign,
  confirmContacts: number,
): Promise<{ creditReserved: number; firstSendAt: number | null }> {
  const cost = { ...(await launchCost(tx, campaign)), available: await spendableCredits(tx, campaign.brandId) };
  if (cost.contacts !== confirmContacts) {
    throw new Fault("CONFLICT", `The campaign would write to ${cost.contacts} contacts, not ${confirmContacts}`, {
      facts: { contacts: cost.contacts },
    });
  }
  if (cost.contacts === 0) throw new Fault("CONFLICT", "The campaign has no contacts yet");
  if (cost.needed > cost.available) throw shortOf(cost);
  const senders = await openingSenders(tx, campaign);
  const steps = await tx
    .select()
    .from(campaignSteps)
    .where(eq(campaignSteps.campaignId, campaign.id))
    .orderBy(asc(campaignSteps.stage));
  if (senders.length === 0 && steps.some((step) => step.channel === "EMAIL")) {
    throw new Fault("CONFLICT", "The campaign has no mailbox to send from: PUT /api/campaigns/:id/senders first");
  }
  const later = campaign.startAt !== null && campaign.startAt > tx.now;
  const launched = await turn(tx, campaign, ["DRAFT"], later ? "SCHEDULED" : "RUNNING");
  await tx.update(campaigns).set({ launchedAt: tx.now }).where(eq(campaigns.id, campaign.id));
  await openAll(tx, launched);

  const [first] = await tx.all<{ at: number | null }>(
    sql`select min(scheduled_time) as at from messages where campaign_id = ${campaign.id}`,
  );
  return { creditReserved: cost.needed, firstSendAt: first?.at ?? null };
}

function shortOf({ needed, available, creditType }: LaunchCost): Fault {
  const missing = toCredits(needed - available);
  return new Fault(
    "INSUFFICIENT_CREDITS",
    `The opening stage needs ${toCredits(needed)} credits; ${missing} are missing`,
    {
      facts: {
        creditNeeded: toCredits(needed),
        creditAvailable: toCredits(available),
        creditMissing: missing,
        byType: { [creditType]: toCredits(needed) },
      },
    },
  );
}

export function pause(tx: Tx, campaign: Campaign, reason: string | null): Promise<Campaign> {
  return turn(tx, campaign, ["SCHEDULED", "RUNNING", "AUTO_PAUSED"], "PAUSED", reason);
}

/** Goes on from the rows, never from a cursor: what waited is due when it was meant to be, or now. */
export async function resume(tx: Tx, campaign: Campaign): Promise<Campaign> {
  const later = campaign.startAt !== null && campaign.startAt > tx.now;
  const resumed = await turn(tx, campaign, ["PAUSED", "AUTO_PAUSED"], later ? "SCHEDULED" : "RUNNING");
  await unparkCampaign(tx, campaign.id);
  return resumed;
}

/** Resumes campaigns that ran out of credits and whose brand can pay for a message of theirs again. Returns how many. */
export async function resumeFunded(tx: Tx): Promise<number> {
  const funded = await tx.all<{
    id: string;
  }>(sql`select c.id from campaigns c join credit_accounts a on a.brand_id = c.brand_id
    where c.status = 'AUTO_PAUSED' and c.status_reason = 'NO_CREDITS' and a.available > 0 and exists (select 1 from messages m
      where m.campaign_id = c.id and m.status = 'PENDING' and m.run_at = ${NEVER} and m.credits <= a.available)`);
  for (const { id } of funded) await resume(tx, await campaignOf(tx, id, null));
  return funded.length;
}

/** Ends a campaign for good: nothing more leaves, and what was held comes back. */
export async function cancel(
  tx: Tx,
  campaign: Campaign,
  reason: string | null,
): Promise<{ creditReleased: number; cancelledMessages: number }> {
  const before = await releasedBy(tx, campaign.id);
  await turn(tx, campaign, ["DRAFT", "SCHEDULED", "RUNNING", "PAUSED", "AUTO_PAUSED"], "CANCELLED", reason);
  const cancelledMessages = await cancelCampaign(tx, campaign.id, "CAMPAIGN_STOPPED");
  return { cancelledMessages, creditReleased: (await releasedBy(tx, campaign.id)) - before };
}

async function releasedBy(read: Reader, campaignId: string): Promise<number> {
  const rows = await read
    .select({ released: campaignCredits.released })
    .from(campaignCredits)
    .where(eq(campaignCredits.campaignId, campaignId));
  return rows.reduce((total, row) => total + row.released, 0);
}

/** Puts a finished campaign out of sight. */
export function archive(tx: Tx, campaign: Campaign): Promise<Campaign> {
  return turn(tx, campaign, ["COMPLETED", "CANCELLED"], "ARCHIVED");
}
