import { eq, type SQL, sql } from "drizzle-orm";
import { importJobs } from "../../db/schema/imports.ts";
import { deleteWhere } from "../../db/slices.ts";
import type { Tx } from "../../db/store.ts";

/** Deletes the results of a campaign's imports, a slice at a time. The jobs go with the campaign's row. */
export function deleteCampaignImportRows(tx: Tx, campaignId: string): Promise<void> {
  return deleteJobRows(tx, eq(importJobs.campaignId, campaignId));
}

/** Deletes the results of a brand's imports, a slice at a time. The jobs go with the rows of its campaigns. */
export function deleteBrandImportRows(tx: Tx, brandId: string): Promise<void> {
  return deleteJobRows(tx, eq(importJobs.brandId, brandId));
}

async function deleteJobRows(tx: Tx, which: SQL): Promise<void> {
  const jobs = await tx.select({ id: importJobs.id }).from(importJobs).where(which);
  for (const job of jobs) await deleteWhere(tx, "import_rows", sql`job_id = ${job.id}`);
}
