import { and, eq, sql } from "drizzle-orm";
import { conversations, inboundMessages } from "../../db/schema/conversations.ts";
import type { Tx } from "../../db/store.ts";
import { inScope, type TenantScope } from "../../db/tenant-scope.ts";
import type { ConversationRow } from "./status.ts";

// Writes the replies of contacts and mail servers to a conversation, and the status that follows from them.

/** Keeps the status of a contact who opted out. */
const keepOptedOut = (status: "REPLIED" | "BOUNCED") =>
  sql`case when ${conversations.status} = 'OPTED_OUT' then 'OPTED_OUT' else ${status} end`;

/** Stores an inbound message. Returns false when the brand has one with this provider id already. */
export async function insertInboundMessage(
  tx: Tx,
  row: Omit<typeof inboundMessages.$inferInsert, "id" | "receivedAt">,
): Promise<boolean> {
  const inserted = await tx
    .insert(inboundMessages)
    .values({ ...row, id: tx.newId(), receivedAt: tx.now })
    .onConflictDoNothing()
    .returning({ id: inboundMessages.id });
  return inserted.length > 0;
}

/** Marks a conversation as replied to and unread. */
export async function markReplied(tx: Tx, id: string, sentimentScore: number | null): Promise<void> {
  await tx
    .update(conversations)
    .set({ status: keepOptedOut("REPLIED"), repliedAt: tx.now, unread: true, sentimentScore, updatedAt: tx.now })
    .where(eq(conversations.id, id));
}

/** Marks a conversation as opted out. `reply` is given when the contact wrote so, and not when they used a link. */
export async function markOptedOut(tx: Tx, id: string, reply: { sentimentScore: number | null } | null): Promise<void> {
  const replied = reply === null ? {} : { repliedAt: tx.now, unread: true, sentimentScore: reply.sentimentScore };
  await tx
    .update(conversations)
    .set({ status: "OPTED_OUT", ...replied, updatedAt: tx.now })
    .where(eq(conversations.id, id));
}

/** Marks a conversation as bounced: a permanent failure was reported after the provider had accepted a message. */
export async function markBounced(tx: Tx, id: string): Promise<void> {
  await tx
    .update(conversations)
    .set({ status: keepOptedOut("BOUNCED"), updatedAt: tx.now })
    .where(eq(conversations.id, id));
}

/** Ends the opted-out status of a conversation whose contact takes the STOP back. */
export async function clearOptOut(tx: Tx, id: string): Promise<void> {
  await tx
    .update(conversations)
    .set({ status: "REPLIED" })
    .where(and(eq(conversations.id, id), eq(conversations.status, "OPTED_OUT")));
}

const within = (id: string, scope: TenantScope) => and(eq(conversations.id, id), inScope(scope, conversations.brandId));

/** Sets who continues a conversation. Returns false when there is none with this id in the scope. */
export async function updateMode(
  tx: Tx,
  id: string,
  scope: TenantScope,
  mode: ConversationRow["mode"],
): Promise<boolean> {
  const updated = await tx
    .update(conversations)
    .set({ mode, updatedAt: tx.now })
    .where(within(id, scope))
    .returning({ id: conversations.id });
  return updated.length > 0;
}

/** Marks a conversation as read. Returns false when there is none with this id in the scope. */
export async function clearUnread(tx: Tx, id: string, scope: TenantScope): Promise<boolean> {
  const updated = await tx
    .update(conversations)
    .set({ unread: false })
    .where(within(id, scope))
    .returning({ id: conversations.id });
  return updated.length > 0;
}
