import { bool, index, instant, integer, table, text, uniqueIndex, where, word } from "../columns.ts";

// Who may come in. The shapes are better-auth's; its rows are read and written through our own store.

/** Someone who signs in. */
export const users = table(
  "users",
  {
    id: text("id").primaryKey(),
    name: text("name").notNull(),
    /** Lower case. */
    email: text("email").notNull(),
    emailVerified: bool("email_verified").notNull().default(false),
    image: text("image"),
    role: word("role", ["admin", "user"]).notNull().default("user"),
    banned: bool("banned").default(false),
    banReason: text("ban_reason"),
    banExpires: instant("ban_expires"),
    createdAt: instant("created_at").notNull(),
    updatedAt: instant("updated_at").notNull(),
  },
  (t) => [
    uniqueIndex("users_email").on(t.email),
    index("users_unverified").on(t.createdAt).where(where("not email_verified")),
  ],
);

export const sessions = table(
  "sessions",
  {
    id: text("id").primaryKey(),
    userId: text("user_id")
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    token: text("token").notNull(),
    expiresAt: instant("expires_at").notNull(),
    ipAddress: text("ip_address"),
    userAgent: text("user_agent"),
    impersonatedBy: text("impersonated_by"),
    createdAt: instant("created_at").notNull(),
    updatedAt: instant("updated_at").notNull(),
    /** When the password was given last; null: when the session began. */
    signedInAt: instant("signed_in_at"),
    /** When it was used last, to within minutes; null: not since it began. */
    lastSeenAt: instant("last_seen_at"),
  },
  (t) => [uniqueIndex("sessions_token").on(t.token), index("sessions_user").on(t.userId)],
);

/** A way to sign in; for us a password. */
export const accounts = table(
  "accounts",
  {
    id: text("id").primaryKey(),
    userId: text("user_id")
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    accountId: text("account_id").notNull(),
    providerId: text("provider_id").notNull(),
    password: text("password"),
    accessToken: text("access_token"),
    refreshToken: text("refresh_token"),
    idToken: text("id_token"),
    accessTokenExpiresAt: instant("access_token_expires_at"),
    refreshTokenExpiresAt: instant("refresh_token_expires_at"),
    scope: text("scope"),
    createdAt: instant("created_at").notNull(),
    updatedAt: instant("updated_at").notNull(),
  },
  (t) => [index("accounts_user").on(t.userId)],
);

export const verifications = table(
  "verifications",
  {
    id: text("id").primaryKey(),
    identifier: text("identifier").notNull(),
    value: text("value").notNull(),
    expiresAt: instant("expires_at").notNull(),
    createdAt: instant("created_at").notNull(),
    updatedAt: instant("updated_at").notNull(),
  },
  (t) => [index("verifications_identifier").on(t.identifier)],
);

/** A key for machines. Only its hash is kept. */
export const apiKeys = table(
  "api_keys",
  {
    id: text("id").primaryKey(),
    configId: text("config_id").notNull().default("default"),
    name: text("name"),
    start: text("start"),
    prefix: text("prefix"),
    key: text("key").notNull(),
    /** The user it acts for. */
    referenceId: text("reference_id").notNull(),
    refillInterval: integer("refill_interval"),
    refillAmount: integer("refill_amount"),
    lastRefillAt: instant("last_refill_at"),
    enabled: bool("enabled").default(true),
    rateLimitEnabled: bool("rate_limit_enabled").default(false),
    rateLimitTimeWindow: integer("rate_limit_time_window"),
    rateLimitMax: integer("rate_limit_max"),
    requestCount: integer("request_count").default(0),
    remaining: integer("remaining"),
    lastRequest: instant("last_request"),
    expiresAt: instant("expires_at"),
    /** A PERSONAL key ends with its owner's password and sessions; a SERVICE key goes on until it is revoked. */
    kind: word("kind", ["PERSONAL", "SERVICE"]).notNull().default("PERSONAL"),
    /** The session that made it: a personal key ends when that session is ended by its user. */
    sessionId: text("session_id"),
    permissions: text("permissions"),
    metadata: text("metadata"),
    createdAt: instant("created_at").notNull(),
    updatedAt: instant("updated_at").notNull(),
  },
  (t) => [uniqueIndex("api_keys_key").on(t.key), index("api_keys_reference").on(t.referenceId)],
);

/** An admin's word that somebody may come in under an address. Only the hash of its token is kept. */
export const invitations = table(
  "invitations",
  {
    id: text("id").primaryKey(),
    /** Lower case. */
    email: text("email").notNull(),
    name: text("name"),
    role: word("role", ["admin", "user"]).notNull().default("user"),
    /** The brand without an owner that the person will own. */
    brandId: text("brand_id"),
    /** The brand that is made for the person when they accept. */
    brandName: text("brand_name"),
    tokenHash: text("token_hash").notNull(),
    /** The admin who made it. */
    createdBy: text("created_by").notNull(),
    expiresAt: instant("expires_at").notNull(),
    acceptedAt: instant("accepted_at"),
    /** The user that came of it. */
    userId: text("user_id"),
    createdAt: instant("created_at").notNull(),
  },
  (t) => [
    uniqueIndex("invitations_token").on(t.tokenHash),
    uniqueIndex("invitations_open").on(t.email).where(where("accepted_at is null")),
  ],
);

/** What this installation remembers about itself, e.g. the hash of the one-time claim token. */
export const settings = table("settings", {
  name: text("name").primaryKey(),
  value: text("value").notNull(),
  updatedAt: instant("updated_at").notNull(),
});
