import { and, desc, eq, isNull, sql } from "drizzle-orm";
import { ban } from "../bans/bans.ts";
import type { ChannelName } from "../channels/channel.ts";
import { bans, contacts } from "../db/schema/brands.ts";
import { campaigns, conversations, inboundMessages } from "../db/schema/campaigns.ts";
import { messages } from "../db/schema/messages.ts";
import type { Reader, Tx } from "../db/store.ts";
import { release } from "../limits/usage.ts";
import { cancelConversation } from "../messages/cancel.ts";
import { classify } from "../understanding/classify.ts";

/** Something that came in for a brand. */
export interface Inbound {
  brandId: string;
  channel: ChannelName;
  /** The provider's own id; the same one twice is one message. */
  providerId: string;
  /** Who wrote it: an address or an E.164 number. */
  from: string;
  /** The ids of our messages that it answers, from In-Reply-To and References. */
  answers: string[];
  subject: string | null;
  text: string;
  /** Lower-case names. */
  headers: Record<string, string>;
  contentType?: string;
}

export interface Received {
  conversationId: string;
  intent: ReturnType<typeof classify>["intent"];
  /** How many messages it stopped. */
  cancelled: number;
}

type Conversation = typeof conversations.$inferSelect;

/**
 * Takes in what a contact wrote: keeps it, understands it, and in the same transaction stops what it must stop. An answer
 * ends the conversation's follow-ups, an opt-out or a hostile answer bans, a bounce of a bad address suppresses it; an
 * automatic reply changes nothing. Null when it belongs to no conversation or was taken in before.
 */
export async function receive(tx: Tx, inbound: Inbound, options: { hostileBelow: number }): Promise<Received | null> {
  const conversation = await findConversation(tx, inbound);
  return conversation ? record(tx, conversation, inbound, { ...options, source: "PROVIDER" }) : null;
}

/**
 * Who says that the contact wrote this: the provider that delivered it, or a user who typed it in. What a user types may
 * stop messages and never allows any again: consent comes from the contact alone.
 */
export type InboundSource = "PROVIDER" | "USER";

/** Takes in what belongs to a conversation that is known. Null when it was taken in before. */
export async function record(
  tx: Tx,
  conversation: Conversation,
  inbound: Inbound,
  options: { hostileBelow: number; source: InboundSource },
): Promise<Received | null> {
  const reading = classify(inbound, options);
  const kept = await tx
    .insert(inboundMessages)
    .values({
      id: tx.newId(),
      brandId: inbound.brandId,
      conversationId: conversation.id,
      channel: inbound.channel,
      providerId: inbound.providerId,
      intent: reading.intent,
      subject: inbound.subject,
      text: inbound.text.slice(0, 100_000),
      sentimentScore: reading.sentimentScore,
      receivedAt: tx.now,
    })
    .onConflictDoNothing()
    .returning({ id: inboundMessages.id });
  if (kept.length === 0) return null;

  const result = (cancelled: number): Received => ({
    conversationId: conversation.id,
    intent: reading.intent,
    cancelled,
  });
  switch (reading.intent) {
    case "AUTO_REPLY":
      return result(0);
    case "BOUNCE":
      return result(reading.bounce?.permanent ? await bounced(tx, conversation, reading.bounce.badAddress) : 0);
    case "OPT_IN":
      if (inbound.channel !== "SMS" || options.source !== "PROVIDER")
        return result(await answered(tx, conversation, reading.sentimentScore));
      await liftTextBan(tx, inbound);
      await reopen(tx, conversation);
      return result(await answered(tx, conversation, reading.sentimentScore));
    case "OPT_OUT":
    case "HOSTILE":
      return result(await banWriter(tx, conversation, inbound, reading));
    case "REPLY":
      return result(await answered(tx, conversation, reading.sentimentScore));
  }
}

/** The conversation an inbound message belongs to: by the message it answers, else the writer's latest one with this brand. */
async function findConversation(
  read: Reader,
  { brandId, answers, from, channel }: Inbound,
): Promise<Conversation | undefined> {
  for (const id of answers.toReversed()) {
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

/** Keeps a contact who asked to be left alone in that state, whatever else comes in later. */
const unlessOptedOut = (status: "REPLIED" | "BOUNCED") =>
  sql`case when ${conversations.status} = 'OPTED_OUT' then 'OPTED_OUT' else ${status} end`;

/** Ends the opted-out state of a conversation whose contact takes the STOP back. */
async function reopen(tx: Tx, { id }: Conversation): Promise<void> {
  await tx
    .update(conversations)
    .set({ status: "REPLIED" })
    .where(and(eq(conversations.id, id), eq(conversations.status, "OPTED_OUT")));
}

async function answered(tx: Tx, conversation: Conversation, sentimentScore: number | null): Promise<number> {
  await tx
    .update(conversations)
    .set({ status: unlessOptedOut("REPLIED"), repliedAt: tx.now, unread: true, sentimentScore, updatedAt: tx.now })
    .where(eq(conversations.id, conversation.id));
  const [campaign] = await tx
    .select({ stop: campaigns.stopOnReply })
    .from(campaigns)
    .where(eq(campaigns.id, conversation.campaignId));
  return campaign?.stop === false ? 0 : cancelConversation(tx, conversation.id, "REPLIED");
}

async function banWriter(
  tx: Tx,
  conversation: Conversation,
  inbound: Inbound,
  reading: ReturnType<typeof classify>,
): Promise<number> {
  await tx
    .update(conversations)
    .set({
      status: "OPTED_OUT",
      repliedAt: tx.now,
      unread: true,
      sentimentScore: reading.sentimentScore,
      updatedAt: tx.now,
    })
    .where(eq(conversations.id, conversation.id));
  const [contact] = await tx.select().from(contacts).where(eq(contacts.id, conversation.contactId));
  const { cancelled } = await ban(tx, {
    scope: inbound.brandId,
    // The person is meant, not the address they happened to write from.
    email: contact?.email ?? null,
    phone: contact?.phone ?? null,
    source: reading.intent === "HOSTILE" ? "HOSTILE" : "OPT_OUT",
    reason: reading.intent === "HOSTILE" ? "hostile answer" : `asked to stop: ${reading.matched ?? ""}`.trim(),
    messageGot: reading.written,
    sentimentScore: reading.sentimentScore,
  });
  return cancelled;
}

/** A permanent failure reported after acceptance. Only an address that does not exist is never written to again. */
async function bounced(tx: Tx, conversation: Conversation, badAddress: boolean): Promise<number> {
  await tx
    .update(conversations)
    .set({ status: unlessOptedOut("BOUNCED"), updatedAt: tx.now })
    .where(eq(conversations.id, conversation.id));
  if (badAddress)
    await tx
      .update(contacts)
      .set({ emailBouncedAt: tx.now, updatedAt: tx.now })
      .where(eq(contacts.id, conversation.contactId));
  return cancelConversation(tx, conversation.id, "BOUNCED");
}

/** START takes back a STOP by text message, and nothing else. */
async function liftTextBan(tx: Tx, { brandId, from }: Inbound): Promise<void> {
  const asked = and(eq(bans.scope, brandId), eq(bans.phone, from), eq(bans.source, "OPT_OUT"));
  const lifted = await tx
    .delete(bans)
    .where(and(asked, isNull(bans.email)))
    .returning();
  await release(tx, brandId, "bans", lifted.length);
  await tx.update(bans).set({ phone: null }).where(asked);
}
