import { index, integer, table, text, timestampMs, uniqueIndex } from "../columns.ts";

/** Tenants. Each has one owner (a user), or none yet. */
export const brands = table(
  "brands",
  {
    id: text("id").primaryKey(),
    name: text("name").notNull(),
    ownerId: text("owner_id"),
    timezone: text("timezone").notNull().default("UTC"),
    /** Printed in the footer of every campaign mail (CAN-SPAM, 15 U.S.C. 7704(a)(5)). */
    postalAddress: text("postal_address"),
    twilioAccountSid: text("twilio_account_sid"),
    /** Encrypted. */
    twilioAuthToken: text("twilio_auth_token"),
    twillioMessagingServiceSid: text("twillio_messaging_service_sid"),
    createdAt: timestampMs("created_at").notNull(),
    updatedAt: timestampMs("updated_at").notNull(),
  },
  (t) => [uniqueIndex("brands_owner").on(t.ownerId), index("brands_created").on(t.createdAt, t.id)],
);

/** Number of existing brands by day of creation (UTC), which locates a page deep in their list. */
export const brandDays = table("brand_days", {
  /** The first millisecond of the day. */
  start: timestampMs("start").primaryKey(),
  count: integer("count").notNull(),
});
