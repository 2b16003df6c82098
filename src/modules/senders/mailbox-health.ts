import { sql } from "drizzle-orm";
import { valuesTable } from "../../db/sql.ts";
import type { Tx } from "../../db/store.ts";
import { HOUR, type Instant, MINUTE, SECOND } from "../../lib/clock.ts";

/** A failure of the provider of a mailbox, which is not the fault of one message. */
export interface MailboxFailure {
  id: string;
  reason: string;
  /** REAUTH_REQUIRED: its credentials are rejected permanently, so it waits for a person. */
  status: "ERROR" | "REAUTH_REQUIRED";
  /** Time when the attempt was claimed. An attempt from before the last update of the login is no result for the new login. */
  claimedAt: Instant;
  /** Milliseconds that the provider asked to wait; 0 when it named no time. */
  retryAfterMs: number;
  /** The part of the pause that is waited, in thousandths. */
  jitter: number;
}

/**
 * Pauses mailboxes whose provider is down, refuses the login or limits the rate: 15 s, doubled with each failure in a row, at
 * most an hour, unless the provider named a longer time. One that is paused already keeps its pause.
 */
export async function pauseFailingMailboxes(tx: Tx, failures: readonly MailboxFailure[]): Promise<void> {
  if (failures.length === 0) return;
  // `1 << n` is the same on both databases where `power` is not.
  const pause = sql`(case when failures >= 8 then ${HOUR} else ${15 * SECOND} * (1 << failures) end) * n.jitter / 1000`;
  const until = sql`${tx.now} + case when n."retryAfterMs" > ${pause} then n."retryAfterMs" else ${pause} end`;
  const rows = failures.map((failure) => ({ ...failure })).sort((a, b) => (a.id < b.id ? -1 : 1));
  const types = {
    id: "text",
    reason: "text",
    status: "text",
    claimedAt: "bigint",
    retryAfterMs: "bigint",
    jitter: "bigint",
  } as const;
  await tx.all(sql`update email_accounts set paused_until = case when n.status = 'ERROR' then ${until} end, paused_reason = n.reason,
      connection_status = n.status, connection_error = n.reason, failures = failures + 1, updated_at = ${tx.now}
    from ${valuesTable("n", rows, types)}
    where email_accounts.id = n.id and email_accounts.updated_at <= n."claimedAt"
    and (email_accounts.paused_until is null or email_accounts.paused_until <= ${tx.now})`);
}

/** Marks mailboxes as working. Written only when one did not work before, or once a minute for `lastUsedAt`. */
export async function resetMailboxHealth(tx: Tx, senderIds: Iterable<string>): Promise<void> {
  const ids = [...new Set(senderIds)].sort().map((id) => ({ id }));
  if (ids.length === 0) return;
  await tx.all(sql`update email_accounts set last_used_at = ${tx.now}, failures = 0, paused_until = null, paused_reason = null,
      connection_status = case when connection_status = 'ERROR' then 'CONNECTED' else connection_status end, connection_error = null
    where id in (select n.id from ${valuesTable("n", ids, { id: "text" })})
      and (failures > 0 or last_used_at is null or last_used_at < ${tx.now - MINUTE})`);
}
