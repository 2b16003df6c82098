import {
  index,
  instant,
  integer,
  primaryKey,
  table,
  text,
  thousandths,
  uniqueIndex,
  where,
  whole,
  word,
} from "../columns.ts";
import { conversations } from "./campaigns.ts";

/**
 * One outbound unit: a row per (conversation, stage). The table *is* the durable queue, on every size of deployment.
 *
 * PENDING → SENDING → SENT | FAILED | PENDING (again, later) | UNKNOWN; PENDING → CANCELLED. See `messages/transitions.ts`.
 */
export const messages = table(
  "messages",
  {
    id: text("id").primaryKey(),
    brandId: text("brand_id").notNull(),
    campaignId: text("campaign_id").notNull(),
    conversationId: text("conversation_id")
      .notNull()
      .references(() => conversations.id),
    contactId: text("contact_id").notNull(),
    stage: integer("stage").notNull(),
    channel: word("channel", ["EMAIL", "SMS", "VOICEMAIL"]).notNull(),
    status: word("status", ["PENDING", "SENDING", "SENT", "CANCELLED", "FAILED", "UNKNOWN"]).notNull(),
    /** When it is meant to leave. */
    scheduledTime: instant("scheduled_time").notNull(),
    /** When the engine looks at it next: the scheduled time, later after a retry or a wait. */
    runAt: instant("run_at").notNull(),
    senderId: text("sender_id"),
    /** While SENDING: the claim is taken for dead after this moment. */
    leaseUntil: instant("lease_until"),
    /** While it is claimed: the one transaction that claimed it, committed or not as far as its worker knows. */
    claim: text("claim"),
    /** Grows with every claim, and when one is given up. */
    fence: integer("fence").notNull().default(0),
    attempts: integer("attempts").notNull().default(0),
    /** The RFC 5322 Message-ID for e-mail; the same for every attempt. */
    messageKey: text("message_key"),
    providerId: text("provider_id"),
    /** Why it ended as it did, or what it waits for. */
    errorMessage: text("error_message"),
    /** Asked to be cancelled while SENDING: honoured if it turns out that it did not leave. */
    cancelReason: text("cancel_reason"),
    /** Credits held for it when it was scheduled. */
    credits: thousandths("credits").notNull(),
    /** When it left PENDING for good. */
    processedAt: instant("processed_at"),
    createdAt: instant("created_at").notNull(),
    /** As it was sent. */
    subject: text("subject"),
    text: text("text"),
  },
  (t) => [
    uniqueIndex("messages_stage").on(t.conversationId, t.stage),
    // With the sender, so that messages of a busy one are passed over without reading them.
    index("messages_due").on(t.runAt, t.id, t.senderId).where(where("status = 'PENDING'")),
    index("messages_lease").on(t.leaseUntil).where(where("status = 'SENDING'")),
    index("messages_unknown").on(t.runAt).where(where("status = 'UNKNOWN'")),
    index("messages_campaign").on(t.campaignId, t.id),
    // What waits for a person or an event (`NEVER` in messages/model.ts), for the resume of a campaign.
    index("messages_parked")
      .on(t.campaignId, t.scheduledTime, t.id)
      .where(where("status = 'PENDING' and run_at = 8640000000000000")),
    // The lists by time. What they sort by never changes, so a message costs each of them one entry, once; only the rare
    // ends have entries of their own, so that a page of them need not pass over all that went well.
    index("messages_follow_ups").on(t.scheduledTime, t.id).where(where("stage > 0")),
    index("messages_openings").on(t.scheduledTime, t.id).where(where("stage = 0")),
    index("messages_brand").on(t.brandId, t.scheduledTime, t.id).where(where("stage > 0")),
    index("messages_cancelled").on(t.scheduledTime, t.id).where(where("status = 'CANCELLED'")),
    index("messages_failed").on(t.scheduledTime, t.id).where(where("status = 'FAILED'")),
  ],
);

/** How many messages of a campaign stand where: kept in the transaction of every change, so that totals are exact and cost nothing. */
export const messageCounts = table(
  "message_counts",
  {
    campaignId: text("campaign_id").notNull(),
    stage: integer("stage").notNull(),
    status: text("status").notNull(),
    count: integer("count").notNull(),
  },
  (t) => [primaryKey({ name: "message_counts_key", columns: [t.campaignId, t.stage, t.status] })],
);

/**
 * How many messages of the whole platform are scheduled when, as the reference API names their status: by hour, by day and
 * in all. They lead to the page of a list that begins at row ten million without reading the rows before it.
 */
export const messageTallies = table(
  "message_tallies",
  {
    span: word("span", ["ALL", "DAY", "HOUR"]).notNull(),
    kind: word("kind", ["OPENING", "FOLLOW_UP"]).notNull(),
    /** The first moment of the span; 0 for ALL. */
    start: instant("start").notNull(),
    status: word("status", ["PENDING", "SENT", "CANCELLED", "FAILED"]).notNull(),
    /** Which part of the count this is: transactions that count at the same time seldom wait for each other. */
    shard: integer("shard").notNull(),
    count: whole("count").notNull(),
  },
  (t) => [primaryKey({ name: "message_tallies_key", columns: [t.span, t.kind, t.start, t.status, t.shard] })],
);

/** Credits by campaign and channel: still held, settled, given back. */
export const campaignCredits = table(
  "campaign_credits",
  {
    campaignId: text("campaign_id").notNull(),
    creditType: text("credit_type").notNull(),
    reserved: thousandths("reserved").notNull(),
    used: thousandths("used").notNull(),
    released: thousandths("released").notNull(),
  },
  (t) => [primaryKey({ name: "campaign_credits_key", columns: [t.campaignId, t.creditType] })],
);
