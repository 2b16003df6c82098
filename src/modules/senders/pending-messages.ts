import { type SQL, sql } from "drizzle-orm";
import { indexedBy } from "../../db/sql.ts";
import type { Tx } from "../../db/store.ts";
import { AppError } from "../../lib/errors.ts";

/** @throws AppError CONFLICT while a sender has messages that are pending, being sent or of unknown outcome */
export async function assertNoPendingMessages(tx: Tx, senderId: string): Promise<void> {
  // Each status has a partial index; there is none by sender, and finished messages are many.
  const countByStatus = (status: string, index: string): SQL =>
    sql`(select count(*) from messages ${indexedBy(index)} where status = ${sql.raw(`'${status}'`)} and sender_id = ${senderId})`;
  const [row] = await tx.all<{ pending: unknown; sending: unknown; unknown: unknown }>(sql`
    select ${countByStatus("PENDING", "messages_due")} as pending, ${countByStatus("SENDING", "messages_lease")} as sending,
      ${countByStatus("UNKNOWN", "messages_unknown")} as unknown`);
  const count = Number(row?.pending ?? 0) + Number(row?.sending ?? 0) + Number(row?.unknown ?? 0);
  if (count === 0) return;
  throw new AppError(
    "CONFLICT",
    `This sender has ${count} pending ${count === 1 ? "message" : "messages"}: wait until they are sent, or cancel them`,
    {
      meta: { pendingMessages: count },
    },
  );
}
