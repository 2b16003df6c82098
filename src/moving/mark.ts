import type { Database } from "bun:sqlite";
import { sql } from "drizzle-orm";
import type { Reader } from "../db/store.ts";
import { Fault } from "../fault.ts";

/** What a source remembers of its move, so that nobody sends from there what is sent from its target. */
export interface Mark {
  /** Names this move, in both databases. */
  id: string;
  /** Host and database, no password. */
  to: string;
  /** The newest migration when it began: a later one might change rows that were copied already. */
  schema: string;
  done: boolean;
}

/** The name of both marks in `installation`: that of the source and that of a target that is not complete. */
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
 * Lets nobody serve a database that is being moved, or was: its messages leave from elsewhere.
 * @throws Fault CONFLICT
 */
export async function expectNotMoving(read: Reader): Promise<void> {
  const [row] = await read.all<{ value: string }>(sql`select value from installation where name = ${MOVING}`);
  if (!row) return;
  const mark = JSON.parse(row.value) as Partial<Mark>;
  if (mark.to === undefined)
    throw new Fault(
      "CONFLICT",
      "A move into this database has not come to its end: run the same `reprise migrate` again",
    );
  throw new Fault(
    "CONFLICT",
    `This installation ${mark.done ? "was" : "is being"} moved to ${mark.to}: start with that DATABASE_URL. If the move is given up, \`reprise migrate --abandon --from sqlite://…\` lets this one go on`,
  );
}
