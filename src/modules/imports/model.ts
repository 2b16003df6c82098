import { t } from "elysia";
import { Id, Nullable, Timestamp } from "../../http/schemas.ts";

/** The options of an import, in the query or as fields of the form. */
export const ImportQuery = t.Object({
  mapping: t.Optional(
    t.String({ maxLength: 65_536, description: "JSON: column name → field", examples: ['{"E-mail": "email"}'] }),
  ),
  onDuplicate: t.Optional(t.String({ maxLength: 6, description: "SKIP (default) or UPDATE" })),
  defaultCountry: t.Optional(
    t.String({ maxLength: 2, description: "ISO 3166-1 code of the country of phone numbers without +, such as US" }),
  ),
  allowActiveElsewhere: t.Optional(t.String({ maxLength: 5, description: "true or false (default)" })),
  fileName: t.Optional(t.String({ maxLength: 255, description: "Name of a file that is sent as the body itself" })),
});

/** Documents the request body in OpenAPI: the route streams it, so Elysia has no schema for it. */
export const importRequestBody = {
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

export const JobParams = t.Object({ jobId: Id });

export const ImportJob = t.Object({
  id: Id,
  campaignId: Id,
  fileName: t.String(),
  status: t.Union([t.Literal("RUNNING"), t.Literal("DONE"), t.Literal("FAILED")]),
  rows: t.Integer({ description: "Rows processed so far" }),
  verdicts: t.Record(t.String(), t.Integer(), {
    description: "Number of rows by result",
    examples: [{ added: 480, duplicate: 12, bad_email: 8 }],
  }),
  error: Nullable(t.String()),
  createdAt: Timestamp,
  finishedAt: Nullable(Timestamp),
});
