import { and, eq, inArray, ne, sql } from "drizzle-orm";
import { conversations } from "../db/schema/conversations.ts";
import { messages } from "../db/schema/messages.ts";
import type { Reader, Tx } from "../db/store.ts";
import { Fault, notFound } from "../fault.ts";
import { cancelConversation } from "../messages/cancel.ts";
import { unparkConversation } from "../messages/messages.ts";
import type { CampaignRow } from "./campaigns.ts";
import type { ConversationRow } from "./members.ts";
import { openNewcomers } from "./opening.ts";

/** The conversation between a campaign and one of its contacts; NOT_FOUND when the contact is not part of it. */
export async function conversationWith(read: Reader, campaignId: string, contactId: string): Promise<ConversationRow> {
  const [row] = await read
    .select()
    .from(conversations)
    .where(and(eq(conversations.campaignId, campaignId), eq(conversations.contactId, contactId)));
  if (!row) throw notFound("contact", contactId);
  return row;
}

const inState = (row: ConversationRow, needed: string) =>
  new Fault("CONFLICT", `The contact is ${row.status} in this campaign; this needs ${needed}`);

/** Lets one contact wait. What is still to be sent to them stays scheduled and is held back by the gate. */
export async function pauseMember(tx: Tx, campaign: CampaignRow, contactId: string): Promise<ConversationRow> {
  const row = await conversationWith(tx, campaign.id, contactId);
  const [paused] = await tx
    .update(conversations)
    .set({ status: "PAUSED", updatedAt: tx.now })
    .where(and(eq(conversations.id, row.id), inArray(conversations.status, ["QUEUED", "ACTIVE"])))
    .returning();
  if (!paused) throw inState(row, "QUEUED or ACTIVE");
  return paused;
}

/** Lets a paused contact go on: what waited is due when it was meant to be, or now. The campaign must be held. */
export async function resumeMember(tx: Tx, campaign: CampaignRow, contactId: string): Promise<ConversationRow> {
  if (["COMPLETED", "CANCELLED", "ARCHIVED"].includes(campaign.status)) {
    throw new Fault("CONFLICT", `The campaign is ${campaign.status}: nothing is sent to its contacts any more`);
  }
  const row = await conversationWith(tx, campaign.id, contactId);
  const isOpen = sql`exists (select 1 from ${messages} where ${messages.conversationId} = ${row.id} and ${messages.status} = 'SENT')`;
  const [resumed] = await tx
    .update(conversations)
    .set({ status: sql`case when ${isOpen} then 'ACTIVE' else 'QUEUED' end`, updatedAt: tx.now })
    .where(and(eq(conversations.id, row.id), eq(conversations.status, "PAUSED")))
    .returning();
  if (!resumed) throw inState(row, "PAUSED");
  await unparkConversation(tx, row.id);
  // Paused before the launch, they have no opening message yet.
  await openNewcomers(tx, campaign, [row]);
  return resumed;
}

/** Takes a contact out of a campaign for good, and what was still to be sent to them with it. Doing it twice changes nothing. */
export async function removeMember(
  tx: Tx,
  campaign: CampaignRow,
  contactId: string,
): Promise<{ conversation: ConversationRow; cancelled: number }> {
  const row = await conversationWith(tx, campaign.id, contactId);
  const [removed] = await tx
    .update(conversations)
    .set({ status: "REMOVED", updatedAt: tx.now })
    .where(and(eq(conversations.id, row.id), ne(conversations.status, "REMOVED")))
    .returning();
  return { conversation: removed ?? row, cancelled: await cancelConversation(tx, row.id, "CONTACT_REMOVED") };
}
