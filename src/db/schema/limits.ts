import { index, instant, primaryKey, table, text, whole } from "../columns.ts";

// What users and brands may use, and what they have used of it.

/** A limit that an admin changed, for one brand or for the platform. A brand's own value comes before the platform's. */
export const limitOverrides = table(
  "limit_overrides",
  {
    /** A brand's id, or `platform`. */
    scope: text("scope").notNull(),
    name: text("name").notNull(),
    /** Null: the default again. The row stays, because it says who decided that. */
    value: whole("value"),
    /** The admin's user id. */
    changedBy: text("changed_by").notNull(),
    changedAt: instant("changed_at").notNull(),
  },
  (t) => [primaryKey({ name: "limit_overrides_key", columns: [t.scope, t.name] })],
);

/** How much of each quota is used. It is changed by conditional updates in the transaction that adds or removes the rows. */
export const usageCounts = table(
  "usage_counts",
  {
    /** A brand's id, or `platform`. */
    scope: text("scope").notNull(),
    name: text("name").notNull(),
    used: whole("used").notNull(),
  },
  (t) => [primaryKey({ name: "usage_counts_key", columns: [t.scope, t.name] })],
);

/** Token buckets that all processes share: each leases tokens from here, many at once where the limit is wide. */
export const tokenBuckets = table(
  "token_buckets",
  {
    /** A user, a brand, or a mailbox login as a hash. */
    subject: text("subject").notNull(),
    name: text("name").notNull(),
    /** When the bucket is full again if nothing more is taken. */
    fullAt: instant("full_at").notNull(),
  },
  (t) => [
    primaryKey({ name: "token_buckets_key", columns: [t.subject, t.name] }),
    index("token_buckets_full").on(t.fullAt),
  ],
);

/** Counts of a day (UTC), for limits that a restart must not reset. */
export const dailyCounts = table(
  "daily_counts",
  {
    subject: text("subject").notNull(),
    name: text("name").notNull(),
    /** The first millisecond of the day. */
    day: instant("day").notNull(),
    used: whole("used").notNull(),
  },
  (t) => [
    primaryKey({ name: "daily_counts_key", columns: [t.subject, t.name, t.day] }),
    index("daily_counts_day").on(t.day),
  ],
);
