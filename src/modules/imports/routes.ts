import { rm } from "node:fs/promises";
import { Elysia, t } from "elysia";
import { isUnavailable } from "../../db/errors.ts";
import type { Reader } from "../../db/store.ts";
import { hasStoredResponse, runIdempotent, setFingerprint } from "../../http/middleware/idempotency.ts";
import { streamBody } from "../../http/middleware/request-body.ts";
import { findInputFlaw } from "../../http/middleware/storable-input.ts";
import { DEMO_IDS } from "../../http/openapi/example-ids.ts";
import { requestContext } from "../../http/request-context.ts";
import { handlerReadsBody } from "../../http/route-policies.ts";
import { ErrorBody, Id, IdParams } from "../../http/schemas.ts";
import { invalid } from "../../lib/errors.ts";
import { watchDiskSpace } from "../../lib/storage/disk-space.ts";
import { formatResultLine, RESULT_FILE_HEADER, type RowStatus } from "../contact-files/row-results-file.ts";
import type { Deps } from "../deps.ts";
import { assertCanImport } from "./import-limits.ts";
import { getFilePath, type ImportRunOptions, runImport } from "./importer.ts";
import { createImportJob, getImportJob, listImportRows, toImportJob } from "./jobs.ts";
import { ImportJob, ImportQuery, importRequestBody, JobParams } from "./model.ts";
import { parseImportOptions } from "./options.ts";
import { MAX_FILE_BYTES, receiveFile } from "./upload.ts";
import { UploadSpace } from "./upload-space.ts";

const RESULT_PAGE_ROWS = 1000;

/** Imports contact files: receives them as a stream, stores them in the data folder and processes them in the background. */
export function importsModule(deps: Deps, reading: Omit<ImportRunOptions, "signal"> = {}) {
  const { store, config, background } = deps;
  const start = (jobId: string) =>
    void background.run("import", (signal) => runImport(deps, jobId, { ...reading, signal }));
  const uploads = new UploadSpace(watchDiskSpace(config.dataDir, config.minFreeDiskBytes));
  return new Elysia({ prefix: "/api/campaigns", tags: ["Campaigns"] })
    .use(requestContext)
    .post(
      "/:id/import-contacts",
      async ({ params, query, context, set }) => {
        const scope = context.scope;
        parseImportOptions((name) => query[name]);
        // A repeated request is received again to compare its fingerprint, regardless of the limits.
        const { brandId, left } = (await hasStoredResponse(store.read, context))
          ? { brandId: context.principal.userId, left: null }
          : await assertCanImport(store.read, params.id, scope);
        const reservation = await uploads.reserve(brandId, getContentLength(context.request), left);

        const jobId = Bun.randomUUIDv7();
        const path = getFilePath(config.dataDir, jobId);
        try {
          const { fileName, fields, sha256, size } = await receiveFile(context.request, path, {
            body: streamBody(context),
            take: reservation.take,
          });
          const job = {
            ...parseImportOptions((name) => fields.get(name) ?? query[name]),
            fileName: toFileName(fileName ?? query.fileName),
            fileBytes: size,
          };
          const flaw = findInputFlaw(job);
          if (flaw) throw invalid(flaw.field, flaw.message);
          setFingerprint(context, JSON.stringify([sha256, job]));
          const answer = await runIdempotent(deps, context, async (tx) => {
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
        parse: handlerReadsBody,
        params: IdParams,
        query: ImportQuery,
        response: { 202: t.Object({ success: t.Literal(true), jobId: Id }), 503: ErrorBody },
        detail: {
          access: "user",
          limit: "import",
          idempotent: true,
          body: "stream",
          example: { parameters: { id: DEMO_IDS.draftCampaign } },
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
          example: { parameters: { jobId: DEMO_IDS.importJob } },
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
          example: { parameters: { jobId: DEMO_IDS.importJob } },
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
  return bytes > MAX_FILE_BYTES ? 0 : bytes;
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
    start: (controller) => controller.enqueue(encoder.encode(RESULT_FILE_HEADER)),
    async pull(controller) {
      const rows = await listImportRows(read, jobId, line, RESULT_PAGE_ROWS);
      const last = rows.at(-1);
      if (!last) return controller.close();
      line = last.line;
      const lines = rows.map((row) => formatResultLine({ ...row, verdict: row.verdict as RowStatus }));
      controller.enqueue(encoder.encode(lines.join("")));
    },
  });
}
