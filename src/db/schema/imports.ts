import { index, instant, integer, json, primaryKey, table, text, whole, word } from "../columns.ts";
import { campaigns } from "./campaigns.ts";

/** A contact file being read. The file lies in the data folder until it is done, so that a restart goes on. */
export const importJobs = table(
  "import_jobs",
  {
    id: text("id").primaryKey(),
    brandId: text("brand_id").notNull(),
    campaignId: text("campaign_id")
      .notNull()
      .references(() => campaigns.id, { onDelete: "cascade" }),
    fileName: text("file_name").notNull(),
    status: word("status", ["RUNNING", "DONE", "FAILED"]).notNull(),
    /** How the file is to be read, and whom to leave out. */
    options: json("mapping").$type<{
      mapping?: Record<string, string>;
      defaultCountry?: string;
      allowActiveElsewhere?: boolean;
    } | null>(),
    onDuplicate: word("on_duplicate", ["SKIP", "UPDATE"]).notNull(),
    /** Rows judged so far, and the line of the last one: where a restart goes on. */
    rows: integer("rows").notNull().default(0),
    lastLine: integer("last_line").notNull().default(0),
    verdicts: json("verdicts").$type<Record<string, number>>().notNull(),
    error: text("error"),
    /** The file's size, and what the verdicts of its rows take: counted against the brand's limit of stored bytes. */
    fileBytes: whole("file_bytes").notNull().default(0),
    resultBytes: whole("result_bytes").notNull().default(0),
    createdAt: instant("created_at").notNull(),
    finishedAt: instant("finished_at"),
  },
  (t) => [index("import_jobs_status").on(t.status), index("import_jobs_campaign").on(t.campaignId)],
);

/** The verdict on one row of an imported file. */
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
