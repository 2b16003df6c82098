import { and, desc, eq } from "drizzle-orm";
import type { ChannelName } from "../../channels/channel.ts";
import { campaigns } from "../../db/schema/campaigns.ts";
import { contacts } from "../../db/schema/contacts.ts";
import { conversations } from "../../db/schema/conversations.ts";
import { messages } from "../../db/schema/messages.ts";
import type { Reader, Tx } from "../../db/store.ts";
import { markEmailBounced } from "../contacts/bounces.ts";
import { clearOptOut, insertInboundMessage, markBounced, markOptedOut, markReplied } from "../conversations/replies.ts";
import type { ConversationRow as Conversation } from "../conversations/status.ts";
import { cancelConversation } from "../messages/cancel.ts";
import { classify } from "../replies/classify.ts";
import { createBan, liftTextOptOut } from "../suppressions/bans.ts";

/** An inbound message for a brand. */
export interface InboundMessage {
  brandId: string;
  channel: ChannelName;
  /** The provider's id: two messages with the same one are one message. */
  providerId: string;
  /** The sender: an e-mail address or an E.164 number. */
  from: string;
  /** The ids of our messages that it replies to, from In-Reply-To and References. */
  repliesTo: string[];
  subject: string | null;
  text: string;
  /** Lower-case names. */
  headers: Record<string, string>;
  contentType?: string;
}

export interface ReceivedMessage {
  conversationId: string;
  intent: ReturnType<typeof classify>["intent"];
  /** Number of messages that it cancelled. */
  cancelled: number;
}

/** Longer texts are cut. */
const MAX_STORED_CHARACTERS = 100_000;

/**
 * Stores a message from a contact, classifies it and acts on it in the same transaction. A reply ends the follow-ups of the
 * conversation, an opt-out or a hostile reply bans the contact, a bounce of a bad address suppresses it; an automatic reply
 * changes nothing. Returns null when it belongs to no conversation or was stored before.
 */
export async function receiveInbound(
  tx: Tx,
  inbound: InboundMessage,
  options: { hostileBelow: number },
): Promise<ReceivedMessage | null> {
  const conversation = await findConversation(tx, inbound);
  return conversation ? storeInbound(tx, conversation, inbound, { ...options, source: "PROVIDER" }) : null;
}

/**
 * The source of an inbound message: the provider that delivered it, or a user who typed it in. What a user types may stop
 * messages but never allows them again: consent comes from the contact alone.
 */
export type InboundSource = "PROVIDER" | "USER";

/** Stores and acts on an inbound message of a known conversation. Returns null when it was stored before. */
export async function storeInbound(
  tx: Tx,
  conversation: Conversation,
  inbound: InboundMessage,
  options: { hostileBelow: number; source: InboundSource },
): Promise<ReceivedMessage | null> {
  const classified = classify(inbound, options);
  const { intent, sentimentScore } = classified;
  const isNew = await insertInboundMessage(tx, {
    brandId: inbound.brandId,
    conversationId: conversation.id,
    channel: inbound.channel,
    providerId: inbound.providerId,
    intent,
    subject: inbound.subject,
    text: inbound.text.slice(0, MAX_STORED_CHARACTERS),
    sentimentScore,
  });
  if (!isNew) return null;

  const result = (cancelled: number): ReceivedMessage => ({ conversationId: conversation.id, intent, cancelled });
  switch (intent) {
    case "AUTO_REPLY":
      return result(0);
    case "BOUNCE":
      return result(
        classified.bounce?.permanent ? await takeBounce(tx, conversation, classified.bounce.badAddress) : 0,
      );
    case "OPT_IN":
      if (inbound.channel === "SMS" && options.source === "PROVIDER") {
        await liftTextOptOut(tx, inbound.brandId, inbound.from);
        await clearOptOut(tx, conversation.id);
      }
      return result(await takeReply(tx, conversation, sentimentScore));
    case "OPT_OUT":
    case "HOSTILE":
      return result(await banSender(tx, conversation, inbound, classified));
    case "REPLY":
      return result(await takeReply(tx, conversation, sentimentScore));
  }
}

/** Finds the conversation of an inbound message: that of the message it replies to, else the sender's latest one with this brand. */
async function findConversation(
  read: Reader,
  { brandId, repliesTo, from, channel }: InboundMessage,
): Promise<Conversation | undefined> {
  for (const id of repliesTo.toReversed()) {
    const [row] = await read
      .select({ conversation: conversations })
      .from(messages)
      .innerJoin(conversations, eq(conversations.id, messages.conversationId))
      .where(and(eq(messages.id, id), eq(messages.brandId, brandId)));
    if (row) return row.conversation;
  }
  const [row] = await read
    .select({ conversation: conversations })
    .from(contacts)
    .innerJoin(conversations, eq(conversations.contactId, contacts.id))
    .where(
      and(
        eq(contacts.brandId, brandId),
        channel === "EMAIL" ? eq(contacts.email, from.toLowerCase()) : eq(contacts.phone, from),
      ),
    )
    .orderBy(desc(conversations.updatedAt), desc(conversations.id))
    .limit(1);
  return row?.conversation;
}

/** Marks a conversation as replied to and cancels its follow-ups, unless its campaign goes on after a reply. */
async function takeReply(tx: Tx, conversation: Conversation, sentimentScore: number | null): Promise<number> {
  await markReplied(tx, conversation.id, sentimentScore);
  const [campaign] = await tx
    .select({ stop: campaigns.stopOnReply })
    .from(campaigns)
    .where(eq(campaigns.id, conversation.campaignId));
  return campaign?.stop === false ? 0 : cancelConversation(tx, conversation.id, "REPLIED");
}

async function banSender(
  tx: Tx,
  conversation: Conversation,
  inbound: InboundMessage,
  classified: ReturnType<typeof classify>,
): Promise<number> {
  const { sentimentScore } = classified;
  await markOptedOut(tx, conversation.id, { sentimentScore });
  const [contact] = await tx.select().from(contacts).where(eq(contacts.id, conversation.contactId));
  const isHostile = classified.intent === "HOSTILE";
  const { cancelled } = await createBan(tx, {
    scope: inbound.brandId,
    // The person is banned, not only the address they wrote from.
    email: contact?.email ?? null,
    phone: contact?.phone ?? null,
    source: isHostile ? "HOSTILE" : "OPT_OUT",
    reason: isHostile ? "hostile answer" : `asked to stop: ${classified.matched ?? ""}`.trim(),
    messageGot: classified.written,
    sentimentScore,
  });
  return cancelled;
}

/** Takes a permanent failure that was reported after acceptance. Only an address that does not exist is never used again. */
async function takeBounce(tx: Tx, conversation: Conversation, badAddress: boolean): Promise<number> {
  await markBounced(tx, conversation.id);
  if (badAddress) await markEmailBounced(tx, conversation.contactId);
  return cancelConversation(tx, conversation.id, "BOUNCED");
}
