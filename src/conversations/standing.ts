import { sql } from "drizzle-orm";
import type { conversations } from "../db/schema/conversations.ts";
import { rowsOf } from "../db/sql.ts";
import type { Tx } from "../db/store.ts";

export type Standing = (typeof conversations.$inferSelect)["status"];

/** Ends conversations that were still going on, each with its own word for why; one that ended before keeps its word. */
export async function closeConversations(tx: Tx, rows: readonly { id: string; status: Standing }[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.all(sql`update conversations set status = n.status, updated_at = ${tx.now}
    from ${rowsOf("n", rows, { id: "text", status: "text" })}
    where conversations.id = n.id and conversations.status in ('QUEUED', 'ACTIVE', 'PAUSED')`);
}
