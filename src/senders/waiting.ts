import { type SQL, sql } from "drizzle-orm";
import { indexedBy } from "../db/sql.ts";
import type { Tx } from "../db/store.ts";
import { Fault } from "../fault.ts";

/** CONFLICT while messages wait to leave through a sender: its brand must let it finish, or cancel them. */
export async function checkNothingWaits(tx: Tx, senderId: string): Promise<void> {
  // Each through the index of its state: there is none by sender, and messages that are over are many.
  const inState = (state: string, index: string): SQL =>
    sql`(select count(*) from messages ${indexedBy(index)} where status = ${sql.raw(`'${state}'`)} and sender_id = ${senderId})`;
  const [row] = await tx.all<{ pending: unknown; sending: unknown; unknown: unknown }>(sql`
    select ${inState("PENDING", "messages_due")} as pending, ${inState("SENDING", "messages_lease")} as sending,
      ${inState("UNKNOWN", "messages_unknown")} as unknown`);
  const count = Number(row?.pending ?? 0) + Number(row?.sending ?? 0) + Number(row?.unknown ?? 0);
  if (count === 0) return;
  throw new Fault("CONFLICT", `${count} ${count === 1 ? "message waits" : "messages wait"} to leave through it`, {
    facts: { pendingMessages: count },
  });
}
