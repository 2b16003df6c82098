import { and, eq, inArray, ne, sql } from "drizzle-orm";
import { conversations } from "../../db/schema/conversations.ts";
import { messages } from "../../db/schema/messages.ts";
import { valuesTable } from "../../db/sql.ts";
import type { Tx } from "../../db/store.ts";

// Every write of a conversation's status. Sending moves it along (`advanceConversations`) or ends it (`endConversations`),
// a person pauses, resumes or removes it, and a reply, a bounce or an opt-out ends it (`replies.ts`).

export type ConversationRow = typeof conversations.$inferSelect;
export type ConversationStatus = ConversationRow["status"];

/** Ends open conversations, each with the status for its reason; one that has ended keeps its status. */
export async function endConversations(
  tx: Tx,
  rows: readonly { id: string; status: ConversationStatus }[],
): Promise<void> {
  if (rows.length === 0) return;
  await tx.all(sql`update conversations set status = n.status, updated_at = ${tx.now}
    from ${valuesTable("n", rows, { id: "text", status: "text" })}
    where conversations.id = n.id and conversations.status in ('QUEUED', 'ACTIVE', 'PAUSED')`);
}

/** Writes the status and the mailbox of conversations of which a stage was sent. The caller has locked their rows. */
export async function advanceConversations(
  tx: Tx,
  rows: readonly { id: string; status: ConversationStatus; senderId: string | null }[],
): Promise<void> {
  if (rows.length === 0) return;
  await tx.all(sql`update conversations set status = n.status, sender_id = n."senderId", updated_at = ${tx.now}
    from ${valuesTable("n", rows, { id: "text", status: "text", senderId: "text" })} where conversations.id = n.id`);
}

/** Gives conversations that have a mailbox another one, so that their next stages leave from it too. */
export async function reassignConversations(tx: Tx, rows: readonly { id: string; senderId: string }[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.all(sql`update conversations set sender_id = n."senderId"
    from ${valuesTable("n", rows, { id: "text", senderId: "text" })}
    where conversations.id = n.id and conversations.sender_id is not null`);
}

/** Pauses a conversation. Returns null, and changes nothing, when it is not QUEUED or ACTIVE. */
export async function pauseConversation(tx: Tx, id: string): Promise<ConversationRow | null> {
  const [paused] = await tx
    .update(conversations)
    .set({ status: "PAUSED", updatedAt: tx.now })
    .where(and(eq(conversations.id, id), inArray(conversations.status, ["QUEUED", "ACTIVE"])))
    .returning();
  return paused ?? null;
}

/** Resumes a paused conversation: ACTIVE when a message was sent in it, else QUEUED. Returns null when it is not paused. */
export async function resumeConversation(tx: Tx, id: string): Promise<ConversationRow | null> {
  const isOpen = sql`exists (select 1 from ${messages} where ${messages.conversationId} = ${id} and ${messages.status} = 'SENT')`;
  const [resumed] = await tx
    .update(conversations)
    .set({ status: sql`case when ${isOpen} then 'ACTIVE' else 'QUEUED' end`, updatedAt: tx.now })
    .where(and(eq(conversations.id, id), eq(conversations.status, "PAUSED")))
    .returning();
  return resumed ?? null;
}

/** Takes the contact of a conversation out of its campaign. Returns null when that was done before. */
export async function removeFromCampaign(tx: Tx, id: string): Promise<ConversationRow | null> {
  const [removed] = await tx
    .update(conversations)
    .set({ status: "REMOVED", updatedAt: tx.now })
    .where(and(eq(conversations.id, id), ne(conversations.status, "REMOVED")))
    .returning();
  return removed ?? null;
}
