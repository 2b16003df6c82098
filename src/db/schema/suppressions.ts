import { sql } from "drizzle-orm";
import { enumText, index, real, table, text, timestampMs, uniqueIndex } from "../columns.ts";

/** Addresses and numbers that must never be contacted, by one brand or (scope `platform`) by any. */
export const bans = table(
  "bans",
  {
    id: text("id").primaryKey(),
    /** A brand's id, or `platform`. */
    scope: text("scope").notNull(),
    email: text("email"),
    phone: text("phone"),
    reason: text("reason"),
    source: enumText("source", ["MANUAL", "OPT_OUT", "HOSTILE", "UNSUBSCRIBE"]).notNull(),
    /** The reply and its sentiment score that caused an automatic ban. */
    messageGot: text("message_got"),
    sentimentScore: real("sentiment_score"),
    createdBy: text("created_by"),
    createdAt: timestampMs("created_at").notNull(),
  },
  (t) => [
    uniqueIndex("bans_email").on(t.scope, t.email),
    uniqueIndex("bans_phone").on(t.scope, t.phone),
    index("bans_created").on(t.scope, t.createdAt, t.id),
    // A ban by phone alone sorts as the empty text. Not `coalesce`: drizzle-kit parses its comma as the end of a column.
    index("bans_by_email").on(t.scope, sql`(case when ${t.email} is null then '' else ${t.email} end)`, t.id),
  ],
);
