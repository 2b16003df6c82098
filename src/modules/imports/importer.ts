import { existsSync } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { dialect } from "../../db/dialect.ts";
import { isUnavailable } from "../../db/errors.ts";
import { SYSTEM, tenantScope } from "../../db/tenant-scope.ts";
import { DAY, SECOND } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { watchDiskSpace } from "../../lib/storage/disk-space.ts";
import { timeSlices } from "../../lib/time-slices.ts";
import { scheduleForNewMembers } from "../campaigns/initial-messages.ts";
import type { ScheduleNewMembers } from "../campaigns/members.ts";
import { parseContactFile } from "../contact-files/contact-file.ts";
import type { FileRow } from "../contact-files/file-row.ts";
import type { Deps } from "../deps.ts";
import { FairQueue } from "../limits/fair-queue.ts";
import { endJob, getImportJob, type ImportJobRow, importBatch, listRunningJobs } from "./jobs.ts";

/**
 * Rows of one transaction. On SQLite 50 rows occupy the only writer, and most of the time the thread, for some 8 ms; 500 rows
 * took 80 ms, which every other request's median rose to. On Postgres a row takes 170 µs of the thread, and 200 rows a
 * transaction cost 7 % more than 500.
 */
export const IMPORT_BATCH_ROWS = dialect === "postgres" ? 200 : 50;
const MAX_RETRY_DELAY_MS = 30 * SECOND;

/**
 * Runs the batches of this process. On Postgres two at a time: while one is written the next is parsed. On SQLite another
 * writer would wait for both. Brands alternate, so that a file of a hundred rows waits for one batch of each other brand and
 * not for a file of a million.
 */
const batchQueue = new FairQueue({ atOnce: dialect === "postgres" ? 2 : 1 });

/** The import waits until disk space has been freed. */
class DiskFull extends Error {}

type ImportDeps = Pick<Deps, "config" | "store" | "clock" | "log" | "wake">;
type ResumeDeps = ImportDeps & Pick<Deps, "background">;

export interface ImportRunOptions {
  schedule?: ScheduleNewMembers;
  /** Stops the import between two batches; it resumes from there at the next start. */
  signal?: AbortSignal;
}

/** Gets the path of a job's file, which exists until the job ends. */
export function getFilePath(dataDir: string, jobId: string): string {
  return join(dataDir, "imports", `${jobId}.csv`);
}

/**
 * Imports the rest of a job's file. Never rejects: a bad file ends the job as FAILED, and while the database is unavailable or
 * the disk is full it waits.
 */
export async function runImport(deps: ImportDeps, jobId: string, options: ImportRunOptions = {}): Promise<void> {
  for (let wait = SECOND; !options.signal?.aborted; wait = Math.min(2 * wait, MAX_RETRY_DELAY_MS)) {
    try {
      return await importRest(deps, jobId, options);
    } catch (failure) {
      // Recording that the file is bad needs the database, and waits for it too.
      const waits = failure instanceof DiskFull || isUnavailable(failure);
      const error = waits ? failure : await failJob(deps, jobId, failure);
      if (error === null) return;
      const waitsFor = error instanceof DiskFull ? "disk_space" : "database";
      deps.log.warn("imports.import_waiting", { jobId, waitsFor, error });
      await sleep(wait, null, { ref: false, signal: options.signal }).catch(() => {});
    }
  }
}

/** Resumes the jobs that a stop or a crash interrupted, and deletes files without a job. Never rejects. */
export async function resumeImports(deps: ResumeDeps, options: Omit<ImportRunOptions, "signal"> = {}): Promise<void> {
  const { background } = deps;
  for (let wait = SECOND; !background.signal.aborted; wait = Math.min(2 * wait, MAX_RETRY_DELAY_MS)) {
    try {
      const jobs = await listRunningJobs(deps.store.read);
      await deleteOrphanedFiles(deps, new Set(jobs.map((job) => `${job.id}.csv`)));
      const run = (job: ImportJobRow) =>
        background.run("import", (signal) => runImport(deps, job.id, { ...options, signal }));
      await Promise.all(jobs.map(run));
      return;
    } catch (error) {
      deps.log.error("imports.resume_failed", { error });
      if (!isUnavailable(error)) return;
      await sleep(wait, null, { ref: false, signal: background.signal }).catch(() => {});
    }
  }
}

/** Finds a job; null when it was never committed because the database became unavailable. */
async function findJob({ store }: ImportDeps, jobId: string): Promise<ImportJobRow | null> {
  return getImportJob(store.read, jobId, tenantScope(SYSTEM)).catch((error) => {
    if (error instanceof AppError && error.code === "NOT_FOUND") return null;
    throw error;
  });
}

async function importRest(deps: ImportDeps, jobId: string, options: ImportRunOptions): Promise<void> {
  const { config, store, clock, wake } = deps;
  const { schedule = scheduleForNewMembers, signal } = options;
  const path = getFilePath(config.dataDir, jobId);
  const found = await findJob(deps, jobId);
  if (found === null) await rm(path, { force: true });
  if (found?.status !== "RUNNING") return;
  let job: ImportJobRow = found;
  if (!existsSync(path)) return assertFileElsewhere(job, clock.now());

  const disk = watchDiskSpace(config.dataDir, config.minFreeDiskBytes);
  const file = toBatches(parseContactFile(Bun.file(path).stream(), job.options ?? {}), job.lastLine);
  try {
    for (;;) {
      const from: ImportJobRow = job;
      const batch = await batchQueue.run(job.brandId, async () => {
        const { value: rows, done } = await file.next();
        if (done || signal?.aborted) return null;
        if (await disk.isLow()) throw new DiskFull("less than MIN_FREE_DISK_MB is free");
        const began = performance.now();
        const next = await store.write((tx) => importBatch(tx, from, rows, schedule));
        timeSlices.pauseFor(performance.now() - began);
        return { rows, next };
      });
      if (signal?.aborted) return;
      if (batch === null) break;
      if (batch.next === null) return;
      job = batch.next;
      wake();
      assertWithinQuota(from, job);
      // Yields to requests and to the work of other brands.
      await timeSlices.next(job.brandId);
    }
  } finally {
    await file.return(undefined);
  }
  await store.write((tx) => endJob(tx, jobId, null));
  await rm(path, { force: true });
}

/** @throws AppError CONFLICT when the last batch reached a limit of the brand: the rows after it would reach it too */
function assertWithinQuota({ verdicts: before }: ImportJobRow, { verdicts, lastLine }: ImportJobRow): void {
  const refused = (verdicts.quota ?? 0) - (before.quota ?? 0);
  if (refused === 0) return;
  throw new AppError(
    "CONFLICT",
    `A limit of the brand was reached: the rows with the verdict QUOTA, up to line ${lastLine}, were not imported, and the rows after them were not processed. Delete contacts or ask an admin for a higher limit, then upload the file again; imported rows are not added twice`,
  );
}

async function* toBatches(rows: AsyncIterable<FileRow>, lastLine: number): AsyncGenerator<FileRow[]> {
  let batch: FileRow[] = [];
  for await (const row of rows) {
    if (row.line <= lastLine) continue;
    batch.push(row);
    if (batch.length < IMPORT_BATCH_ROWS) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/**
 * Assumes that another replica, with a data folder of its own, imports a file that is missing here.
 * @throws AppError NOT_FOUND for a job that is older than a day
 */
function assertFileElsewhere(job: ImportJobRow, now: number): void {
  if (now - job.createdAt < DAY) return;
  throw new AppError(
    "NOT_FOUND",
    "The uploaded file no longer exists: upload it again; imported rows are not added twice",
  );
}

/** Ends a job as FAILED. Returns null, or the error when the database is unavailable. */
async function failJob({ config, store, log }: ImportDeps, jobId: string, error: unknown): Promise<unknown> {
  const reason =
    error instanceof AppError
      ? error.message
      : "An internal error occurred: upload the file again; imported rows are not added twice";
  if (!(error instanceof AppError)) log.error("imports.import_failed", { jobId, error });
  try {
    await store.write((tx) => endJob(tx, jobId, reason));
    await rm(getFilePath(config.dataDir, jobId), { force: true });
  } catch (failure) {
    if (isUnavailable(failure)) return failure;
    // The job stays RUNNING and keeps its file: the next start resumes it.
    log.error("imports.job_update_failed", { jobId, error: failure });
  }
  return null;
}

/** Deletes files without a job, left by uploads that ended with the process. Files of the last day may be uploads in progress. */
async function deleteOrphanedFiles({ config, clock, log }: ImportDeps, wanted: Set<string>): Promise<void> {
  const folder = join(config.dataDir, "imports");
  const names = existsSync(folder) ? await readdir(folder) : [];
  for (const name of names.filter((file) => file.endsWith(".csv") && !wanted.has(file))) {
    const { mtimeMs } = await stat(join(folder, name));
    if (clock.now() - mtimeMs < DAY) continue;
    log.warn("imports.orphaned_file_deleted", { name });
    await rm(join(folder, name), { force: true });
  }
}
