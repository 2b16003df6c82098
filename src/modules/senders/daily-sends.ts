import { sql } from "drizzle-orm";
import { valuesTable } from "../../db/sql.ts";
import type { Tx } from "../../db/store.ts";

/** Sends of a mailbox on one of its days; `warmup` of them were made while it warms up. */
export interface DailySends {
  senderId: string;
  day: string;
  sends: number;
  warmup: number;
}

const TYPES = { senderId: "text", day: "text", sends: "integer", warmup: "integer" } as const;

/** Updates in one order everywhere, so that two transactions never wait for each other. */
const sortRows = (rows: readonly DailySends[]) =>
  rows.map((row) => ({ ...row })).sort((a, b) => (a.senderId < b.senderId ? -1 : 1));

/** Counts sends against the days of their mailboxes, whose rows the caller has locked. */
export async function addDailySends(tx: Tx, rows: readonly DailySends[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.all(sql`insert into sender_days (sender_id, day, sends, warmup_sends)
    select n."senderId", n.day, n.sends, n.warmup from ${valuesTable("n", sortRows(rows), TYPES)} where true
    on conflict (sender_id, day) do update set sends = sender_days.sends + excluded.sends,
      warmup_sends = sender_days.warmup_sends + excluded.warmup_sends`);
}

/** Gives sends back to the days of their mailboxes: the messages did not leave. */
export async function returnDailySends(tx: Tx, rows: readonly DailySends[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.all(sql`update sender_days set sends = sender_days.sends - n.sends, warmup_sends = sender_days.warmup_sends - n.warmup
    from ${valuesTable("n", sortRows(rows), TYPES)} where sender_days.sender_id = n."senderId" and sender_days.day = n.day`);
}
