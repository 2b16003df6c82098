import { and, eq } from "drizzle-orm";
import { campaigns } from "../../db/schema/campaigns.ts";
import { importJobs } from "../../db/schema/imports.ts";
import type { Reader, Tx } from "../../db/store.ts";
import { AppError } from "../../lib/errors.ts";

/** @throws AppError CONFLICT unless a campaign is a draft or cancelled, and no file is being imported into it */
export async function assertDeletable(
  read: Reader,
  { id, status }: Pick<typeof campaigns.$inferSelect, "id" | "status">,
): Promise<void> {
  if (status !== "DRAFT" && status !== "CANCELLED") {
    throw new AppError("CONFLICT", `The campaign is ${status}: only a draft or a cancelled one can be deleted`);
  }
  const running = and(eq(importJobs.campaignId, id), eq(importJobs.status, "RUNNING"));
  const [job] = await read.select({ id: importJobs.id }).from(importJobs).where(running).limit(1);
  if (job) throw new AppError("CONFLICT", "A file is being imported into this campaign: try again when it is done");
}

/** Deletes the row of a campaign; its steps, its mailboxes and its import jobs go with it. */
export async function deleteCampaignRow(tx: Tx, id: string): Promise<void> {
  await tx.delete(campaigns).where(eq(campaigns.id, id));
}

/** Deletes the campaigns of a brand that has never launched one, with all that goes with their rows. */
export async function deleteBrandCampaigns(tx: Tx, brandId: string): Promise<void> {
  await tx.delete(campaigns).where(eq(campaigns.brandId, brandId));
}
