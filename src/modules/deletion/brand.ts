import { and, eq, isNotNull, or, sql } from "drizzle-orm";
import { isForeignKeyViolation } from "../../db/errors.ts";
import { campaigns } from "../../db/schema/campaigns.ts";
import { chargebeeCustomers } from "../../db/schema/chargebee.ts";
import { ledgerEntries } from "../../db/schema/credits.ts";
import { importJobs } from "../../db/schema/imports.ts";
import { payments } from "../../db/schema/payments.ts";
import { forceCustomPlans, forUpdate } from "../../db/sql.ts";
import type { Tx } from "../../db/store.ts";
import type { Instant } from "../../lib/clock.ts";
import { AppError, notFound } from "../../lib/errors.ts";
import { deleteBrandRow, updateBrandCount } from "../brands/directory.ts";
import { deleteBrandCampaigns } from "../campaigns/deletion.ts";
import { deleteBrandContacts } from "../contacts/deletion.ts";
import { deleteBrandConversations } from "../conversations/lifetime.ts";
import { deleteBrandCredits } from "../credits/deletion.ts";
import { deleteBrandImportRows } from "../imports/deletion.ts";
import { deleteUsage } from "../limits/usage.ts";
import { deleteBrandVoicemailAccounts, releaseBrandMailboxes } from "../senders/deletion.ts";
import { deleteBrandBans } from "../suppressions/bans.ts";

/**
 * Each module's function that deletes its rows of a brand, in the order that the foreign keys require. Mailboxes are not
 * deleted: they stay, without a brand.
 */
const DELETIONS: readonly ((tx: Tx, brandId: string) => Promise<unknown>)[] = [
  releaseBrandMailboxes,
  deleteBrandConversations,
  deleteBrandImportRows,
  deleteBrandCampaigns,
  deleteBrandContacts,
  deleteBrandBans,
  deleteBrandVoicemailAccounts,
  deleteBrandCredits,
  deleteUsage,
  deleteBrandRow,
];

/**
 * Deletes a brand that has prepared campaigns but has no history.
 * @throws AppError CONFLICT, with the counts, when it has one: people it wrote to, whose unsubscribe links must go on working, or
 *   entries in the ledger, which is never cut. CONFLICT, too, while a file is being imported. NOT_FOUND for a missing brand
 */
export async function deleteBrand(tx: Tx, id: string): Promise<void> {
  const [row] = await tx.all<{ created_at: Instant }>(
    sql`select b.created_at from brands b where b.id = ${id} ${forUpdate("b")}`,
  );
  if (!row) throw notFound("brand", id);
  const history = await countHistory(tx, id);
  if (Object.values(history).some((count) => count > 0)) {
    throw new AppError("CONFLICT", "This brand has a history that must be kept: remove its owner instead", {
      meta: { history },
    });
  }
  const running = and(eq(importJobs.brandId, id), eq(importJobs.status, "RUNNING"));
  if ((await tx.$count(importJobs, running)) > 0) {
    throw new AppError("CONFLICT", "A file is being imported into this brand: try again when it is done");
  }
  await forceCustomPlans(tx);
  try {
    for (const deleteRows of DELETIONS) await deleteRows(tx, id);
    await updateBrandCount(tx, row.created_at, -1);
  } catch (error) {
    if (isForeignKeyViolation(error)) throw new AppError("CONFLICT", "Something was added meanwhile: try again");
    throw error;
  }
}

async function countHistory(tx: Tx, id: string) {
  const launched = or(isNotNull(campaigns.launchedAt), sql`${campaigns.status} <> 'DRAFT'`);
  return {
    launchedCampaigns: Number(await tx.$count(campaigns, and(eq(campaigns.brandId, id), launched))),
    ledgerEntries: Number(await tx.$count(ledgerEntries, eq(ledgerEntries.brandId, id))),
    chargebeeCustomers: Number(await tx.$count(chargebeeCustomers, eq(chargebeeCustomers.brandId, id))),
    payments: Number(await tx.$count(payments, eq(payments.brandId, id))),
  };
}
