import {
  bigint,
  enumText,
  index,
  integer,
  primaryKey,
  rawCondition,
  table,
  text,
  thousandths,
  timestampMs,
  uniqueIndex,
} from "../columns.ts";
import { conversations } from "./conversations.ts";

/**
 * Outbound messages, one row for each (conversation, stage). The table *is* the durable queue, on every size of deployment.
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
    channel: enumText("channel", ["EMAIL", "SMS", "VOICEMAIL"]).notNull(),
    status: enumText("status", ["PENDING", "SENDING", "SENT", "CANCELLED", "FAILED", "UNKNOWN"]).notNull(),
    /** Time when it is planned to be sent. */
    scheduledTime: timestampMs("scheduled_time").notNull(),
    /** Time when it is due for the engine: the scheduled time, or later after a retry or a wait. */
    runAt: timestampMs("run_at").notNull(),
    senderId: text("sender_id"),
    /** While SENDING: the claim expires at this time. */
    leaseUntil: timestampMs("lease_until"),
    /** While it is claimed: names the claiming transaction, so that a worker finds its claims when the commit was not confirmed. */
    claim: text("claim"),
    /** Incremented by every claim, and when a claim is abandoned. */
    fence: integer("fence").notNull().default(0),
    attempts: integer("attempts").notNull().default(0),
    /** The RFC 5322 Message-ID for e-mail; the same for every attempt. */
    messageKey: text("message_key"),
    providerId: text("provider_id"),
    /** Reason why it ended, or why it waits. */
    errorMessage: text("error_message"),
    /** Set by a cancellation while SENDING: applied if the message turns out not to have been sent. */
    cancelReason: text("cancel_reason"),
    /** Credits reserved when it was scheduled. */
    credits: thousandths("credits").notNull(),
    /** Time when it reached a final status. */
    processedAt: timestampMs("processed_at"),
    createdAt: timestampMs("created_at").notNull(),
    /** The text as sent. */
    subject: text("subject"),
    text: text("text"),
  },
  (t) => [
    uniqueIndex("messages_stage").on(t.conversationId, t.stage),
    // With the sender, so that messages of a busy sender are skipped without reading their rows.
    index("messages_due").on(t.runAt, t.id, t.senderId).where(rawCondition("status = 'PENDING'")),
    index("messages_lease").on(t.leaseUntil).where(rawCondition("status = 'SENDING'")),
    index("messages_unknown").on(t.runAt).where(rawCondition("status = 'UNKNOWN'")),
    index("messages_campaign").on(t.campaignId, t.id),
    // Messages that wait for a person or an event (`NEVER` in messages/model.ts), for the resume of a campaign.
    index("messages_parked")
      .on(t.campaignId, t.scheduledTime, t.id)
      .where(rawCondition("status = 'PENDING' and run_at = 8640000000000000")),
    // The lists by time. Their sort keys never change, so a message is written to each index once. Cancelled and failed
    // messages are rare and have indexes of their own, so that a page of them does not read past all others.
    index("messages_follow_ups").on(t.scheduledTime, t.id).where(rawCondition("stage > 0")),
    index("messages_openings").on(t.scheduledTime, t.id).where(rawCondition("stage = 0")),
    index("messages_brand").on(t.brandId, t.scheduledTime, t.id).where(rawCondition("stage > 0")),
    index("messages_cancelled").on(t.scheduledTime, t.id).where(rawCondition("status = 'CANCELLED'")),
    index("messages_failed").on(t.scheduledTime, t.id).where(rawCondition("status = 'FAILED'")),
  ],
);

/** Messages of a campaign by stage and status, updated in the transaction of every change, so that totals are exact and cheap. */
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
 * Messages of the whole platform by scheduled hour, by day and in total, with the status names of the reference API. They
 * locate the page of a list that begins at row ten million without reading the rows before it.
 */
export const messageTallies = table(
  "message_tallies",
  {
    span: enumText("span", ["ALL", "DAY", "HOUR"]).notNull(),
    kind: enumText("kind", ["OPENING", "FOLLOW_UP"]).notNull(),
    /** The first millisecond of the span; 0 for ALL. */
    start: timestampMs("start").notNull(),
    status: enumText("status", ["PENDING", "SENT", "CANCELLED", "FAILED"]).notNull(),
    /** Splits each count over several rows, so that concurrent transactions rarely wait for each other. */
    shard: integer("shard").notNull(),
    count: bigint("count").notNull(),
  },
  (t) => [primaryKey({ name: "message_tallies_key", columns: [t.span, t.kind, t.start, t.status, t.shard] })],
);
