import { bool, index, instant, integer, json, primaryKey, table, text, word } from "../columns.ts";
import { brands } from "./brands.ts";

/** Steps by stage, sent to contacts: stage 0 opens, stages 1..n follow up. */
export const campaigns = table(
  "campaigns",
  {
    id: text("id").primaryKey(),
    brandId: text("brand_id")
      .notNull()
      .references(() => brands.id),
    name: text("name").notNull(),
    status: word("status", [
      "DRAFT",
      "SCHEDULED",
      "RUNNING",
      "PAUSED",
      "AUTO_PAUSED",
      "COMPLETED",
      "CANCELLED",
      "ARCHIVED",
    ]).notNull(),
    /** Why it is AUTO_PAUSED, or what a person gave as a reason. */
    statusReason: text("status_reason"),
    channels: json("channels").$type<("EMAIL" | "SMS" | "VOICEMAIL")[]>().notNull(),
    timezone: text("timezone").notNull(),
    sendWindows: json("send_windows").$type<{ days: string[]; from: string; to: string }[]>().notNull(),
    startAt: instant("start_at"),
    endAt: instant("end_at"),
    stopOnReply: bool("stop_on_reply").notNull().default(true),
    /** Counts saves; a PATCH against an older one is refused. */
    version: integer("version").notNull().default(1),
    launchedAt: instant("launched_at"),
    completedAt: instant("completed_at"),
    createdAt: instant("created_at").notNull(),
    updatedAt: instant("updated_at").notNull(),
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
    channel: word("channel", ["EMAIL", "SMS", "VOICEMAIL"]).notNull(),
    /** After the stage before it was sent; for stage 0 after launch. Milliseconds. */
    delay: instant("delay").notNull(),
    subject: text("subject"),
    body: text("body").notNull(),
  },
  (t) => [primaryKey({ name: "campaign_steps_key", columns: [t.campaignId, t.stage] })],
);

/** The mailboxes a campaign sends from. */
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
