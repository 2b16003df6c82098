import { bigint, index, primaryKey, table, text, timestampMs } from "../columns.ts";

// Limits of users and brands, and what they have used.

/** Limits that an admin changed, for one brand or for the platform. A brand's value overrides the platform's. */
export const limitOverrides = table(
  "limit_overrides",
  {
    /** A brand's id, or `platform`. */
    scope: text("scope").notNull(),
    name: text("name").notNull(),
    /** Null: reset to the default. The row stays, because it names the admin who did it. */
    value: bigint("value"),
    /** The admin's user id. */
    changedBy: text("changed_by").notNull(),
    changedAt: timestampMs("changed_at").notNull(),
  },
  (t) => [primaryKey({ name: "limit_overrides_key", columns: [t.scope, t.name] })],
);

/** Usage of each quota, changed by conditional updates in the transaction that adds or deletes the rows. */
export const usageCounts = table(
  "usage_counts",
  {
    /** A brand's id, or `platform`. */
    scope: text("scope").notNull(),
    name: text("name").notNull(),
    used: bigint("used").notNull(),
  },
  (t) => [primaryKey({ name: "usage_counts_key", columns: [t.scope, t.name] })],
);

/** Token buckets that all processes share. Each process leases tokens from here, many at once where the limit is high. */
export const tokenBuckets = table(
  "token_buckets",
  {
    /** A user, a brand, or the hash of a mailbox login. */
    subject: text("subject").notNull(),
    name: text("name").notNull(),
    /** Time when the bucket will be full if no more tokens are taken. */
    fullAt: timestampMs("full_at").notNull(),
  },
  (t) => [
    primaryKey({ name: "token_buckets_key", columns: [t.subject, t.name] }),
    index("token_buckets_full").on(t.fullAt),
  ],
);

/** Usage by day (UTC), for limits that a restart must not reset. */
export const dailyCounts = table(
  "daily_counts",
  {
    subject: text("subject").notNull(),
    name: text("name").notNull(),
    /** The first millisecond of the day. */
    day: timestampMs("day").notNull(),
    used: bigint("used").notNull(),
  },
  (t) => [
    primaryKey({ name: "daily_counts_key", columns: [t.subject, t.name, t.day] }),
    index("daily_counts_day").on(t.day),
  ],
);
