import type { Database } from "bun:sqlite";
import { sql } from "drizzle-orm";
import { AppError } from "../../lib/errors.ts";
import type { Reader } from "../store.ts";

/** Marks a source as transferred, so that messages which the target sends are not sent from the source as well. */
export interface TransferMark {
  /** Identifies the transfer in both databases. */
  id: string;
  /** Host and database of the target, without a password. */
  to: string;
  /** The newest migration at the start: a later one might change rows that were copied already. */
  schema: string;
  done: boolean;
}

/** The name of the marks in `installation`: in the source, and in a target that is not complete. */
export const TRANSFER_NAME = "moving";

export function findMark(source: Database): TransferMark | null {
  const row = source
    .query<{ value: string }, [string]>("select value from installation where name = ?")
    .get(TRANSFER_NAME);
  return row === null ? null : (JSON.parse(row.value) as TransferMark);
}

export function saveMark(source: Database, mark: TransferMark): void {
  source
    .query("insert into installation values (?, ?) on conflict (name) do update set value = excluded.value")
    .run(TRANSFER_NAME, JSON.stringify(mark));
}

export function deleteMark(source: Database): void {
  source.query("delete from installation where name = ?").run(TRANSFER_NAME);
}

/**
 * Refuses to serve a database that is being transferred or was: another installation sends its messages.
 * @throws AppError CONFLICT
 */
export async function assertNotTransferring(read: Reader): Promise<void> {
  const [row] = await read.all<{ value: string }>(sql`select value from installation where name = ${TRANSFER_NAME}`);
  if (!row) return;
  const mark = JSON.parse(row.value) as Partial<TransferMark>;
  if (mark.to === undefined)
    throw new AppError(
      "CONFLICT",
      "A transfer into this database is not complete: run the same `reprise migrate` again",
    );
  throw new AppError(
    "CONFLICT",
    `This installation ${mark.done ? "was" : "is being"} moved to ${mark.to}: start with that DATABASE_URL. To serve this installation again, abandon the move with \`reprise migrate --abandon --from sqlite://…\``,
  );
}
