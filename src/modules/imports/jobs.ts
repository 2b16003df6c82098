import { and, asc, eq, gt, sql } from "drizzle-orm";
import { importJobs, importRows } from "../../db/schema/imports.ts";
import { yieldToEventLoop } from "../../db/slices.ts";
import { forUpdate } from "../../db/sql.ts";
import type { Reader, Tx } from "../../db/store.ts";
import { inScope, SYSTEM, type TenantScope, tenantScope } from "../../db/tenant-scope.ts";
import { iso, isoOrNull } from "../../lib/clock.ts";
import { notFound } from "../../lib/errors.ts";
import { type CampaignRow, lockCampaign } from "../campaigns/campaigns.ts";
import { addContacts, assertAcceptsContacts, type ScheduleNewMembers } from "../campaigns/members.ts";
import type { FileRow } from "../contact-files/file-row.ts";
import { rowResultBytes, sum } from "../limits/bytes.ts";
import { addUsage, releaseUsage, reserveQuota } from "../limits/usage.ts";
import { releaseImport, reserveImport } from "./import-limits.ts";

export type ImportJobRow = typeof importJobs.$inferSelect;
export type ImportOptions = NonNullable<ImportJobRow["options"]>;
type ImportRow = typeof importRows.$inferSelect;

export function toImportJob(row: ImportJobRow) {
  const { id, campaignId, fileName, status, rows, verdicts, error } = row;
  const createdAt = iso(row.createdAt);
  return { id, campaignId, fileName, status, rows, verdicts, error, createdAt, finishedAt: isoOrNull(row.finishedAt) };
}

/**
 * Creates the job for a file that is stored under the job's id.
 * @throws AppError RATE_LIMITED at the limit of running imports, CONFLICT when the file exceeds what the brand may store
 */
export async function createImportJob(
  tx: Tx,
  scope: TenantScope,
  job: Pick<ImportJobRow, "id" | "campaignId" | "fileName" | "onDuplicate" | "fileBytes"> & { options: ImportOptions },
): Promise<void> {
  const campaign = await lockCampaign(tx, job.campaignId, scope);
  assertAcceptsContacts(campaign);
  const { brandId } = campaign;
  await reserveImport(tx, brandId);
  await reserveQuota(tx, brandId, "storedBytes", job.fileBytes);
  await tx.insert(importJobs).values({ ...job, brandId, status: "RUNNING", verdicts: {}, createdAt: tx.now });
}

/** @throws AppError NOT_FOUND when there is no such job in scope */
export async function getImportJob(read: Reader, id: string, scope: TenantScope): Promise<ImportJobRow> {
  const [row] = await read
    .select()
    .from(importJobs)
    .where(and(eq(importJobs.id, id), inScope(scope, importJobs.brandId)));
  if (!row) throw notFound("import job", id);
  return row;
}

/** Lists the running jobs of all replicas. */
export async function listRunningJobs(read: Reader): Promise<ImportJobRow[]> {
  return read.select().from(importJobs).where(eq(importJobs.status, "RUNNING")).orderBy(asc(importJobs.id));
}

/**
 * Imports the next rows of a job's file: contacts, conversations, row results and the job's progress are committed together,
 * so that a killed job resumes after its last line. Returns null when the stored job is not at `job.lastLine` any more, because
 * another process imports the same file.
 */
export async function importBatch(
  tx: Tx,
  job: ImportJobRow,
  rows: readonly FileRow[],
  schedule: ScheduleNewMembers,
): Promise<ImportJobRow | null> {
  const locked = await tx.all(sql`select j.id from import_jobs j
    where j.id = ${job.id} and j.last_line = ${job.lastLine} and j.status = 'RUNNING' ${forUpdate("j")}`);
  if (locked.length === 0) return null;
  const campaign = await lockCampaign(tx, job.campaignId, tenantScope(SYSTEM, job.brandId));
  assertStillTakesContacts(campaign);

  const { onDuplicate } = job;
  const allowActiveElsewhere = job.options?.allowActiveElsewhere ?? false;
  const { outcomes } = await addContacts(tx, campaign, rows, { onDuplicate, allowActiveElsewhere }, schedule);
  const verdicts = { ...job.verdicts };
  const results = rows.map((row, index): ImportRow => {
    const { verdict = "broken", message = null } = outcomes[index] ?? {};
    verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
    const { email, phone } = row.verdict === "ok" ? row.contact : row;
    const text = (address: string | null) => address?.toWellFormed() || null;
    return { jobId: job.id, line: row.line, verdict, email: text(email), phone: text(phone), message };
  });
  await yieldToEventLoop();
  await tx.insert(importRows).values(results);
  const bytes = sum(results, rowResultBytes);
  await addUsage(tx, job.brandId, "storedBytes", bytes);
  const [next] = await tx
    .update(importJobs)
    .set({
      resultBytes: job.resultBytes + bytes,
      verdicts,
      rows: job.rows + rows.length,
      lastLine: rows.at(-1)?.line ?? job.lastLine,
    })
    .where(eq(importJobs.id, job.id))
    .returning();
  return next ?? null;
}

/** Allows besides AUTO_PAUSED: a campaign that paused itself during the import takes the rest of the file. */
function assertStillTakesContacts(campaign: CampaignRow): void {
  if (campaign.status !== "AUTO_PAUSED") assertAcceptsContacts(campaign);
}

/** Ends a job as DONE, or as FAILED with an error that its user can read. */
export async function endJob(tx: Tx, id: string, error: string | null): Promise<void> {
  const [ended] = await tx
    .update(importJobs)
    .set({ status: error === null ? "DONE" : "FAILED", error, finishedAt: tx.now })
    .where(and(eq(importJobs.id, id), eq(importJobs.status, "RUNNING")))
    .returning();
  if (!ended) return;
  await releaseImport(tx, ended.brandId);
  await releaseUsage(tx, ended.brandId, "storedBytes", ended.fileBytes);
}

/** Lists the row results of a job in the order of its file, after `line`. */
export async function listImportRows(read: Reader, jobId: string, line: number, limit: number): Promise<ImportRow[]> {
  return read
    .select()
    .from(importRows)
    .where(and(eq(importRows.jobId, jobId), gt(importRows.line, line)))
    .orderBy(asc(importRows.line))
    .limit(limit);
}
