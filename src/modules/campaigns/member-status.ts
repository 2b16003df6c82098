import { and, eq } from "drizzle-orm";
import { conversations } from "../../db/schema/conversations.ts";
import type { Reader, Tx } from "../../db/store.ts";
import { AppError, notFound } from "../../lib/errors.ts";
import { pauseConversation, removeFromCampaign, resumeConversation } from "../conversations/status.ts";
import { cancelConversation } from "../messages/cancel.ts";
import { releaseConversationMessages } from "../messages/messages.ts";
import type { CampaignRow } from "./campaigns.ts";
import { scheduleForNewMembers } from "./initial-messages.ts";
import type { ConversationRow } from "./members.ts";

/** Returns the conversation of a campaign with a contact. @throws AppError NOT_FOUND when the contact is not in the campaign */
export async function getMemberConversation(
  read: Reader,
  campaignId: string,
  contactId: string,
): Promise<ConversationRow> {
  const [row] = await read
    .select()
    .from(conversations)
    .where(and(eq(conversations.campaignId, campaignId), eq(conversations.contactId, contactId)));
  if (!row) throw notFound("contact", contactId);
  return row;
}

const wrongStatus = (row: ConversationRow, needed: string) =>
  new AppError("CONFLICT", `The contact is ${row.status} in this campaign; this needs ${needed}`);

/** Pauses a contact. Their messages stay scheduled, and the gate postpones them. */
export async function pauseMember(tx: Tx, campaign: CampaignRow, contactId: string): Promise<ConversationRow> {
  const row = await getMemberConversation(tx, campaign.id, contactId);
  const paused = await pauseConversation(tx, row.id);
  if (!paused) throw wrongStatus(row, "QUEUED or ACTIVE");
  return paused;
}

/** Resumes a paused contact: postponed messages are due at their scheduled time, or now. The campaign must be locked. */
export async function resumeMember(tx: Tx, campaign: CampaignRow, contactId: string): Promise<ConversationRow> {
  if (["COMPLETED", "CANCELLED", "ARCHIVED"].includes(campaign.status)) {
    throw new AppError("CONFLICT", `The campaign is ${campaign.status}: its contacts get no more messages`);
  }
  const row = await getMemberConversation(tx, campaign.id, contactId);
  const resumed = await resumeConversation(tx, row.id);
  if (!resumed) throw wrongStatus(row, "PAUSED");
  await releaseConversationMessages(tx, row.id);
  // A contact paused before the launch has no first message yet.
  await scheduleForNewMembers(tx, campaign, [row]);
  return resumed;
}

/** Removes a contact from a campaign permanently and cancels the messages to them. Repeating it changes nothing. */
export async function removeMember(
  tx: Tx,
  campaign: CampaignRow,
  contactId: string,
): Promise<{ conversation: ConversationRow; cancelled: number }> {
  const row = await getMemberConversation(tx, campaign.id, contactId);
  const removed = await removeFromCampaign(tx, row.id);
  return { conversation: removed ?? row, cancelled: await cancelConversation(tx, row.id, "CONTACT_REMOVED") };
}
