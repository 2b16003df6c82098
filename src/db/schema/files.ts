import { instant, table, text } from "../columns.ts";

/**
 * Files that nothing shows, to be removed. A new file stands here until the row that shows it is committed, and an old one
 * from the commit that replaced it, so that neither a crash nor a store that cannot be reached leaves a file behind.
 */
export const unusedFiles = table("unused_files", {
  name: text("name").primaryKey(),
  since: instant("since").notNull(),
});
