import { table, text } from "../columns.ts";

/** What is true of the whole installation, by name. */
export const installation = table("installation", {
  name: text("name").primaryKey(),
  value: text("value").notNull(),
});
