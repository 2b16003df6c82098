import { sql } from "drizzle-orm";
import { conversations } from "../../db/schema/conversations.ts";
import { deleteWhere, forEachPage, forEachSlice, SLICE_ROWS } from "../../db/slices.ts";
import { valuesTable } from "../../db/sql.ts";
import type { Tx } from "../../db/store.ts";

/** A conversation that has just been created. */
export interface NewConversation {
  id: string;
  contactId: string;
}

/** Creates a QUEUED conversation with each of these contacts, unless the campaign has one already. Returns the new ones. */
export async function createConversations(
  tx: Tx,
  campaign: { id: string; brandId: string },
  contactIds: readonly string[],
): Promise<NewConversation[]> {
  const rows = contactIds.map((contactId) => ({
    id: tx.newId(),
    brandId: campaign.brandId,
    campaignId: campaign.id,
    contactId,
    status: "QUEUED" as const,
    createdAt: tx.now,
    updatedAt: tx.now,
  }));
  const created: NewConversation[] = [];
  await forEachSlice(rows, async (slice) => {
    const { id, contactId } = conversations;
    created.push(
      ...(await tx
        .insert(conversations)
        .values([...slice])
        .onConflictDoNothing()
        .returning({ id, contactId })),
    );
  });
  return created;
}

/** Deletes the conversations of a campaign with their inbound messages, a slice at a time. */
export async function deleteCampaignConversations(tx: Tx, campaignId: string): Promise<void> {
  const page = (after: string) =>
    tx.all<{ id: string }>(sql`select id from conversations where campaign_id = ${campaignId} and id > ${after}
      order by id limit ${SLICE_ROWS}`);
  await forEachPage(page, async (rows) => {
    const ids = sql`(select n.id from ${valuesTable("n", rows, { id: "text" })})`;
    // A contact may have replied any number of times.
    await deleteWhere(tx, "inbound_messages", sql`conversation_id in ${ids}`);
    await tx.all(sql`delete from conversations where id in ${ids}`);
  });
}

/** Deletes the conversations of a brand that has never launched a campaign. */
export async function deleteBrandConversations(tx: Tx, brandId: string): Promise<void> {
  await deleteWhere(tx, "conversations", sql`brand_id = ${brandId}`);
}
