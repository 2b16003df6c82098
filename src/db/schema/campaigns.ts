import {
  bool,
  index,
  instant,
  integer,
  json,
  primaryKey,
  real,
  table,
  text,
  uniqueIndex,
  whole,
  word,
} from "../columns.ts";
import { brands, contacts } from "./brands.ts";

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

/** One contact in one campaign. */
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
    /** AUTO: the engine continues. MANUAL: a person took over. */
    mode: word("mode", ["AUTO", "MANUAL"]).notNull().default("AUTO"),
    status: word("status", [
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
    /** The mailbox that opened it; follow-ups leave from the same one. */
    senderId: text("sender_id"),
    unread: bool("unread").notNull().default(false),
    sentimentScore: real("sentiment_score"),
    repliedAt: instant("replied_at"),
    createdAt: instant("created_at").notNull(),
    updatedAt: instant("updated_at").notNull(),
  },
  (t) => [
    uniqueIndex("conversations_member").on(t.campaignId, t.contactId),
    index("conversations_contact").on(t.contactId, t.id),
    index("conversations_campaign").on(t.campaignId, t.id),
    index("conversations_brand").on(t.brandId, t.id),
  ],
);

/** What a contact wrote back, or what a mail server reported about them. */
export const inboundMessages = table(
  "inbound_messages",
  {
    id: text("id").primaryKey(),
    brandId: text("brand_id").notNull(),
    conversationId: text("conversation_id").notNull(),
    channel: word("channel", ["EMAIL", "SMS", "VOICEMAIL"]).notNull(),
    /** The provider's own id: the same message delivered twice is one row. */
    providerId: text("provider_id").notNull(),
    intent: word("intent", ["REPLY", "OPT_OUT", "OPT_IN", "HOSTILE", "AUTO_REPLY", "BOUNCE"]).notNull(),
    subject: text("subject"),
    text: text("text").notNull(),
    sentimentScore: real("sentiment_score"),
    receivedAt: instant("received_at").notNull(),
  },
  (t) => [
    uniqueIndex("inbound_provider").on(t.brandId, t.providerId),
    index("inbound_conversation").on(t.conversationId, t.id),
  ],
);

/** A contact file being read. The file lies in the data folder until it is done, so that a restart goes on. */
export const importJobs = table(
  "import_jobs",
  {
    id: text("id").primaryKey(),
    brandId: text("brand_id").notNull(),
    campaignId: text("campaign_id")
      .notNull()
      .references(() => campaigns.id, { onDelete: "cascade" }),
    fileName: text("file_name").notNull(),
    status: word("status", ["RUNNING", "DONE", "FAILED"]).notNull(),
    /** How the file is to be read, and whom to leave out. */
    options: json("mapping").$type<{
      mapping?: Record<string, string>;
      defaultCountry?: string;
      allowActiveElsewhere?: boolean;
    } | null>(),
    onDuplicate: word("on_duplicate", ["SKIP", "UPDATE"]).notNull(),
    /** Rows judged so far, and the line of the last one: where a restart goes on. */
    rows: integer("rows").notNull().default(0),
    lastLine: integer("last_line").notNull().default(0),
    verdicts: json("verdicts").$type<Record<string, number>>().notNull(),
    error: text("error"),
    /** The file's size, and what the verdicts of its rows take: counted against the brand's limit of stored bytes. */
    fileBytes: whole("file_bytes").notNull().default(0),
    resultBytes: whole("result_bytes").notNull().default(0),
    createdAt: instant("created_at").notNull(),
    finishedAt: instant("finished_at"),
  },
  (t) => [index("import_jobs_status").on(t.status), index("import_jobs_campaign").on(t.campaignId)],
);

/** The verdict on one row of an imported file. */
export const importRows = table(
  "import_rows",
  {
    jobId: text("job_id")
      .notNull()
      .references(() => importJobs.id, { onDelete: "cascade" }),
    line: integer("line").notNull(),
    verdict: text("verdict").notNull(),
    email: text("email"),
    phone: text("phone"),
    message: text("message"),
  },
  (t) => [primaryKey({ name: "import_rows_key", columns: [t.jobId, t.line] })],
);
