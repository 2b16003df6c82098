import { table, text, timestampMs } from "../columns.ts";

/**
 * Files to be deleted because no row refers to them. A new file is listed until the row that refers to it is committed, a
 * replaced file from that commit on, so that neither a crash nor an unreachable storage leaves a file behind.
 */
export const unusedFiles = table("unused_files", {
  name: text("name").primaryKey(),
  since: timestampMs("since").notNull(),
});
