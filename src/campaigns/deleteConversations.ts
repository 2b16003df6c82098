import { type SQL, sql } from "drizzle-orm";
import { SLICE_ROWS, untilNone } from "../db/slices.ts";
import { rowsOf } from "../db/sql.ts";
import type { Tx } from "../db/store.ts";

/** Deletes the conversations that a condition on their columns names, and what came in by them, a slice at a time. */
export async function deleteConversations(tx: Tx, condition: SQL): Promise<void> {
  await untilNone(async () => {
    const some = await tx.all<{ id: string }>(sql`select id from conversations where ${condition} limit ${SLICE_ROWS}`);
    if (some.length === 0) return 0;
    const ids = sql`(select n.id from ${rowsOf("n", some, { id: "text" })})`;
    await tx.all(sql`delete from inbound_messages where conversation_id in ${ids}`);
    await tx.all(sql`delete from conversations where id in ${ids}`);
    return some.length;
  });
}
