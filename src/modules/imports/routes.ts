import { rm } from "node:fs/promises";
import { Elysia, t } from "elysia";
import { type RowStatus, verdictHeader, verdictLine } from "../contactFiles/verdictFile.ts";
import type { Reader } from "../db/store.ts";
import { isUnavailable } from "../db/violations.ts";
import type { Deps } from "../deps.ts";
import { EXEMPLARS } from "../exemplars.ts";
import { invalid } from "../fault.ts";
import { diskRoom } from "../files/diskRoom.ts";
import { fingerprintedBy, isKnownKey, writeOnce } from "../http/idempotency.ts";
import { ErrorBody, Id, IdParams } from "../http/model.ts";
import { requestContext } from "../http/request-context.ts";
import { bodyPieces } from "../http/requestBody.ts";
import { leftToRoute } from "../http/routePlans.ts";
import { unstorable } from "../http/storable.ts";
import { type Reading, runImport, spoolPath } from "./importer.ts";
import { mustTakeFile } from "./importLimits.ts";
import { createImportJob, getImportJob, readResults, toImportJob } from "./jobs.ts";
import { ImportJob, ImportQuery, importRequestBody, JobParams } from "./model.ts";
import { readImportOptions } from "./options.ts";
import { LARGEST_FILE, receiveFile } from "./upload.ts";
import { UploadRoom } from "./uploadRoom.ts";

const RESULT_PAGE_ROWS = 1000;

/** Imports contact files: receives them as a stream, stores them in the data folder and processes them in the background. */
export function importRoutes(deps: Deps, reading: Omit<Reading, "signal"> = {}) {
  const { store, config, background } = deps;
  const start = (jobId: string) =>
    void background.run("import", (signal) => runImport(deps, jobId, { ...reading, signal }));
  const uploads = new UploadRoom(diskRoom(config.dataDir, config.minFreeDiskBytes));
  return new Elysia({ prefix: "/api/campaigns", tags: ["Campaigns"] })
    .use(requestContext)
    .post(
      "/:id/import-contacts",
      async ({ params, query, context, set }) => {
        const scope = context.scope;
        readImportOptions((name) => query[name]);
        // A repeated request is received again to compare its fingerprint, regardless of the limits.
        const { brandId, left } = (await isKnownKey(store.read, context))
          ? { brandId: context.principal.userId, left: null }
          : await mustTakeFile(store.read, params.id, scope);
        const reservation = await uploads.begin(brandId, getContentLength(context.request), left);

        const jobId = Bun.randomUUIDv7();
        const path = spoolPath(config.dataDir, jobId);
        try {
          const { fileName, fields, sha256, size } = await receiveFile(context.request, path, {
            body: bodyPieces(context),
            take: reservation.take,
          });
          const job = {
            ...readImportOptions((name) => fields.get(name) ?? query[name]),
            fileName: toFileName(fileName ?? query.fileName),
            fileBytes: size,
          };
          const flaw = unstorable(job);
          if (flaw) throw invalid(flaw.field, flaw.message);
          fingerprintedBy(context, JSON.stringify([sha256, job]));
          const answer = await writeOnce(deps, context, async (tx) => {
            await createImportJob(tx, scope, { id: jobId, campaignId: params.id, ...job });
            return { success: true as const, jobId };
          });
          set.status = 202;
          if (answer.jobId === jobId) start(jobId);
          // A repeated request: the job of the first one has the same file.
          else await rm(path, { force: true });
          return answer;
        } catch (error) {
          // A commit of unknown outcome: the job keeps the file when it exists, and deletes it when not.
          if (isUnavailable(error)) start(jobId);
          else await rm(path, { force: true });
          throw error;
        } finally {
          reservation.end();
        }
      },
      {
        parse: leftToRoute,
        params: IdParams,
        query: ImportQuery,
        response: { 202: t.Object({ success: t.Literal(true), jobId: Id }), 503: ErrorBody },
        detail: {
          access: "user",
          limit: "import",
          idempotent: true,
          body: "stream",
          example: { parameters: { id: EXEMPLARS.draftCampaign } },
          summary: "Import a file of contacts",
          description:
            "Takes a CSV file of up to 1 GB, in a form (`file`, with the query parameters as fields) or as the body itself (text/csv). Encoding, separator and columns are detected; `mapping` overrides the columns. Returns 202 when the file has been received; the job reports progress and result.",
          requestBody: importRequestBody,
        },
      },
    )
    .get(
      "/import-jobs/:jobId",
      async ({ params, context }) => {
        const job = await getImportJob(store.read, params.jobId, context.scope);
        return { success: true as const, job: toImportJob(job) };
      },
      {
        params: JobParams,
        response: t.Object({ success: t.Literal(true), job: ImportJob }),
        detail: {
          access: "user",
          example: { parameters: { jobId: EXEMPLARS.importJob } },
          summary: "Get an import job",
          description: "Returns the progress of an import: the number of rows processed, by result.",
        },
      },
    )
    .get(
      "/import-jobs/:jobId/result.csv",
      async ({ params, context }) => {
        const job = await getImportJob(store.read, params.jobId, context.scope);
        return new Response(streamResults(store.read, job.id), {
          headers: {
            "content-type": "text/csv; charset=utf-8",
            "content-disposition": `attachment; filename="import-${job.id}.csv"`,
            "cache-control": "no-store",
            "x-content-type-options": "nosniff",
          },
        });
      },
      {
        params: JobParams,
        detail: {
          access: "user",
          limit: "costly",
          example: { parameters: { jobId: EXEMPLARS.importJob } },
          summary: "Get the row results of an import",
          description:
            "Returns a CSV file with a line for each row processed so far: line, verdict, email, phone, message.",
          responses: {
            200: { description: "The row results", content: { "text/csv": { schema: { type: "string" } } } },
          },
        },
      },
    );
}

/** Gets the announced size of the body; 0 when it is unknown or too large, which is refused while the file is received. */
function getContentLength(request: Request): number {
  const bytes = Number(request.headers.get("content-length") ?? 0) || 0;
  return bytes > LARGEST_FILE ? 0 : bytes;
}

/** Cleans a file name, without the folders that some browsers send. */
function toFileName(given: string | undefined): string {
  return given?.split(/[\\/]/).at(-1)?.replaceAll("\0", "").slice(0, 255).toWellFormed().trim() || "contacts.csv";
}

/** Streams the row results as CSV, loading a page at a time with backpressure. */
function streamResults(read: Reader, jobId: string): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let line = -1;
  return new ReadableStream({
    start: (controller) => controller.enqueue(encoder.encode(verdictHeader)),
    async pull(controller) {
      const rows = await readResults(read, jobId, line, RESULT_PAGE_ROWS);
      const last = rows.at(-1);
      if (!last) return controller.close();
      line = last.line;
      const lines = rows.map((row) => verdictLine({ ...row, verdict: row.verdict as RowStatus }));
      controller.enqueue(encoder.encode(lines.join("")));
    },
  });
}
