import { holdCampaign } from "../campaigns/campaigns.ts";
import { checkDeletable, deleteCampaignRow } from "../campaigns/deletion.ts";
import { releaseCampaign } from "../campaigns/storage.ts";
import { deleteCampaignConversations } from "../conversationRows/lifetime.ts";
import { findByIndex } from "../db/sql.ts";
import type { Tx } from "../db/store.ts";
import type { TenantScope } from "../db/tenant-scope.ts";
import { deleteCampaignImportRows } from "../imports/deletion.ts";
import { deleteCampaignMessages } from "../messages/remove.ts";

/** Deletes a draft or a cancelled campaign with its messages and conversations. The contacts stay. */
export async function deleteCampaign(tx: Tx, id: string, scope: TenantScope): Promise<void> {
  const row = await holdCampaign(tx, id, scope);
  await checkDeletable(tx, row);
  await releaseCampaign(tx, row);
  await findByIndex(tx);
  await deleteCampaignMessages(tx, id);
  await deleteCampaignConversations(tx, id);
  await deleteCampaignImportRows(tx, id);
  await deleteCampaignRow(tx, id);
}
