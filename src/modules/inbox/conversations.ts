import { and, desc, eq, getTableColumns, gte, lt } from "drizzle-orm";
import { campaigns } from "../../db/schema/campaigns.ts";
import { contacts } from "../../db/schema/contacts.ts";
import { conversations, inboundMessages } from "../../db/schema/conversations.ts";
import { messages } from "../../db/schema/messages.ts";
import { SCAN_SLICE_ROWS } from "../../db/sliced-scan.ts";
import type { Reader, Tx } from "../../db/store.ts";
import { inScope, type TenantScope } from "../../db/tenant-scope.ts";
import { iso, isoOrNull } from "../../lib/clock.ts";
import { AppError, invalid, notFound } from "../../lib/errors.ts";
import { clearUnread, updateMode } from "../conversations/replies.ts";
import { cancelConversation } from "../messages/cancel.ts";
import { toWireStatus } from "../messages/model.ts";
import { type ReceivedMessage, storeInbound } from "./inbound.ts";
import type { Conversation, Inbound, InboundRecord, Outbound } from "./model.ts";

type Row = typeof conversations.$inferSelect;
type ContactRow = typeof contacts.$inferSelect;

/** A conversation with its contact and its campaign. */
export interface ConversationDetails {
  conversation: Row;
  contact: ContactRow;
  campaign: { id: string; name: string };
}

/** Inbound messages returned at once, at most. */
const MAX_INBOUND = 500;

export function toConversation({ conversation, contact, campaign }: ConversationDetails): Conversation {
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

const selectConversations = (read: Reader) =>
  read
    .select({
      conversation: getTableColumns(conversations),
      contact: getTableColumns(contacts),
      campaign: { id: campaigns.id, name: campaigns.name },
    })
    .from(conversations)
    .innerJoin(contacts, eq(contacts.id, conversations.contactId))
    .innerJoin(campaigns, eq(campaigns.id, conversations.campaignId));

const within = (scope: TenantScope) => inScope(scope, conversations.brandId);

/** Lists conversations within the scope, the newest first, before the one with id `before`. */
export async function listConversations(
  read: Reader,
  options: {
    scope: TenantScope;
    mode: Row["mode"] | undefined;
    status: Row["status"] | undefined;
    unread: boolean | undefined;
    campaignId: string | undefined;
    before: string | null;
    /** The oldest that may be among them. */
    downTo: string | null;
    limit: number;
  },
): Promise<ConversationDetails[]> {
  const { scope, mode, status, unread, campaignId, before, downTo, limit } = options;
  return selectConversations(read)
    .where(
      and(
        within(scope),
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

/** Finds the conversation one slice further down the list, of any mode and status; null when there are fewer. */
export async function findSliceEnd(
  read: Reader,
  { scope, campaignId }: { scope: TenantScope; campaignId: string | undefined },
  before: string | null,
): Promise<string | null> {
  const list = campaignId === undefined ? within(scope) : eq(conversations.campaignId, campaignId);
  const [row] = await read
    .select({ id: conversations.id })
    .from(conversations)
    .where(and(list, before === null ? undefined : lt(conversations.id, before)))
    .orderBy(desc(conversations.id))
    .limit(1)
    .offset(SCAN_SLICE_ROWS - 1);
  return row?.id ?? null;
}

/**
 * Gets the conversation with this id within the scope.
 * @throws AppError NOT_FOUND
 */
export async function getConversation(read: Reader, id: string, scope: TenantScope): Promise<ConversationDetails> {
  const [row] = await selectConversations(read).where(and(eq(conversations.id, id), within(scope)));
  if (!row) throw notFound("conversation", id);
  return row;
}

/** Lists the messages of both sides and the pending ones, in the order of time. */
export async function listHistory(read: Reader, conversationId: string): Promise<(Outbound | Inbound)[]> {
  const sent = await read.select().from(messages).where(eq(messages.conversationId, conversationId));
  const received = await read
    .select()
    .from(inboundMessages)
    .where(eq(inboundMessages.conversationId, conversationId))
    .orderBy(desc(inboundMessages.id))
    .limit(MAX_INBOUND);
  const outbound = sent.map(({ id, channel, subject, text, stage, status, errorMessage, ...row }): Outbound => {
    const at = iso(row.processedAt ?? row.scheduledTime);
    return { direction: "OUTBOUND", id, channel, at, subject, text, stage, status: toWireStatus(status), errorMessage };
  });
  const inbound = received.map(({ id, channel, subject, text, intent, sentimentScore, receivedAt }): Inbound => {
    return { direction: "INBOUND", id, channel, at: iso(receivedAt), subject, text, intent, sentimentScore };
  });
  // Ids are ordered by time: they decide within one millisecond.
  return [...outbound, ...inbound].sort((a, b) => (`${a.at} ${a.id}` < `${b.at} ${b.id}` ? -1 : 1));
}

/**
 * Sets the mode of a conversation. MANUAL, a person takes over, cancels pending messages and releases their credits; AUTO
 * lets the engine send again, but cancelled messages stay cancelled. Returns how many messages were cancelled.
 */
export async function setMode(tx: Tx, id: string, scope: TenantScope, mode: Row["mode"]): Promise<number> {
  if (!(await updateMode(tx, id, scope, mode))) throw notFound("conversation", id);
  return mode === "MANUAL" ? cancelConversation(tx, id, "MANUAL_MODE") : 0;
}

export async function markRead(tx: Tx, id: string, scope: TenantScope): Promise<void> {
  if (!(await clearUnread(tx, id, scope))) throw notFound("conversation", id);
}

/**
 * Records a message that a contact sent over another channel, as a user typed it. It is classified and acted on like any
 * reply, but never lifts a ban: only the contact can give consent again.
 * @throws AppError NOT_FOUND; INVALID when the contact has no address of that channel; CONFLICT when it was recorded before
 */
export async function recordInbound(
  tx: Tx,
  id: string,
  scope: TenantScope,
  { channel, text, subject = null }: InboundRecord,
  options: { hostileBelow: number },
): Promise<ReceivedMessage> {
  const { conversation, contact } = await getConversation(tx, id, scope);
  const from = channel === "EMAIL" ? contact.email : contact.phone;
  if (from === null) {
    throw invalid("channel", `the contact has no ${channel === "EMAIL" ? "e-mail address" : "phone number"}`);
  }
  const { brandId } = conversation;
  const providerId = `manual-${tx.newId()}`;
  const inbound = { brandId, channel, providerId, from, repliesTo: [], subject, text, headers: {} };
  const received = await storeInbound(tx, conversation, inbound, { ...options, source: "USER" });
  if (!received) throw new AppError("CONFLICT", "This reply was already recorded");
  return received;
}
