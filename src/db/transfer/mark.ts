import type { Database } from "bun:sqlite";
import { sql } from "drizzle-orm";
import type { Reader } from "../db/store.ts";
import { Fault } from "../fault.ts";

/** Marks a source as transferred, so that messages which the target sends are not sent from the source as well. */
export interface Mark {
  /** Identifies the transfer in both databases. */
  id: string;
  /** Host and database of the target, without a password. */
  to: string;
  /** The newest migration at the start: a later one might change rows that were copied already. */
  schema: string;
  done: boolean;
}

/** The name of the marks in `installation`: in the source, and in a target that is not complete. */
export const MOVING = "moving";

export function readMark(source: Database): Mark | null {
  const row = source.query<{ value: string }, [string]>("select value from installation where name = ?").get(MOVING);
  return row === null ? null : (JSON.parse(row.value) as Mark);
}

export function writeMark(source: Database, mark: Mark): void {
  source
    .query("insert into installation values (?, ?) on conflict (name) do update set value = excluded.value")
    .run(MOVING, JSON.stringify(mark));
}

export function removeMark(source: Database): void {
  source.query("delete from installation where name = ?").run(MOVING);
}

/**
 * Refuses to serve a database that is being transferred or was: another installation sends its messages.
 * @throws Fault CONFLICT
 */
export async function expectNotMoving(read: Reader): Promise<void> {
  const [row] = await read.all<{ value: string }>(sql`select value from installation where name = ${MOVING}`);
  if (!row) return;
  const mark = JSON.parse(row.value) as Partial<Mark>;
  if (mark.to === undefined)
    throw new Fault("CONFLICT", "A transfer into this database is not complete: run the same `reprise migrate` again");
  throw new Fault(
    "CONFLICT",
    `This installation ${mark.done ? "was" : "is being"} moved to ${mark.to}: start with that DATABASE_URL. To serve this installation again, abandon the move with \`reprise migrate --abandon --from sqlite://…\``,
  );
}
