import { sql } from "drizzle-orm";
import { valuesTable } from "../../db/sql.ts";
import type { Tx } from "../../db/store.ts";

/** Marks the e-mail address of a contact as one that does not exist. Nothing is sent to it again. */
export async function markEmailBounced(tx: Tx, contactId: string): Promise<void> {
  await tx.all(sql`update contacts set email_bounced_at = ${tx.now}, updated_at = ${tx.now} where id = ${contactId}`);
}

/** Marks the addresses of the contacts of these conversations as ones that do not exist, unless they were marked before. */
export async function markConversationsBounced(tx: Tx, conversationIds: readonly string[]): Promise<void> {
  if (conversationIds.length === 0) return;
  const ids = conversationIds.map((id) => ({ id }));
  await tx.all(sql`update contacts set email_bounced_at = ${tx.now} where email_bounced_at is null and id in
    (select v.contact_id from ${valuesTable("n", ids, { id: "text" })} cross join conversations v where v.id = n.id)`);
}
