import { sql } from "drizzle-orm";
import { bool, index, instant, integer, json, real, table, text, uniqueIndex, where, word } from "../columns.ts";

/** A tenant. It has one owner (a user) and may have none yet. */
export const brands = table(
  "brands",
  {
    id: text("id").primaryKey(),
    name: text("name").notNull(),
    ownerId: text("owner_id"),
    timezone: text("timezone").notNull().default("UTC"),
    /** Stands at the foot of every campaign mail (CAN-SPAM, 15 U.S.C. 7704(a)(5)). */
    postalAddress: text("postal_address"),
    twilioAccountSid: text("twilio_account_sid"),
    /** Sealed. */
    twilioAuthToken: text("twilio_auth_token"),
    twillioMessagingServiceSid: text("twillio_messaging_service_sid"),
    createdAt: instant("created_at").notNull(),
    updatedAt: instant("updated_at").notNull(),
  },
  (t) => [uniqueIndex("brands_owner").on(t.ownerId), index("brands_created").on(t.createdAt, t.id)],
);

/** How many brands were created on each day (UTC), less those removed: the way to a page deep in their list. */
export const brandDays = table("brand_days", {
  /** Its first moment. */
  start: instant("start").primaryKey(),
  count: integer("count").notNull(),
});

/** A mailbox that sends for one brand at a time. */
export const emailAccounts = table(
  "email_accounts",
  {
    id: text("id").primaryKey(),
    brandId: text("brand_id").references(() => brands.id),
    email: text("email").notNull(),
    displayName: text("display_name"),
    provider: word("provider", ["GMAIL", "SMTP"]).notNull(),
    accountType: word("account_type", ["OAUTH", "SERVICE_ACCOUNT", "SMTP"]).notNull(),
    host: text("host"),
    port: integer("port"),
    security: word("security", ["TLS", "STARTTLS", "NONE"]),
    /** An admin gave this server, and it lies in one of SMTP_PRIVATE_NETWORKS. */
    privateHost: bool("private_host").notNull().default(false),
    username: text("username"),
    /** Sealed. */
    secret: text("secret"),
    connectionStatus: word("connection_status", ["CONNECTED", "REAUTH_REQUIRED", "ERROR", "DISCONNECTED"]).notNull(),
    connectionError: text("connection_error"),
    /** The Google Workspace domain it belongs to; null for every other mailbox. */
    workspaceDomain: text("workspace_domain"),
    /** The operator's switch, independent of the connection. */
    isActive: bool("is_active").notNull().default(true),
    dailyLimit: integer("daily_limit").notNull(),
    timezone: text("timezone").notNull().default("UTC"),
    /** The provider asked us to wait: nothing leaves before this moment. */
    pausedUntil: instant("paused_until"),
    pausedReason: text("paused_reason"),
    /** Failures in a row: each makes the next pause longer. */
    failures: integer("failures").notNull().default(0),
    /** A volume ramp of our own: while WARMING the cap of a day is what the ramp allows. That it is COMPLETED is seen, not stored: `senders/warmup.ts`. */
    warmupStatus: word("warmup_status", ["NOT_STARTED", "WARMING", "PAUSED", "COMPLETED"])
      .notNull()
      .default("NOT_STARTED"),
    /** The first day of the ramp; moved on by a pause, so that days without it do not count. */
    warmupStartedAt: instant("warmup_started_at"),
    warmupPausedAt: instant("warmup_paused_at"),
    lastUsedAt: instant("last_used_at"),
    /** When its login worked, or an admin vouched for it. Until then it sends nothing and does not keep its address from others. */
    provedAt: instant("proved_at"),
    createdAt: instant("created_at").notNull(),
    updatedAt: instant("updated_at").notNull(),
  },
  (t) => [
    uniqueIndex("email_accounts_proved").on(t.email).where(where("proved_at is not null")),
    uniqueIndex("email_accounts_of_brand").on(t.email, t.brandId),
    index("email_accounts_brand").on(t.brandId),
    index("email_accounts_order").on(t.email, t.id),
  ],
);

/** Sends of one sender on one of its local days; the daily cap is a condition on this row, inside the claim. */
export const senderDays = table(
  "sender_days",
  {
    senderId: text("sender_id").notNull(),
    /** The sender's local date, `2026-11-23`. */
    day: text("day").notNull(),
    sends: integer("sends").notNull(),
    /** Those of them made while the sender was warming up. */
    warmupSends: integer("warmup_sends").notNull().default(0),
  },
  (t) => [
    uniqueIndex("sender_days_key").on(t.senderId, t.day),
    // A mailbox has days for years, and warmed up on few of them.
    index("sender_days_warmup").on(t.senderId, t.warmupSends).where(where("warmup_sends > 0")),
  ],
);

/** A phone number that leaves voicemails for a brand. */
export const voicemailAccounts = table(
  "voicemail_accounts",
  {
    id: text("id").primaryKey(),
    brandId: text("brand_id")
      .notNull()
      .references(() => brands.id),
    /** E.164. */
    phoneNumber: text("phone_number").notNull(),
    displayName: text("display_name").notNull(),
    provider: word("provider", ["TWILIO"]).notNull().default("TWILIO"),
    /** The operator's switch. */
    isActive: bool("is_active").notNull().default(true),
    /** When an admin vouched for it. Until then it does not keep its number from others. */
    provedAt: instant("proved_at"),
    /** Why it was switched off, where that was not its owner's doing. */
    inactiveReason: text("inactive_reason"),
    createdAt: instant("created_at").notNull(),
    updatedAt: instant("updated_at").notNull(),
  },
  (t) => [
    uniqueIndex("voicemail_accounts_proved").on(t.phoneNumber).where(where("proved_at is not null")),
    uniqueIndex("voicemail_accounts_of_brand").on(t.phoneNumber, t.brandId),
    index("voicemail_accounts_brand").on(t.brandId, t.id),
  ],
);

/** A person known to one brand. */
export const contacts = table(
  "contacts",
  {
    id: text("id").primaryKey(),
    brandId: text("brand_id")
      .notNull()
      .references(() => brands.id),
    /** Lower case. */
    email: text("email"),
    /** E.164. */
    phone: text("phone"),
    firstName: text("first_name"),
    lastName: text("last_name"),
    company: text("company"),
    timezone: text("timezone"),
    custom: json("custom").$type<Record<string, string>>().notNull(),
    /** Set by a permanent bounce: this address does not exist. */
    emailBouncedAt: instant("email_bounced_at"),
    createdAt: instant("created_at").notNull(),
    updatedAt: instant("updated_at").notNull(),
  },
  (t) => [
    uniqueIndex("contacts_email").on(t.brandId, t.email),
    uniqueIndex("contacts_phone").on(t.brandId, t.phone),
    index("contacts_brand").on(t.brandId, t.id),
    index("contacts_by_email").on(t.email),
    index("contacts_by_phone").on(t.phone),
  ],
);

/** Someone who must never be contacted, by one brand or (scope `platform`) by any. */
export const bans = table(
  "bans",
  {
    id: text("id").primaryKey(),
    /** A brand's id, or `platform`. */
    scope: text("scope").notNull(),
    email: text("email"),
    phone: text("phone"),
    reason: text("reason"),
    source: word("source", ["MANUAL", "OPT_OUT", "HOSTILE", "UNSUBSCRIBE"]).notNull(),
    /** The inbound text and its score behind an automatic ban. */
    messageGot: text("message_got"),
    sentimentScore: real("sentiment_score"),
    createdBy: text("created_by"),
    createdAt: instant("created_at").notNull(),
  },
  (t) => [
    uniqueIndex("bans_email").on(t.scope, t.email),
    uniqueIndex("bans_phone").on(t.scope, t.phone),
    index("bans_created").on(t.scope, t.createdAt, t.id),
    // A ban by phone alone sorts as the empty text. Not `coalesce`: drizzle-kit takes its comma for the end of a column.
    index("bans_by_email").on(t.scope, sql`(case when ${t.email} is null then '' else ${t.email} end)`, t.id),
  ],
);
