import { sql } from "drizzle-orm";
import { resumeFunded } from "../campaigns/funding.ts";
import { scheduleFollowUps } from "../campaigns/schedule.ts";
import type { Instant } from "../clock.ts";
import { closeConversations } from "../conversations/standing.ts";
import { release, settle } from "../credits/holds.ts";
import { forUpdate, rowsOf, skipLocked } from "../db/sql.ts";
import type { Tx } from "../db/store.ts";
import { isInScope, type TenantScope } from "../db/tenant-scope.ts";
import { Fault, notFound } from "../fault.ts";
import { countMoves } from "../messages/counts.ts";
import { type MessageStatus, NEVER, UNKNOWN_DEADLINE } from "../messages/model.ts";

const SLICE = 200;

interface Stray {
  id: string;
  brand_id: string;
  campaign_id: string;
  conversation_id: string;
  stage: number;
  scheduled_time: Instant;
  sender_id: string | null;
  status: MessageStatus;
}

const STRAY = sql`m.id, m.brand_id, m.campaign_id, m.conversation_id, m.stage, m.scheduled_time, m.sender_id, m.status`;

/**
 * Finds claims whose worker died: it may or may not have sent, so the outcome is unknown. `all` takes every claim for
 * dead: right at the start of the only process on a SQLite file. The cost grows with what was in flight, never with what
 * is pending. Returns how many there were; call again until there are none.
 */
export async function findLost(tx: Tx, all: boolean): Promise<number> {
  const lost = await tx.all<Stray>(sql`select ${STRAY} from messages m
    where m.status = 'SENDING' and m.lease_until <= ${all ? NEVER : tx.now} order by m.lease_until limit ${SLICE} ${skipLocked("m")}`);
  await move(tx, lost, "UNKNOWN", "OUTCOME_UNKNOWN");
  return lost.length;
}

/** Gives up on unknown outcomes that nobody resolved in time: FAILED, and the credits come back. Returns how many. */
export async function expireUnknown(tx: Tx): Promise<number> {
  const over = await tx.all<Stray>(sql`select ${STRAY} from messages m
    where m.status = 'UNKNOWN' and m.run_at <= ${tx.now} order by m.run_at limit ${SLICE} ${skipLocked("m")}`);
  await move(tx, over, "FAILED", "OUTCOME_UNKNOWN");
  return over.length;
}

/**
 * A person says what became of a message whose outcome was unknown. SENT settles its credits and goes on with the next
 * stage; NOT_SENT makes it pending again, due now.
 */
export async function resolveUnknown(
  tx: Tx,
  messageId: string,
  as: "SENT" | "NOT_SENT",
  scope: TenantScope,
): Promise<void> {
  const [row] = await tx.all<Stray>(sql`select ${STRAY} from messages m where m.id = ${messageId}`);
  if (!row || !isInScope(scope, row.brand_id)) throw notFound("message", messageId);
  if (row.status !== "UNKNOWN") throw new Fault("CONFLICT", "The outcome of this message is known");
  await move(tx, [row], as === "SENT" ? "SENT" : "PENDING", null);
}

/** Moves strays to where they belong, with all that hangs on it. Each leaves the state it was found in, or is left alone. */
async function move(tx: Tx, strays: readonly Stray[], to: MessageStatus, reason: string | null): Promise<void> {
  if (strays.length === 0) return;
  const over = to === "SENT" || to === "FAILED";
  const runAt = to === "UNKNOWN" ? tx.now + UNKNOWN_DEADLINE : tx.now;
  const rows = strays.map(({ id, status }) => ({ id, status }));
  const moved = await tx.all<{
    id: string;
  }>(sql`update messages set status = ${to}, error_message = ${reason}, lease_until = null,
      claim = ${to === "UNKNOWN" ? sql`claim` : null}, fence = fence + 1, run_at = ${runAt}, processed_at = ${over ? tx.now : null}
    from ${rowsOf("n", rows, { id: "text", status: "text" })} where messages.id = n.id and messages.status = n.status returning messages.id`);
  const ids = new Set(moved.map((row) => row.id));
  const changed = strays.filter((stray) => ids.has(stray.id));
  await countMoves(
    tx,
    changed.map((stray) => ({
      campaignId: stray.campaign_id,
      stage: stray.stage,
      scheduledTime: stray.scheduled_time,
      from: stray.status,
      to,
    })),
  );
  if (to === "FAILED") {
    await release(tx, [...ids], reason ?? "FAILED");
    await closeConversations(
      tx,
      changed.map((stray) => ({ id: stray.conversation_id, status: "FAILED" as const })),
    );
  }
  if (to !== "SENT") return;
  await settle(tx, [...ids]);
  await scheduleFollowUps(
    tx,
    changed.map((stray) => ({
      campaignId: stray.campaign_id,
      conversationId: stray.conversation_id,
      stage: stray.stage,
      senderId: stray.sender_id,
      sentAt: tx.now,
    })),
  );
}

/** Running, with nothing left to send. */
const FINISHED = sql`campaigns.status = 'RUNNING' and not exists (select 1 from message_counts c
  where c.campaign_id = campaigns.id and c.status in ('PENDING', 'SENDING', 'UNKNOWN') and c.count > 0)`;

/** Campaigns that ran dry and can pay again go on; those that were scheduled for a time now past are running; running ones with nothing left to send are completed, a slice of them. Returns how many were; call again until there are none. */
export async function turnCampaigns(tx: Tx): Promise<number> {
  await resumeFunded(tx);
  await tx.all(
    sql`update campaigns set status = 'RUNNING', updated_at = ${tx.now} where status = 'SCHEDULED' and start_at <= ${tx.now}`,
  );
  // Asked twice: contacts may be joining a campaign until this transaction holds it.
  const done = await tx.all<{ id: string }>(
    sql`select campaigns.id from campaigns where ${FINISHED} order by campaigns.id limit ${SLICE} ${forUpdate("campaigns")}`,
  );
  if (done.length === 0) return 0;
  const completed =
    await tx.all(sql`update campaigns set status = 'COMPLETED', completed_at = ${tx.now}, updated_at = ${tx.now}
    where ${FINISHED} and campaigns.id in (select n.id from ${rowsOf("n", done, { id: "text" })}) returning id`);
  return completed.length;
}
