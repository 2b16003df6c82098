import { sql } from "drizzle-orm";
import { HOUR, type Instant, SECOND } from "../clock.ts";
import { rowsOf } from "../db/sql.ts";
import type { Tx } from "../db/store.ts";
import type { Random } from "../random.ts";
import type { Result } from "./result.ts";

const byId = <Row extends { id: string }>(rows: Iterable<Row>) => [...rows].sort((a, b) => (a.id < b.id ? -1 : 1));

/** Nothing left: the day's slot goes back to the sender. */
export async function giveBackSlots(tx: Tx, results: readonly Result[]): Promise<void> {
  const slots = new Map<string, { id: string; day: string; count: number; warm: number }>();
  for (const { claim } of results) {
    if (claim.senderDay === null) continue;
    const key = `${claim.envelope.sender.id} ${claim.senderDay}`;
    const slot = slots.get(key) ?? { id: claim.envelope.sender.id, day: claim.senderDay, count: 0, warm: 0 };
    slot.count++;
    if (claim.warming) slot.warm++;
    slots.set(key, slot);
  }
  if (slots.size === 0) return;
  const types = { id: "text", day: "text", count: "integer", warm: "integer" } as const;
  await tx.all(sql`update sender_days set sends = sends - n.count, warmup_sends = warmup_sends - n.warm
    from ${rowsOf("n", byId(slots.values()), types)} where sender_days.sender_id = n.id and sender_days.day = n.day`);
}

/**
 * A provider that is down, refuses the login or asks for patience pauses the whole sender, longer with each failure in a
 * row: at most an hour, unless the provider itself named a longer time. One whose credentials are refused for good waits
 * for a person. What was tried before its login changed says nothing of the new one.
 */
export async function blameSenders(tx: Tx, results: readonly Result[], random: Random): Promise<void> {
  const troubled = new Map<
    string,
    { id: string; reason: string; status: string; claimed: number; least: number; jitter: number }
  >();
  for (const { claim, outcome } of results) {
    if (outcome.kind !== "deferred" || outcome.scope !== "sender") continue;
    troubled.set(claim.envelope.sender.id, {
      id: claim.envelope.sender.id,
      reason: outcome.reason,
      status: outcome.reauth ? "REAUTH_REQUIRED" : "ERROR",
      claimed: claim.claimedAt,
      least: outcome.retryAfterMs ?? 0,
      jitter: Math.round(500 + random() * 500),
    });
  }
  if (troubled.size === 0) return;
  // 15 s doubled with each failure, to an hour; `1 << n` is the same on both databases where `power` is not.
  const pause = sql`(case when failures >= 8 then ${HOUR} else ${15 * SECOND} * (1 << failures) end) * n.jitter / 1000`;
  const until = sql`${tx.now} + case when n.least > ${pause} then n.least else ${pause} end`;
  const types = {
    id: "text",
    reason: "text",
    status: "text",
    claimed: "bigint",
    least: "bigint",
    jitter: "bigint",
  } as const;
  await tx.all(sql`update email_accounts set paused_until = case when n.status = 'ERROR' then ${until} end, paused_reason = n.reason, connection_status = n.status,
      connection_error = n.reason, failures = failures + 1, updated_at = ${tx.now}
    from ${rowsOf("n", byId(troubled.values()), types)}
    where email_accounts.id = n.id and email_accounts.updated_at <= n.claimed
    and (email_accounts.paused_until is null or email_accounts.paused_until <= ${tx.now})`);
}

/** A sender that gets mail through is well. Written only when that is news, or once a minute for `lastUsedAt`. */
export async function clearSenders(tx: Tx, sent: readonly Result[]): Promise<void> {
  const ids = [...new Set(sent.map(({ claim }) => claim.envelope.sender.id))].sort().map((id) => ({ id }));
  if (ids.length === 0) return;
  const stale: Instant = tx.now - 60 * SECOND;
  await tx.all(sql`update email_accounts set last_used_at = ${tx.now}, failures = 0, paused_until = null, paused_reason = null,
      connection_status = case when connection_status = 'ERROR' then 'CONNECTED' else connection_status end, connection_error = null
    where id in (select n.id from ${rowsOf("n", ids, { id: "text" })}) and (failures > 0 or last_used_at is null or last_used_at < ${stale})`);
}
