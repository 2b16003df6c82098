import { type SQL, sql } from "drizzle-orm";
import { dialect } from "../../db/dialect.ts";
import { valuesTable } from "../../db/sql.ts";
import type { Tx } from "../../db/store.ts";
import type { Instant } from "../../lib/clock.ts";
import type { MessageStatus } from "./model.ts";

const COLUMN_TYPES = {
  id: "text",
  to: "text",
  reason: "text",
  runAt: "bigint",
  claim: "text",
  attempts: "integer",
  providerId: "text",
  messageKey: "text",
  subject: "text",
  text: "text",
  senderId: "text",
} as const;

type Column = keyof typeof COLUMN_TYPES;
type Cell = string | number | null;
type Values = { [Name in Column]?: Cell };

/** Postgres gets rows as JSON, with all that they have; SQLite reads the columns that it needs. */
function pick(change: Values, columns: readonly Column[]): Record<string, Cell> {
  const row: Record<string, Cell> = {};
  for (const name of columns) row[name] = change[name] ?? null;
  return row;
}

/** An update of messages, the same for each of a batch. */
export interface Update {
  /** The statuses it starts from. Messages in another one are left alone. */
  from: readonly MessageStatus[];
  /** The values of each message that the statement uses, as columns of `n`. */
  columns: readonly Column[];
  set: (now: Instant) => SQL;
  /** Must hold besides the status. */
  condition?: SQL;
}

/** Updates a batch of messages, found by their ids, in one statement. Returns the `returned` columns of those it changed. */
export function updateBatch<Row>(
  tx: Tx,
  { from, columns, set, condition }: Update,
  changes: readonly Values[],
  returned: SQL,
): Promise<Row[]> {
  const types: Record<string, (typeof COLUMN_TYPES)[Column]> = {};
  for (const name of columns) types[name] = COLUMN_TYPES[name];
  const rows =
    dialect === "sqlite" ? (changes as readonly Record<string, Cell>[]) : changes.map((row) => pick(row, columns));
  // Compared so that no partial index of a status comes to mind: see `equalsUnindexed`.
  const inStatus = sql.raw(`coalesce(messages.status, '') in ('${from.join("', '")}')`);
  return tx.all<Row>(sql`update messages set ${set(tx.now)} from ${valuesTable("n", rows, types)}
    where messages.id = n.id and ${inStatus} ${condition ? sql`and ${condition}` : sql.empty()} returning ${returned}`);
}
