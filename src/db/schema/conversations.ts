import { bool, enumText, index, real, table, text, timestampMs, uniqueIndex } from "../columns.ts";
import { campaigns } from "./campaigns.ts";
import { contacts } from "./contacts.ts";

/** One row for each contact of a campaign. */
export const conversations = table(
  "conversations",
  {
    id: text("id").primaryKey(),
    brandId: text("brand_id").notNull(),
    campaignId: text("campaign_id")
      .notNull()
      .references(() => campaigns.id),
    contactId: text("contact_id")
      .notNull()
      .references(() => contacts.id),
    /** AUTO: follow-ups are sent. MANUAL: a person took over. */
    mode: enumText("mode", ["AUTO", "MANUAL"]).notNull().default("AUTO"),
    status: enumText("status", [
      "QUEUED",
      "ACTIVE",
      "PAUSED",
      "REPLIED",
      "COMPLETED",
      "BOUNCED",
      "OPTED_OUT",
      "FAILED",
      "REMOVED",
    ]).notNull(),
    /** The mailbox of the opening message. Follow-ups are sent from the same one. */
    senderId: text("sender_id"),
    unread: bool("unread").notNull().default(false),
    sentimentScore: real("sentiment_score"),
    repliedAt: timestampMs("replied_at"),
    createdAt: timestampMs("created_at").notNull(),
    updatedAt: timestampMs("updated_at").notNull(),
  },
  (t) => [
    uniqueIndex("conversations_member").on(t.campaignId, t.contactId),
    index("conversations_contact").on(t.contactId, t.id),
    index("conversations_campaign").on(t.campaignId, t.id),
    index("conversations_brand").on(t.brandId, t.id),
  ],
);

/** Replies of contacts, and reports of mail servers about them. */
export const inboundMessages = table(
  "inbound_messages",
  {
    id: text("id").primaryKey(),
    brandId: text("brand_id").notNull(),
    conversationId: text("conversation_id").notNull(),
    channel: enumText("channel", ["EMAIL", "SMS", "VOICEMAIL"]).notNull(),
    /** The provider's id: a message that is delivered twice is one row. */
    providerId: text("provider_id").notNull(),
    intent: enumText("intent", ["REPLY", "OPT_OUT", "OPT_IN", "HOSTILE", "AUTO_REPLY", "BOUNCE"]).notNull(),
    subject: text("subject"),
    text: text("text").notNull(),
    sentimentScore: real("sentiment_score"),
    receivedAt: timestampMs("received_at").notNull(),
  },
  (t) => [
    uniqueIndex("inbound_provider").on(t.brandId, t.providerId),
    index("inbound_conversation").on(t.conversationId, t.id),
  ],
);
