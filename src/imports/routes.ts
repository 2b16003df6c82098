import { rm } from "node:fs/promises";
import { Elysia, t } from "elysia";
import { ImportJob } from "../campaigns/model.ts";
import { type Verdict, verdictHeader, verdictLine } from "../contactFiles/verdictFile.ts";
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
import { readImportOptions } from "./options.ts";
import { LARGEST_FILE, receiveFile } from "./upload.ts";
import { UploadRoom } from "./uploadRoom.ts";

const PAGE = 1000;
const JobParams = t.Object({ jobId: Id });

/** What can be said about a file, in the query or as fields of its form. */
const ImportQuery = t.Object({
  mapping: t.Optional(
    t.String({ maxLength: 65_536, description: "JSON: column name → field", examples: ['{"E-mail": "email"}'] }),
  ),
  onDuplicate: t.Optional(t.String({ maxLength: 6, description: "SKIP (unless said) or UPDATE" })),
  defaultCountry: t.Optional(t.String({ maxLength: 2, description: "Country of phone numbers without +, as US" })),
  allowActiveElsewhere: t.Optional(t.String({ maxLength: 5, description: "true or false (unless said)" })),
  fileName: t.Optional(t.String({ maxLength: 255, description: "For a bare body, which has no name" })),
});

/** How the body is published: Elysia does not read it, so no schema of its own says. */
const requestBody = {
  required: true,
  content: {
    "multipart/form-data": {
      schema: {
        type: "object" as const,
        required: ["file"],
        properties: {
          file: { type: "string" as const, format: "binary" },
          mapping: { type: "string" as const },
          onDuplicate: { type: "string" as const, enum: ["SKIP", "UPDATE"] },
          defaultCountry: { type: "string" as const },
          allowActiveElsewhere: { type: "string" as const, enum: ["true", "false"] },
        },
      },
    },
    "text/csv": { schema: { type: "string" as const } },
  },
};

/** Contact files. They are received as a stream, kept in the data folder, and read in the background. */
export function importRoutes(deps: Deps, reading: Omit<Reading, "signal"> = {}) {
  const { store, config, background } = deps;
  const read = (jobId: string) =>
    void background.run("import", (signal) => runImport(deps, jobId, { ...reading, signal }));
  const room = new UploadRoom(diskRoom(config.dataDir, config.minFreeDiskBytes));
  return new Elysia({ prefix: "/api/campaigns", tags: ["Campaigns"] })
    .use(requestContext)
    .post(
      "/:id/import-contacts",
      async ({ params, query, context, set }) => {
        const scope = context.scope;
        readImportOptions((name) => query[name]);
        // A file that was taken before is read again to be recognised, whatever the limits say now.
        const { brandId, left } = (await isKnownKey(store.read, context))
          ? { brandId: context.principal.userId, left: null }
          : await mustTakeFile(store.read, params.id, scope);
        const arriving = await room.begin(brandId, lengthOf(context.request), left);

        const jobId = Bun.randomUUIDv7();
        const path = spoolPath(config.dataDir, jobId);
        try {
          const { fileName, fields, sha256, size } = await receiveFile(context.request, path, {
            body: bodyPieces(context),
            take: arriving.take,
          });
          const job = {
            ...readImportOptions((name) => fields.get(name) ?? query[name]),
            fileName: nameOf(fileName ?? query.fileName),
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
          if (answer.jobId === jobId) read(jobId);
          // The same file was sent before, and is being read or was.
          else await rm(path, { force: true });
          return answer;
        } catch (error) {
          // A connection that broke may have committed the job: then its file is needed, and removed if not.
          if (isUnavailable(error)) read(jobId);
          else await rm(path, { force: true });
          throw error;
        } finally {
          arriving.end();
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
            "A CSV file of up to 1 GB, in a form (`file`, and the query's parameters as fields) or as the body itself (text/csv). Encoding, separator and columns are recognised; `mapping` overrides. Answers as soon as the file has arrived; the job tells the rest.",
          requestBody,
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
          description: "How far it is: rows judged so far, by verdict.",
        },
      },
    )
    .get(
      "/import-jobs/:jobId/result.csv",
      async ({ params, context }) => {
        const job = await getImportJob(store.read, params.jobId, context.scope);
        return new Response(resultFile(store.read, job.id), {
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
          summary: "Get the verdicts of an import",
          description: "A CSV file with a line for each row read so far: line, verdict, email, phone, message.",
          responses: { 200: { description: "The verdicts", content: { "text/csv": { schema: { type: "string" } } } } },
        },
      },
    );
}

/** Bytes that a request says will come; 0 when it says nothing. What no file may have is refused as that, later. */
function lengthOf(request: Request): number {
  const told = Number(request.headers.get("content-length") ?? 0) || 0;
  return told > LARGEST_FILE ? 0 : told;
}

/** A file's own name, without the folders that some browsers send along. */
function nameOf(given: string | undefined): string {
  return given?.split(/[\\/]/).at(-1)?.replaceAll("\0", "").slice(0, 255).toWellFormed().trim() || "contacts.csv";
}

/** The verdicts as a stream, read a page at a time and only as fast as they are taken. */
function resultFile(read: Reader, jobId: string): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let line = -1;
  return new ReadableStream({
    start: (controller) => controller.enqueue(encoder.encode(verdictHeader)),
    async pull(controller) {
      const rows = await readResults(read, jobId, line, PAGE);
      const last = rows.at(-1);
      if (!last) return controller.close();
      line = last.line;
      const lines = rows.map((row) => verdictLine({ ...row, verdict: row.verdict as Verdict }));
      controller.enqueue(encoder.encode(lines.join("")));
    },
  });
}
