import { bool, enumText, index, integer, json, primaryKey, table, text, timestampMs } from "../columns.ts";
import { brands } from "./brands.ts";

/** Campaigns: steps by stage, where stage 0 is the opening and stages 1..n are follow-ups. */
export const campaigns = table(
  "campaigns",
  {
    id: text("id").primaryKey(),
    brandId: text("brand_id")
      .notNull()
      .references(() => brands.id),
    name: text("name").notNull(),
    status: enumText("status", [
      "DRAFT",
      "SCHEDULED",
      "RUNNING",
      "PAUSED",
      "AUTO_PAUSED",
      "COMPLETED",
      "CANCELLED",
      "ARCHIVED",
    ]).notNull(),
    /** Reason why it is AUTO_PAUSED, or the reason that a person gave. */
    statusReason: text("status_reason"),
    channels: json("channels").$type<("EMAIL" | "SMS" | "VOICEMAIL")[]>().notNull(),
    timezone: text("timezone").notNull(),
    sendWindows: json("send_windows").$type<{ days: string[]; from: string; to: string }[]>().notNull(),
    startAt: timestampMs("start_at"),
    endAt: timestampMs("end_at"),
    stopOnReply: bool("stop_on_reply").notNull().default(true),
    /** Incremented by every update; a PATCH based on an older version is rejected. */
    version: integer("version").notNull().default(1),
    launchedAt: timestampMs("launched_at"),
    completedAt: timestampMs("completed_at"),
    createdAt: timestampMs("created_at").notNull(),
    updatedAt: timestampMs("updated_at").notNull(),
  },
  (t) => [index("campaigns_brand").on(t.brandId, t.id), index("campaigns_status").on(t.status)],
);

export const campaignSteps = table(
  "campaign_steps",
  {
    campaignId: text("campaign_id")
      .notNull()
      .references(() => campaigns.id, { onDelete: "cascade" }),
    stage: integer("stage").notNull(),
    channel: enumText("channel", ["EMAIL", "SMS", "VOICEMAIL"]).notNull(),
    /** Milliseconds after the previous stage was sent, for stage 0 after launch. */
    delay: timestampMs("delay").notNull(),
    subject: text("subject"),
    body: text("body").notNull(),
  },
  (t) => [primaryKey({ name: "campaign_steps_key", columns: [t.campaignId, t.stage] })],
);

/** The mailboxes from which a campaign sends. */
export const campaignSenders = table(
  "campaign_senders",
  {
    campaignId: text("campaign_id")
      .notNull()
      .references(() => campaigns.id, { onDelete: "cascade" }),
    senderId: text("sender_id").notNull(),
  },
  (t) => [primaryKey({ name: "campaign_senders_key", columns: [t.campaignId, t.senderId] })],
);
