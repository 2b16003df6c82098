import { forceIndexScans } from "../../db/sql.ts";
import type { Tx } from "../../db/store.ts";
import type { TenantScope } from "../../db/tenant-scope.ts";
import { lockCampaign } from "../campaigns/campaigns.ts";
import { assertDeletable, deleteCampaignRow } from "../campaigns/deletion.ts";
import { releaseCampaignUsage } from "../campaigns/usage.ts";
import { deleteCampaignConversations } from "../conversations/lifetime.ts";
import { deleteCampaignImportRows } from "../imports/deletion.ts";
import { deleteCampaignMessages } from "../messages/deletion.ts";

/** Deletes a draft or a cancelled campaign with its messages and conversations. The contacts stay. */
export async function deleteCampaign(tx: Tx, id: string, scope: TenantScope): Promise<void> {
  const row = await lockCampaign(tx, id, scope);
  await assertDeletable(tx, row);
  await releaseCampaignUsage(tx, row);
  await forceIndexScans(tx);
  await deleteCampaignMessages(tx, id);
  await deleteCampaignConversations(tx, id);
  await deleteCampaignImportRows(tx, id);
  await deleteCampaignRow(tx, id);
}
