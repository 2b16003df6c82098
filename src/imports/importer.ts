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
import { isUnavailable } from "../db/violations.ts";
import type { Deps } from "../deps.ts";
import { Fault } from "../fault.ts";
import { timeSlices } from "../timeSlices.ts";
import { finishJob, getImportJob, type ImportJobRow, takeRows, unfinishedJobs } from "./jobs.ts";

/**
 * Rows taken in by one transaction: on SQLite it holds the only writer, and most of it the thread, for some 15 ms. Of 500 it was
 * 80, and every other request's median with it; a commit for each 100 costs an import 5 to 10 % of its speed.
 */
const BATCH = dialect === "postgres" ? 500 : 100;
const LONGEST_WAIT = 30 * SECOND;

type Tools = Pick<Deps, "config" | "store" | "clock" | "log" | "wake">;

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
    } catch (error) {
      if (!isUnavailable(error)) return giveUp(tools, jobId, error);
      tools.log.warn("import waits for the database", { jobId, error });
      await sleep(wait, null, { ref: false });
    }
  }
}

/** Goes on with the jobs that a stop or a crash interrupted, and removes files nobody waits for. Never rejects. */
export async function resumeImports(tools: Tools, reading: Reading = {}): Promise<void> {
  try {
    const jobs = await unfinishedJobs(tools.store.read);
    await removeLeftovers(tools, new Set(jobs.map((job) => `${job.id}.csv`)));
    await Promise.all(jobs.map((job) => runImport(tools, job.id, reading)));
  } catch (error) {
    tools.log.error("imports could not be resumed", { error });
  }
}

async function readOn({ config, store, clock, wake }: Tools, jobId: string, reading: Reading): Promise<void> {
  const { schedule = openNewcomers, signal } = reading;
  let job = await getImportJob(store.read, jobId, null);
  if (job.status !== "RUNNING") return;
  const path = spoolPath(config.dataDir, jobId);
  if (!existsSync(path)) return mustLieElsewhere(job, clock.now());

  for await (const rows of batches(readContactFile(Bun.file(path).stream(), job.options ?? {}), job.lastLine)) {
    if (signal?.aborted) return;
    const from = job;
    const next = await store.write((tx) => takeRows(tx, from, rows, schedule));
    if (next === null) return;
    job = next;
    wake();
    // Requests come between two batches, and so do the imports of other brands.
    await timeSlices.next(job.brandId);
  }
  await store.write((tx) => finishJob(tx, jobId, null));
  await rm(path, { force: true });
}

async function* batches(rows: AsyncIterable<FileRow>, lastLine: number): AsyncGenerator<FileRow[]> {
  let batch: FileRow[] = [];
  for await (const row of rows) {
    if (row.line <= lastLine) continue;
    batch.push(row);
    if (batch.length < BATCH) continue;
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

async function giveUp({ config, store, log }: Tools, jobId: string, error: unknown): Promise<void> {
  const reason =
    error instanceof Fault
      ? error.message
      : "Something went wrong on our side: upload the file again; rows taken in are not added twice";
  if (!(error instanceof Fault)) log.error("import failed", { jobId, error });
  try {
    await store.write((tx) => finishJob(tx, jobId, reason));
    await rm(spoolPath(config.dataDir, jobId), { force: true });
  } catch (failure) {
    // The job stays as it stands, and so does its file: the next start goes on.
    log.error("import could not be ended", { jobId, error: failure });
  }
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
