import { table, text } from "../columns.ts";

/** Settings and leases of the whole installation, by name. */
export const installation = table("installation", {
  name: text("name").primaryKey(),
  value: text("value").notNull(),
});
