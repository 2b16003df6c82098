import { and, desc, eq, getTableColumns, gte, lt } from "drizzle-orm";
import { iso, isoOrNull } from "../clock.ts";
import { campaigns } from "../db/schema/campaigns.ts";
import { contacts } from "../db/schema/contacts.ts";
import { conversations, inboundMessages } from "../db/schema/conversations.ts";
import { messages } from "../db/schema/messages.ts";
import { SCAN_SLICE_ROWS } from "../db/slicedScan.ts";
import type { Reader, Tx } from "../db/store.ts";
import { Fault, invalid, notFound } from "../fault.ts";
import { cancelConversation } from "../messages/cancel.ts";
import { wireStatus } from "../messages/model.ts";
import { type Received, record } from "./inbound.ts";
import type { Conversation, Inbound, InboundRecord, Outbound } from "./model.ts";

type Row = typeof conversations.$inferSelect;
type ContactRow = typeof contacts.$inferSelect;

/** A conversation with whom and about what it is. */
export interface Dialogue {
  conversation: Row;
  contact: ContactRow;
  campaign: { id: string; name: string };
}

/** The longest history that is answered at once. */
const MAX_INBOUND = 500;

export function toConversation({ conversation, contact, campaign }: Dialogue): Conversation {
  const { id, brandId, mode, status, unread, sentimentScore } = conversation;
  const { email, phone, firstName, lastName } = contact;
  return {
    id,
    brandId,
    campaign,
    contact: { id: contact.id, email, phone, firstName, lastName },
    mode,
    status,
    unread,
    sentimentScore,
    repliedAt: isoOrNull(conversation.repliedAt),
    createdAt: iso(conversation.createdAt),
    updatedAt: iso(conversation.updatedAt),
  };
}

const dialogues = (read: Reader) =>
  read
    .select({
      conversation: getTableColumns(conversations),
      contact: getTableColumns(contacts),
      campaign: { id: campaigns.id, name: campaigns.name },
    })
    .from(conversations)
    .innerJoin(contacts, eq(contacts.id, conversations.contactId))
    .innerJoin(campaigns, eq(campaigns.id, conversations.campaignId));

const within = (reach: string | null) => (reach === null ? undefined : eq(conversations.brandId, reach));

/** Conversations within reach, the newest first, before the one with id `before`. */
export async function listConversations(
  read: Reader,
  options: {
    reach: string | null;
    mode: Row["mode"] | undefined;
    status: Row["status"] | undefined;
    unread: boolean | undefined;
    campaignId: string | undefined;
    before: string | null;
    /** The oldest that may be among them. */
    downTo: string | null;
    limit: number;
  },
): Promise<Dialogue[]> {
  const { reach, mode, status, unread, campaignId, before, downTo, limit } = options;
  return dialogues(read)
    .where(
      and(
        within(reach),
        mode === undefined ? undefined : eq(conversations.mode, mode),
        status === undefined ? undefined : eq(conversations.status, status),
        unread === undefined ? undefined : eq(conversations.unread, unread),
        campaignId === undefined ? undefined : eq(conversations.campaignId, campaignId),
        before === null ? undefined : lt(conversations.id, before),
        downTo === null ? undefined : gte(conversations.id, downTo),
      ),
    )
    .orderBy(desc(conversations.id))
    .limit(limit);
}

/** The conversation a slice further down the list, whatever its mode and status; null when there are fewer. */
export async function conversationBelow(
  read: Reader,
  { reach, campaignId }: { reach: string | null; campaignId: string | undefined },
  before: string | null,
): Promise<string | null> {
  const list = campaignId === undefined ? within(reach) : eq(conversations.campaignId, campaignId);
  const [row] = await read
    .select({ id: conversations.id })
    .from(conversations)
    .where(and(list, before === null ? undefined : lt(conversations.id, before)))
    .orderBy(desc(conversations.id))
    .limit(1)
    .offset(SCAN_SLICE_ROWS - 1);
  return row?.id ?? null;
}

/** The conversation with this id within reach; NOT_FOUND if there is none. */
export async function getDialogue(read: Reader, id: string, reach: string | null): Promise<Dialogue> {
  const [row] = await dialogues(read).where(and(eq(conversations.id, id), within(reach)));
  if (!row) throw notFound("conversation", id);
  return row;
}

/** What both sides said and what is still to be said, in the order of time. */
export async function readHistory(read: Reader, conversationId: string): Promise<(Outbound | Inbound)[]> {
  const sent = await read.select().from(messages).where(eq(messages.conversationId, conversationId));
  const received = await read
    .select()
    .from(inboundMessages)
    .where(eq(inboundMessages.conversationId, conversationId))
    .orderBy(desc(inboundMessages.id))
    .limit(MAX_INBOUND);
  const outbound = sent.map(({ id, channel, subject, text, stage, status, errorMessage, ...row }): Outbound => {
    const at = iso(row.processedAt ?? row.scheduledTime);
    return { direction: "OUTBOUND", id, channel, at, subject, text, stage, status: wireStatus(status), errorMessage };
  });
  const inbound = received.map(({ id, channel, subject, text, intent, sentimentScore, receivedAt }): Inbound => {
    return { direction: "INBOUND", id, channel, at: iso(receivedAt), subject, text, intent, sentimentScore };
  });
  // Ids are as old as what they name, so they settle what happened in one millisecond.
  return [...outbound, ...inbound].sort((a, b) => (`${a.at} ${a.id}` < `${b.at} ${b.id}` ? -1 : 1));
}

/**
 * Lets a person take over (MANUAL): what the engine still had to send is cancelled and its credits come back. AUTO lets the
 * engine in again; what was cancelled stays cancelled. Returns how many messages it stopped.
 */
export async function setMode(tx: Tx, id: string, reach: string | null, mode: Row["mode"]): Promise<number> {
  const [row] = await tx
    .update(conversations)
    .set({ mode, updatedAt: tx.now })
    .where(and(eq(conversations.id, id), within(reach)))
    .returning({ id: conversations.id });
  if (!row) throw notFound("conversation", id);
  return mode === "MANUAL" ? cancelConversation(tx, id, "MANUAL_MODE") : 0;
}

export async function markRead(tx: Tx, id: string, reach: string | null): Promise<void> {
  const [row] = await tx
    .update(conversations)
    .set({ unread: false })
    .where(and(eq(conversations.id, id), within(reach)))
    .returning({ id: conversations.id });
  if (!row) throw notFound("conversation", id);
}

/**
 * Records what a user says a contact wrote elsewhere. It is understood, and stops what it must stop, like any reply; it never
 * lifts a ban, because nobody but the contact can give consent back.
 */
export async function recordInbound(
  tx: Tx,
  id: string,
  reach: string | null,
  { channel, text, subject = null }: InboundRecord,
  options: { hostileBelow: number },
): Promise<Received> {
  const { conversation, contact } = await getDialogue(tx, id, reach);
  const from = channel === "EMAIL" ? contact.email : contact.phone;
  if (from === null) {
    throw invalid("channel", `the contact has no ${channel === "EMAIL" ? "e-mail address" : "phone number"}`);
  }
  const { brandId } = conversation;
  const providerId = `manual-${tx.newId()}`;
  const inbound = { brandId, channel, providerId, from, answers: [], subject, text, headers: {} };
  const received = await record(tx, conversation, inbound, { ...options, source: "USER" });
  if (!received) throw new Fault("CONFLICT", "This was taken down before");
  return received;
}
