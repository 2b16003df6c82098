import { index, json, table, text, timestampMs, uniqueIndex } from "../columns.ts";
import { brands } from "./brands.ts";

/** People whom a brand may contact. */
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
    /** Set by a permanent bounce: the address does not exist. */
    emailBouncedAt: timestampMs("email_bounced_at"),
    createdAt: timestampMs("created_at").notNull(),
    updatedAt: timestampMs("updated_at").notNull(),
  },
  (t) => [
    uniqueIndex("contacts_email").on(t.brandId, t.email),
    uniqueIndex("contacts_phone").on(t.brandId, t.phone),
    index("contacts_brand").on(t.brandId, t.id),
    index("contacts_by_email").on(t.email),
    index("contacts_by_phone").on(t.phone),
  ],
);
