import { bigint, enumText, index, integer, json, primaryKey, table, text, timestampMs } from "../columns.ts";
import { campaigns } from "./campaigns.ts";

/** Imports of contact files. The file stays in the data folder until the import ends, so that a restart can continue it. */
export const importJobs = table(
  "import_jobs",
  {
    id: text("id").primaryKey(),
    brandId: text("brand_id").notNull(),
    campaignId: text("campaign_id")
      .notNull()
      .references(() => campaigns.id, { onDelete: "cascade" }),
    fileName: text("file_name").notNull(),
    status: enumText("status", ["RUNNING", "DONE", "FAILED"]).notNull(),
    /** Options for parsing the file, and for contacts to skip. */
    options: json("mapping").$type<{
      mapping?: Record<string, string>;
      defaultCountry?: string;
      allowActiveElsewhere?: boolean;
    } | null>(),
    onDuplicate: enumText("on_duplicate", ["SKIP", "UPDATE"]).notNull(),
    /** Rows processed so far, and the line of the last one, after which a restart continues. */
    rows: integer("rows").notNull().default(0),
    lastLine: integer("last_line").notNull().default(0),
    verdicts: json("verdicts").$type<Record<string, number>>().notNull(),
    error: text("error"),
    /** Sizes of the file and of its row results, which count against the brand's limit of stored bytes. */
    fileBytes: bigint("file_bytes").notNull().default(0),
    resultBytes: bigint("result_bytes").notNull().default(0),
    createdAt: timestampMs("created_at").notNull(),
    finishedAt: timestampMs("finished_at"),
  },
  (t) => [index("import_jobs_status").on(t.status), index("import_jobs_campaign").on(t.campaignId)],
);

/** The result of each row of an imported file. */
export const importRows = table(
  "import_rows",
  {
    jobId: text("job_id")
      .notNull()
      .references(() => importJobs.id, { onDelete: "cascade" }),
    line: integer("line").notNull(),
    verdict: text("verdict").notNull(),
    email: text("email"),
    phone: text("phone"),
    message: text("message"),
  },
  (t) => [primaryKey({ name: "import_rows_key", columns: [t.jobId, t.line] })],
);
