import { sql } from "drizzle-orm";
import { byPages, deleteWhere, SLICE_ROWS } from "../db/slices.ts";
import { rowsOf } from "../db/sql.ts";
import type { Tx } from "../db/store.ts";

/** Deletes the conversations of a campaign, and what came in by them, a slice at a time. */
export async function deleteConversations(tx: Tx, campaignId: string): Promise<void> {
  const page = (after: string) =>
    tx.all<{ id: string }>(sql`select id from conversations where campaign_id = ${campaignId} and id > ${after}
      order by id limit ${SLICE_ROWS}`);
  await byPages(page, async (rows) => {
    const ids = sql`(select n.id from ${rowsOf("n", rows, { id: "text" })})`;
    // Somebody may have answered any number of times.
    await deleteWhere(tx, "inbound_messages", sql`conversation_id in ${ids}`);
    await tx.all(sql`delete from conversations where id in ${ids}`);
  });
}
