import { and, eq, isNotNull, or, sql } from "drizzle-orm";
import type { Instant } from "../clock.ts";
import { brands } from "../db/schema/brands.ts";
import { campaigns } from "../db/schema/campaigns.ts";
import { chargebeeCustomers } from "../db/schema/chargebee.ts";
import { creditAccounts, creditLots, ledgerEntries } from "../db/schema/credits.ts";
import { importJobs } from "../db/schema/imports.ts";
import { payments } from "../db/schema/payments.ts";
import { emailAccounts, voicemailAccounts } from "../db/schema/senders.ts";
import { deleteWhere } from "../db/slices.ts";
import { forUpdate, planAnew } from "../db/sql.ts";
import type { Tx } from "../db/store.ts";
import { isForeignKeyViolation } from "../db/violations.ts";
import { removeBrandWords } from "../db/wordIndex.ts";
import { Fault, notFound } from "../fault.ts";
import { deleteUsage } from "../limits/usage.ts";
import { countBrand } from "./directory.ts";

/**
 * Removes a brand with all that is only preparation: contacts, bans, drafts, voicemail numbers. Its mailboxes stay, for
 * another brand. CONFLICT, with what stands in the way, once it has a history: people it wrote to, whose unsubscribe links
 * must go on working, or books, which are never cut.
 */
export async function removeBrand(tx: Tx, id: string): Promise<void> {
  const [row] = await tx.all<{ created_at: Instant }>(
    sql`select b.created_at from brands b where b.id = ${id} ${forUpdate("b")}`,
  );
  if (!row) throw notFound("brand", id);
  const history = await historyOf(tx, id);
  if (Object.values(history).some((count) => count > 0)) {
    throw new Fault("CONFLICT", "This brand has a history that must be kept: take its owner away instead", {
      facts: { history },
    });
  }
  const reading = and(eq(importJobs.brandId, id), eq(importJobs.status, "RUNNING"));
  if ((await tx.$count(importJobs, reading)) > 0) {
    throw new Fault("CONFLICT", "A file is being imported into this brand: try again when it is done");
  }
  await planAnew(tx);
  try {
    await removeRows(tx, id);
    await countBrand(tx, row.created_at, -1);
  } catch (error) {
    if (isForeignKeyViolation(error)) throw new Fault("CONFLICT", "Something was added meanwhile: try again");
    throw error;
  }
}

async function historyOf(tx: Tx, id: string) {
  const launched = or(isNotNull(campaigns.launchedAt), sql`${campaigns.status} <> 'DRAFT'`);
  return {
    launchedCampaigns: Number(await tx.$count(campaigns, and(eq(campaigns.brandId, id), launched))),
    ledgerEntries: Number(await tx.$count(ledgerEntries, eq(ledgerEntries.brandId, id))),
    chargebeeCustomers: Number(await tx.$count(chargebeeCustomers, eq(chargebeeCustomers.brandId, id))),
    payments: Number(await tx.$count(payments, eq(payments.brandId, id))),
  };
}

async function removeRows(tx: Tx, id: string): Promise<void> {
  await tx.update(emailAccounts).set({ brandId: null, updatedAt: tx.now }).where(eq(emailAccounts.brandId, id));
  await deleteWhere(tx, "conversations", sql`brand_id = ${id}`);
  const jobs = await tx.select({ id: importJobs.id }).from(importJobs).where(eq(importJobs.brandId, id));
  for (const job of jobs) await deleteWhere(tx, "import_rows", sql`job_id = ${job.id}`);
  await tx.delete(campaigns).where(eq(campaigns.brandId, id));
  await removeBrandWords(tx, id);
  await deleteWhere(tx, "contacts", sql`brand_id = ${id}`);
  await deleteWhere(tx, "bans", sql`scope = ${id}`);
  await tx.delete(voicemailAccounts).where(eq(voicemailAccounts.brandId, id));
  // Without an entry in the ledger they are empty.
  await tx.delete(creditLots).where(eq(creditLots.brandId, id));
  await tx.delete(creditAccounts).where(eq(creditAccounts.brandId, id));
  await deleteUsage(tx, id);
  await tx.delete(brands).where(eq(brands.id, id));
}
