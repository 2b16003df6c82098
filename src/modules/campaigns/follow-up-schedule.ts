import { sql } from "drizzle-orm";
import { nextOpening, type SendWindow } from "../calendar/windows.ts";
import { DAY, type Instant } from "../clock.ts";
import { advanceConversations, type ConversationStatus } from "../conversationRows/status.ts";
import { unitsOf } from "../credits/units.ts";
import { forUpdate, rowsOf } from "../db/sql.ts";
import type { Tx } from "../db/store.ts";
import { type Draft, type Scheduled, schedule } from "../messages/messages.ts";
import { type OpeningSender, openingSenders } from "./mailboxes.ts";
import { type Campaign, learnPlans, noPlans, type Plans, type Step } from "./plans.ts";

/**
 * Schedules the first messages of conversations that have none. Contacts are assigned to the mailboxes round-robin, and to
 * days by their daily limits, so that a large list is not examined again every midnight. `before` is the number of
 * conversations that earlier calls assigned. `firstAt` is the earliest scheduled time.
 */
export async function scheduleOpenings(
  tx: Tx,
  campaign: Campaign,
  step: Step,
  conversations: readonly { id: string; contactId: string }[],
  senders: readonly OpeningSender[],
  before = 0,
): Promise<Scheduled & { firstAt: Instant }> {
  const start = Math.max(tx.now, campaign.startAt ?? 0) + step.delay;
  const windows = campaign.sendWindows as SendWindow[];
  const byMailbox = step.channel === "EMAIL" && senders.length > 0;
  const drafts: Draft[] = conversations.map(({ id, contactId }, index) => {
    const position = before + index;
    const sender = byMailbox ? senders[position % senders.length] : undefined;
    const day = sender?.dayOf(Math.floor(position / senders.length)) ?? 0;
    return {
      brandId: campaign.brandId,
      campaignId: campaign.id,
      conversationId: id,
      contactId,
      stage: step.stage,
      channel: step.channel,
      scheduledTime: nextOpening(windows, campaign.timezone, start + day * DAY),
      senderId: sender?.id ?? null,
      units: unitsOf(step),
    };
  });
  const firstAt = drafts.reduce((first, { scheduledTime }) => Math.min(first, scheduledTime), Number.POSITIVE_INFINITY);
  return { ...(await schedule(tx, drafts)), firstAt };
}

/** Identifies a sent message. */
export interface SentMessage {
  campaignId: string;
  conversationId: string;
  stage: number;
  senderId: string | null;
  sentAt: Instant;
}

interface Standing {
  id: string;
  contact_id: string;
  mode: "AUTO" | "MANUAL";
  status: ConversationStatus;
  replied_at: Instant | null;
  sender_id: string | null;
}

/** Returns whether a conversation gets a next stage. A paused one does, and the gate postpones its message. */
function goesOn({ mode, status, replied_at }: Standing, { stopOnReply }: Campaign): boolean {
  if (mode !== "AUTO" || (replied_at !== null && stopOnReply)) return false;
  return ["QUEUED", "ACTIVE", "PAUSED", "REPLIED"].includes(status);
}

/** Returns the status after a stage was sent. A status set by a reply or a person stays. */
function statusAfter(status: ConversationStatus, isLast: boolean): ConversationStatus {
  if (status === "REPLIED" || (status === "PAUSED" && !isLast)) return status;
  return isLast ? "COMPLETED" : "ACTIVE";
}

/**
 * Schedules the next stage of each conversation after a message was sent, from the mailbox of its first message. A
 * conversation without a next stage is completed; one with a reply, or taken over by a person, gets none. Adds what it
 * loads to `plans`.
 */
export async function scheduleFollowUps(
  tx: Tx,
  sent: readonly SentMessage[],
  plans: Plans = noPlans(),
): Promise<Scheduled> {
  if (sent.length === 0) return { ids: [], short: new Set() };
  const ids = sent.map((message) => ({ id: message.conversationId }));
  const [standings] = await Promise.all([
    tx.all<Standing>(sql`select v.id, v.contact_id, v.mode, v.status, v.replied_at, v.sender_id
      from ${rowsOf("n", ids, { id: "text" })} cross join conversations v where v.id = n.id
      order by v.id ${forUpdate("v")}`),
    learnPlans(
      tx,
      plans,
      sent.map((message) => message.campaignId),
    ),
  ]);
  const standingOf = new Map(standings.map((row) => [row.id, row]));

  const drafts: Draft[] = [];
  const progress: { id: string; status: ConversationStatus; senderId: string | null }[] = [];
  for (const message of sent) {
    const campaign = plans.campaigns.get(message.campaignId);
    const standing = standingOf.get(message.conversationId);
    if (!campaign || !standing || !goesOn(standing, campaign)) continue;
    const step = plans.steps.get(`${message.campaignId} ${message.stage + 1}`);
    const senderId = standing.sender_id ?? message.senderId ?? (await mailboxFor(tx, campaign, step, drafts.length));
    progress.push({ id: standing.id, status: statusAfter(standing.status, step === undefined), senderId });
    if (!step || campaign.status === "CANCELLED" || campaign.status === "ARCHIVED") continue;
    drafts.push({
      brandId: campaign.brandId,
      campaignId: campaign.id,
      conversationId: standing.id,
      contactId: standing.contact_id,
      stage: step.stage,
      channel: step.channel,
      scheduledTime: nextOpening(campaign.sendWindows as SendWindow[], campaign.timezone, message.sentAt + step.delay),
      senderId,
      units: unitsOf(step),
    });
  }
  await advanceConversations(tx, progress);
  return schedule(tx, drafts);
}

/** Chooses a mailbox, round-robin by `position`, for a conversation that began by SMS or voicemail and continues by e-mail. */
async function mailboxFor(
  tx: Tx,
  campaign: Campaign,
  step: Step | undefined,
  position: number,
): Promise<string | null> {
  if (step?.channel !== "EMAIL") return null;
  const senders = await openingSenders(tx, campaign);
  return senders.length === 0 ? null : (senders[position % senders.length]?.id ?? null);
}
