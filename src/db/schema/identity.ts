import {
  bool,
  enumText,
  index,
  integer,
  primaryKey,
  rawCondition,
  table,
  text,
  timestampMs,
  uniqueIndex,
} from "../columns.ts";

// Users, sessions and keys, in the tables of better-auth. Its adapter reads and writes them through the store of this project.

/** Users who sign in. */
export const users = table(
  "users",
  {
    id: text("id").primaryKey(),
    name: text("name").notNull(),
    /** Lower case. */
    email: text("email").notNull(),
    emailVerified: bool("email_verified").notNull().default(false),
    image: text("image"),
    role: enumText("role", ["admin", "user"]).notNull().default("user"),
    banned: bool("banned").default(false),
    banReason: text("ban_reason"),
    banExpires: timestampMs("ban_expires"),
    createdAt: timestampMs("created_at").notNull(),
    updatedAt: timestampMs("updated_at").notNull(),
  },
  (t) => [
    uniqueIndex("users_email").on(t.email),
    index("users_unverified").on(t.createdAt).where(rawCondition("not email_verified")),
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
    expiresAt: timestampMs("expires_at").notNull(),
    ipAddress: text("ip_address"),
    userAgent: text("user_agent"),
    impersonatedBy: text("impersonated_by"),
    createdAt: timestampMs("created_at").notNull(),
    updatedAt: timestampMs("updated_at").notNull(),
    /** Time when the password was last entered; null: when the session began. */
    signedInAt: timestampMs("signed_in_at"),
    /** Time when it was last used, to within minutes; null: not since it began. */
    lastSeenAt: timestampMs("last_seen_at"),
  },
  (t) => [uniqueIndex("sessions_token").on(t.token), index("sessions_user").on(t.userId)],
);

/** Ways to sign in: passwords. */
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
    accessTokenExpiresAt: timestampMs("access_token_expires_at"),
    refreshTokenExpiresAt: timestampMs("refresh_token_expires_at"),
    scope: text("scope"),
    createdAt: timestampMs("created_at").notNull(),
    updatedAt: timestampMs("updated_at").notNull(),
  },
  (t) => [index("accounts_user").on(t.userId)],
);

export const verifications = table(
  "verifications",
  {
    id: text("id").primaryKey(),
    identifier: text("identifier").notNull(),
    value: text("value").notNull(),
    expiresAt: timestampMs("expires_at").notNull(),
    createdAt: timestampMs("created_at").notNull(),
    updatedAt: timestampMs("updated_at").notNull(),
  },
  (t) => [index("verifications_identifier").on(t.identifier)],
);

/** API keys. Only the hash of a key is stored. */
export const apiKeys = table(
  "api_keys",
  {
    id: text("id").primaryKey(),
    configId: text("config_id").notNull().default("default"),
    name: text("name"),
    start: text("start"),
    prefix: text("prefix"),
    key: text("key").notNull(),
    /** The user on whose behalf the key acts. */
    referenceId: text("reference_id").notNull(),
    refillInterval: integer("refill_interval"),
    refillAmount: integer("refill_amount"),
    lastRefillAt: timestampMs("last_refill_at"),
    enabled: bool("enabled").default(true),
    rateLimitEnabled: bool("rate_limit_enabled").default(false),
    rateLimitTimeWindow: integer("rate_limit_time_window"),
    rateLimitMax: integer("rate_limit_max"),
    requestCount: integer("request_count").default(0),
    remaining: integer("remaining"),
    lastRequest: timestampMs("last_request"),
    expiresAt: timestampMs("expires_at"),
    /** A PERSONAL key ends with its owner's password and sessions; a SERVICE key is valid until it is revoked. */
    kind: enumText("kind", ["PERSONAL", "SERVICE"]).notNull().default("PERSONAL"),
    /** The session that created it: a personal key ends when its user ends that session. */
    sessionId: text("session_id"),
    permissions: text("permissions"),
    metadata: text("metadata"),
    createdAt: timestampMs("created_at").notNull(),
    updatedAt: timestampMs("updated_at").notNull(),
  },
  (t) => [uniqueIndex("api_keys_key").on(t.key), index("api_keys_reference").on(t.referenceId)],
);

/**
 * Counters of sign-in attempts (`identity/signInThrottle.ts`), shared by all replicas and kept over restarts. Subjects are hashed
 * into a fixed number of buckets, so that attempts cannot fill the table.
 */
export const signInCounters = table(
  "sign_in_counters",
  {
    bucket: integer("bucket").primaryKey(),
    /** Time when the whole burst is available again. From then on the row has no effect. */
    fullAgainAt: timestampMs("full_again_at").notNull(),
  },
  (t) => [index("sign_in_counters_full").on(t.fullAgainAt)],
);

/** Client addresses from which accounts have signed in. Both columns are keyed hashes, which identify no one without the key. */
export const knownClients = table(
  "known_clients",
  {
    account: text("account").notNull(),
    client: text("client").notNull(),
    seenAt: timestampMs("seen_at").notNull(),
  },
  (t) => [
    primaryKey({ name: "known_clients_key", columns: [t.account, t.client] }),
    index("known_clients_seen").on(t.seenAt),
  ],
);

/** Invitations of admins to e-mail addresses. Only the hash of a token is stored. */
export const invitations = table(
  "invitations",
  {
    id: text("id").primaryKey(),
    /** Lower case. */
    email: text("email").notNull(),
    name: text("name"),
    role: enumText("role", ["admin", "user"]).notNull().default("user"),
    /** A brand without an owner that the invited user will own. */
    brandId: text("brand_id"),
    /** The name of a brand that is created on acceptance. */
    brandName: text("brand_name"),
    tokenHash: text("token_hash").notNull(),
    /** The admin who created it. */
    createdBy: text("created_by").notNull(),
    expiresAt: timestampMs("expires_at").notNull(),
    acceptedAt: timestampMs("accepted_at"),
    /** The user who accepted it. */
    userId: text("user_id"),
    createdAt: timestampMs("created_at").notNull(),
  },
  (t) => [
    uniqueIndex("invitations_token").on(t.tokenHash),
    uniqueIndex("invitations_open").on(t.email).where(rawCondition("accepted_at is null")),
  ],
);

/** Settings of the installation, e.g. the hash of the one-time claim token. */
export const settings = table("settings", {
  name: text("name").primaryKey(),
  value: text("value").notNull(),
  updatedAt: timestampMs("updated_at").notNull(),
});
