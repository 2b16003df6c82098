import { sql } from "drizzle-orm";
import { forUpdate, valuesTable } from "../../db/sql.ts";
import type { Tx } from "../../db/store.ts";
import { findOpening, type SendWindow } from "../../lib/calendar/windows.ts";
import { DAY, type Instant } from "../../lib/clock.ts";
import { advanceConversations, type ConversationStatus } from "../conversations/status.ts";
import { countUnits } from "../credits/units.ts";
import { type CreatedMessages, createMessages, type NewMessage } from "../messages/messages.ts";
import { type Campaign, type CampaignCache, emptyCampaignCache, loadCampaigns, type Step } from "./campaign-cache.ts";
import { type InitialSender, listInitialSenders } from "./initial-senders.ts";

/**
 * Schedules the first messages of conversations that have none. Contacts are assigned to the mailboxes round-robin, and to
 * days by their daily limits, so that a large list is not examined again every midnight. `before` is the number of
 * conversations that earlier calls assigned. `firstAt` is the earliest scheduled time.
 */
export async function scheduleInitialBatch(
  tx: Tx,
  campaign: Campaign,
  step: Step,
  conversations: readonly { id: string; contactId: string }[],
  senders: readonly InitialSender[],
  before = 0,
): Promise<CreatedMessages & { firstAt: Instant }> {
  const start = Math.max(tx.now, campaign.startAt ?? 0) + step.delay;
  const windows = campaign.sendWindows as SendWindow[];
  const byMailbox = step.channel === "EMAIL" && senders.length > 0;
  const drafts: NewMessage[] = conversations.map(({ id, contactId }, index) => {
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
      scheduledTime: findOpening(windows, campaign.timezone, start + day * DAY),
      senderId: sender?.id ?? null,
      units: countUnits(step),
    };
  });
  const firstAt = drafts.reduce((first, { scheduledTime }) => Math.min(first, scheduledTime), Number.POSITIVE_INFINITY);
  return { ...(await createMessages(tx, drafts)), firstAt };
}

/** Identifies a sent message. */
export interface SentMessage {
  campaignId: string;
  conversationId: string;
  stage: number;
  senderId: string | null;
  sentAt: Instant;
}

interface ConversationState {
  id: string;
  contact_id: string;
  mode: "AUTO" | "MANUAL";
  status: ConversationStatus;
  replied_at: Instant | null;
  sender_id: string | null;
}

/** Returns whether a conversation gets a next stage. A paused one does, and the gate postpones its message. */
function hasNextStage({ mode, status, replied_at }: ConversationState, { stopOnReply }: Campaign): boolean {
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
  plans: CampaignCache = emptyCampaignCache(),
): Promise<CreatedMessages> {
  if (sent.length === 0) return { ids: [], underfunded: new Set() };
  const ids = sent.map((message) => ({ id: message.conversationId }));
  const [conversations] = await Promise.all([
    tx.all<ConversationState>(sql`select v.id, v.contact_id, v.mode, v.status, v.replied_at, v.sender_id
      from ${valuesTable("n", ids, { id: "text" })} cross join conversations v where v.id = n.id
      order by v.id ${forUpdate("v")}`),
    loadCampaigns(
      tx,
      plans,
      sent.map((message) => message.campaignId),
    ),
  ]);
  const conversationById = new Map(conversations.map((row) => [row.id, row]));

  const drafts: NewMessage[] = [];
  const progress: { id: string; status: ConversationStatus; senderId: string | null }[] = [];
  for (const message of sent) {
    const campaign = plans.campaigns.get(message.campaignId);
    const conversation = conversationById.get(message.conversationId);
    if (!campaign || !conversation || !hasNextStage(conversation, campaign)) continue;
    const step = plans.steps.get(`${message.campaignId} ${message.stage + 1}`);
    const senderId =
      conversation.sender_id ?? message.senderId ?? (await chooseMailbox(tx, campaign, step, drafts.length));
    progress.push({ id: conversation.id, status: statusAfter(conversation.status, step === undefined), senderId });
    if (!step || campaign.status === "CANCELLED" || campaign.status === "ARCHIVED") continue;
    drafts.push({
      brandId: campaign.brandId,
      campaignId: campaign.id,
      conversationId: conversation.id,
      contactId: conversation.contact_id,
      stage: step.stage,
      channel: step.channel,
      scheduledTime: findOpening(campaign.sendWindows as SendWindow[], campaign.timezone, message.sentAt + step.delay),
      senderId,
      units: countUnits(step),
    });
  }
  await advanceConversations(tx, progress);
  return createMessages(tx, drafts);
}

/** Chooses a mailbox, round-robin by `position`, for a conversation that began by SMS or voicemail and continues by e-mail. */
async function chooseMailbox(
  tx: Tx,
  campaign: Campaign,
  step: Step | undefined,
  position: number,
): Promise<string | null> {
  if (step?.channel !== "EMAIL") return null;
  const senders = await listInitialSenders(tx, campaign);
  return senders.length === 0 ? null : (senders[position % senders.length]?.id ?? null);
}
