import { bool, enumText, index, integer, rawCondition, table, text, timestampMs, uniqueIndex } from "../columns.ts";
import { brands } from "./brands.ts";

/** Mailboxes. Each sends for one brand at a time. */
export const emailAccounts = table(
  "email_accounts",
  {
    id: text("id").primaryKey(),
    brandId: text("brand_id").references(() => brands.id),
    email: text("email").notNull(),
    displayName: text("display_name"),
    provider: enumText("provider", ["GMAIL", "SMTP"]).notNull(),
    accountType: enumText("account_type", ["OAUTH", "SERVICE_ACCOUNT", "SMTP"]).notNull(),
    host: text("host"),
    port: integer("port"),
    security: enumText("security", ["TLS", "STARTTLS", "NONE"]),
    /** True when an admin configured the server and it is in one of SMTP_PRIVATE_NETWORKS. */
    privateHost: bool("private_host").notNull().default(false),
    username: text("username"),
    /** Encrypted. */
    secret: text("secret"),
    connectionStatus: enumText("connection_status", [
      "CONNECTED",
      "REAUTH_REQUIRED",
      "ERROR",
      "DISCONNECTED",
    ]).notNull(),
    connectionError: text("connection_error"),
    /** The Google Workspace domain; null for every other mailbox. */
    workspaceDomain: text("workspace_domain"),
    /** Switched by an operator, independent of the connection. */
    isActive: bool("is_active").notNull().default(true),
    dailyLimit: integer("daily_limit").notNull(),
    timezone: text("timezone").notNull().default("UTC"),
    /** Time before which nothing is sent, because the provider asked to wait. */
    pausedUntil: timestampMs("paused_until"),
    pausedReason: text("paused_reason"),
    /** Consecutive failures: each makes the next pause longer. */
    failures: integer("failures").notNull().default(0),
    /** The volume ramp: while WARMING it limits the daily cap. COMPLETED is computed, not stored: `senders/warmup.ts`. */
    warmupStatus: enumText("warmup_status", ["NOT_STARTED", "WARMING", "PAUSED", "COMPLETED"])
      .notNull()
      .default("NOT_STARTED"),
    /** The first day of the ramp. A pause moves it forward, so that paused days do not count. */
    warmupStartedAt: timestampMs("warmup_started_at"),
    warmupPausedAt: timestampMs("warmup_paused_at"),
    lastUsedAt: timestampMs("last_used_at"),
    /**
     * Time when its login was verified or an admin confirmed it. Until then it sends nothing, and others may add the same
     * address.
     */
    provedAt: timestampMs("proved_at"),
    createdAt: timestampMs("created_at").notNull(),
    updatedAt: timestampMs("updated_at").notNull(),
  },
  (t) => [
    uniqueIndex("email_accounts_proved").on(t.email).where(rawCondition("proved_at is not null")),
    uniqueIndex("email_accounts_of_brand").on(t.email, t.brandId),
    index("email_accounts_brand").on(t.brandId),
    index("email_accounts_order").on(t.email, t.id),
  ],
);

/** Messages of a sender on one of its local days. The claim enforces the daily cap by a condition on this row. */
export const senderDays = table(
  "sender_days",
  {
    senderId: text("sender_id").notNull(),
    /** The sender's local date, such as `2026-11-23`. */
    day: text("day").notNull(),
    sends: integer("sends").notNull(),
    /** The part of them sent while the sender was warming up. */
    warmupSends: integer("warmup_sends").notNull().default(0),
  },
  (t) => [
    uniqueIndex("sender_days_key").on(t.senderId, t.day),
    // Few of the days of a mailbox belong to its warmup.
    index("sender_days_warmup").on(t.senderId, t.warmupSends).where(rawCondition("warmup_sends > 0")),
  ],
);

/** Phone numbers from which voicemails are left for a brand. */
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
    provider: enumText("provider", ["TWILIO"]).notNull().default("TWILIO"),
    /** Switched by an operator. */
    isActive: bool("is_active").notNull().default(true),
    /** Time when an admin confirmed it. Until then others may add the same number. */
    provedAt: timestampMs("proved_at"),
    /** Reason why it was switched off, unless its owner did it. */
    inactiveReason: text("inactive_reason"),
    createdAt: timestampMs("created_at").notNull(),
    updatedAt: timestampMs("updated_at").notNull(),
  },
  (t) => [
    uniqueIndex("voicemail_accounts_proved").on(t.phoneNumber).where(rawCondition("proved_at is not null")),
    uniqueIndex("voicemail_accounts_of_brand").on(t.phoneNumber, t.brandId),
    index("voicemail_accounts_brand").on(t.brandId, t.id),
  ],
);
