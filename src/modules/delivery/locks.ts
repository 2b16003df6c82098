import { sql } from "drizzle-orm";
import { dialect } from "../../db/dialect.ts";
import { forUpdate, valuesTable } from "../../db/sql.ts";
import type { Tx } from "../../db/store.ts";

// The order in which a delivery transaction locks on Postgres: messages (`chooseDue`), mailboxes, credit accounts, and then
// what `transition` locks. SQLite has one writer and needs none of it.

/**
 * Locks all mailboxes that a transaction will touch, in one order, before anything else that two transactions share: else
 * each could hold what the other waits for. Replicas that claim for one mailbox do so one after the other, so its daily cap holds.
 */
export async function lockSenders(tx: Tx, senderIds: Iterable<string>): Promise<void> {
  const ids = [...new Set(senderIds)].map((id) => ({ id }));
  if (dialect === "sqlite" || ids.length === 0) return;
  await tx.all(sql`select s.id from email_accounts s where s.id in (select n.id from ${valuesTable("n", ids, { id: "text" })})
    order by s.id ${forUpdate("s")}`);
}

/** Locks the credit accounts that pay for these messages, before any of them is settled or claimed. */
export async function lockAccounts(tx: Tx, messageIds: readonly string[]): Promise<void> {
  if (dialect === "sqlite" || messageIds.length === 0) return;
  const ids = messageIds.map((id) => ({ id }));
  await tx.all(sql`select a.brand_id from credit_accounts a where a.brand_id in
    (select m.brand_id from ${valuesTable("n", ids, { id: "text" })} cross join messages m where m.id = n.id)
    order by a.brand_id ${forUpdate("a")}`);
}
