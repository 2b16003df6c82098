import { existsSync } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Schedule } from "../campaigns/members.ts";
import { openNewcomers } from "../campaigns/opening.ts";
import { DAY, SECOND } from "../clock.ts";
import { readContactFile } from "../contactFiles/csv.ts";
import type { FileRow } from "../contactFiles/fileRow.ts";
import { dialect } from "../db/dialect.ts";
import { SYSTEM, tenantScope } from "../db/tenant-scope.ts";
import { isUnavailable } from "../db/violations.ts";
import type { Deps } from "../deps.ts";
import { Fault } from "../fault.ts";
import { diskRoom } from "../files/diskRoom.ts";
import { FairQueue } from "../limits/fairQueue.ts";
import { timeSlices } from "../timeSlices.ts";
import { finishJob, getImportJob, type ImportJobRow, takeRows, unfinishedJobs } from "./jobs.ts";

/**
 * Rows taken in by one transaction: on SQLite it holds the only writer, and most of it the thread, for some 15 ms. Of 500 it was
 * 80, and every other request's median with it; a commit for each 100 costs an import 5 to 10 % of its speed.
 */
export const IMPORT_BATCH_ROWS = dialect === "postgres" ? 500 : 100;
const LONGEST_WAIT = 30 * SECOND;

/**
 * All batches of this process, two at a time: while one is written the next is parsed. Brands are served in turn, so that a
 * file of a hundred rows waits behind one batch of each other brand and not behind a file of a million.
 */
const BATCHES = new FairQueue({ atOnce: 2 });

/** Reading waits until something else has made room on the disk. */
class DiskShort extends Error {}

type Tools = Pick<Deps, "config" | "store" | "clock" | "log" | "wake">;
type ResumeTools = Tools & Pick<Deps, "background">;

export interface Reading {
  schedule?: Schedule;
  /** Ends the reading between two batches; the next start goes on from there. */
  signal?: AbortSignal;
}

/** Where the file of a job lies until it is read. */
export function spoolPath(dataDir: string, jobId: string): string {
  return join(dataDir, "imports", `${jobId}.csv`);
}

/**
 * Reads a job's file to its end, from where the job stands. Never rejects: what is wrong with the file ends the job as
 * FAILED, and while the database cannot be reached it waits.
 */
export async function runImport(tools: Tools, jobId: string, reading: Reading = {}): Promise<void> {
  for (let wait = SECOND; !reading.signal?.aborted; wait = Math.min(2 * wait, LONGEST_WAIT)) {
    try {
      return await readOn(tools, jobId, reading);
    } catch (failure) {
      // What is wrong with the file has to be written down, too, and waits for the database as well.
      const waits = failure instanceof DiskShort || isUnavailable(failure);
      const error = waits ? failure : await giveUp(tools, jobId, failure);
      if (error === null) return;
      tools.log.warn(`import waits for ${error instanceof DiskShort ? "room on the disk" : "the database"}`, {
        jobId,
        error,
      });
      await sleep(wait, null, { ref: false, signal: reading.signal }).catch(() => {});
    }
  }
}

/** Goes on with the jobs that a stop or a crash interrupted, and removes files nobody waits for. Never rejects. */
export async function resumeImports(tools: ResumeTools, reading: Omit<Reading, "signal"> = {}): Promise<void> {
  const { background } = tools;
  for (let wait = SECOND; !background.signal.aborted; wait = Math.min(2 * wait, LONGEST_WAIT)) {
    try {
      const jobs = await unfinishedJobs(tools.store.read);
      await removeLeftovers(tools, new Set(jobs.map((job) => `${job.id}.csv`)));
      const read = (job: ImportJobRow) =>
        background.run("import", (signal) => runImport(tools, job.id, { ...reading, signal }));
      await Promise.all(jobs.map(read));
      return;
    } catch (error) {
      tools.log.error("imports could not be resumed", { error });
      if (!isUnavailable(error)) return;
      await sleep(wait, null, { ref: false, signal: background.signal }).catch(() => {});
    }
  }
}

/** Null for a job that was never committed: its upload broke off with the database. */
async function findJob({ store }: Tools, jobId: string): Promise<ImportJobRow | null> {
  return getImportJob(store.read, jobId, tenantScope(SYSTEM)).catch((error) => {
    if (error instanceof Fault && error.code === "NOT_FOUND") return null;
    throw error;
  });
}

async function readOn(tools: Tools, jobId: string, reading: Reading): Promise<void> {
  const { config, store, clock, wake } = tools;
  const { schedule = openNewcomers, signal } = reading;
  const path = spoolPath(config.dataDir, jobId);
  const found = await findJob(tools, jobId);
  if (found === null) await rm(path, { force: true });
  if (found?.status !== "RUNNING") return;
  let job: ImportJobRow = found;
  if (!existsSync(path)) return mustLieElsewhere(job, clock.now());

  const disk = diskRoom(config.dataDir, config.minFreeDiskBytes);
  const file = batches(readContactFile(Bun.file(path).stream(), job.options ?? {}), job.lastLine);
  try {
    for (;;) {
      const from: ImportJobRow = job;
      const read = await BATCHES.run(job.brandId, async () => {
        const { value: rows, done } = await file.next();
        if (done || signal?.aborted) return null;
        if (await disk.isShort()) throw new DiskShort("less than MIN_FREE_DISK_MB is free");
        return { rows, next: await store.write((tx) => takeRows(tx, from, rows, schedule)) };
      });
      if (signal?.aborted) return;
      if (read === null) break;
      if (read.next === null) return;
      job = read.next;
      wake();
      mustHaveRoom(from, job);
      // Requests come between two batches, and so do slices of other brands.
      await timeSlices.next(job.brandId);
    }
  } finally {
    await file.return(undefined);
  }
  await store.write((tx) => finishJob(tx, jobId, null));
  await rm(path, { force: true });
}

/** Ends a job whose last batch met a limit of the brand: what follows in the file would meet it too. */
function mustHaveRoom({ verdicts: before }: ImportJobRow, { verdicts, lastLine }: ImportJobRow): void {
  const refused = (verdicts.quota ?? 0) - (before.quota ?? 0);
  if (refused === 0) return;
  throw new Fault(
    "CONFLICT",
    `A limit of the brand was reached: the rows with the verdict QUOTA, up to line ${lastLine}, were not taken, and none after them was read. Make room, or ask an admin for more, and upload the file again; rows taken in are not added twice`,
  );
}

async function* batches(rows: AsyncIterable<FileRow>, lastLine: number): AsyncGenerator<FileRow[]> {
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

/** Replicas have data folders of their own: a file that is not in this one is most likely being read on another machine. */
function mustLieElsewhere(job: ImportJobRow, now: number): void {
  if (now - job.createdAt < DAY) return;
  throw new Fault(
    "NOT_FOUND",
    "The uploaded file is no longer there: upload it again; rows taken in are not added twice",
  );
}

/** Ends a job as FAILED. Returns null, or the error of a database that cannot write that down now. */
async function giveUp({ config, store, log }: Tools, jobId: string, error: unknown): Promise<unknown> {
  const reason =
    error instanceof Fault
      ? error.message
      : "Something went wrong on our side: upload the file again; rows taken in are not added twice";
  if (!(error instanceof Fault)) log.error("import failed", { jobId, error });
  try {
    await store.write((tx) => finishJob(tx, jobId, reason));
    await rm(spoolPath(config.dataDir, jobId), { force: true });
  } catch (failure) {
    if (isUnavailable(failure)) return failure;
    // The job stays as it stands, and so does its file: the next start goes on.
    log.error("import could not be ended", { jobId, error: failure });
  }
  return null;
}

/** Uploads that broke off with the process have a file and no job. Young ones may just be arriving. */
async function removeLeftovers({ config, clock, log }: Tools, wanted: Set<string>): Promise<void> {
  const folder = join(config.dataDir, "imports");
  const names = existsSync(folder) ? await readdir(folder) : [];
  for (const name of names.filter((file) => file.endsWith(".csv") && !wanted.has(file))) {
    const { mtimeMs } = await stat(join(folder, name));
    if (clock.now() - mtimeMs < DAY) continue;
    log.warn("removed an upload that nobody waits for", { name });
    await rm(join(folder, name), { force: true });
  }
}
