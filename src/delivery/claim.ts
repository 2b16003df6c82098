import { sql } from "drizzle-orm";
import type { Envelope } from "../channels/channel.ts";
import { type Instant, MINUTE } from "../clock.ts";
import { closeConversations, type Standing } from "../conversations/standing.ts";
import { hold, release } from "../credits/holds.ts";
import { readWeights } from "../credits/weights.ts";
import { rowsOf } from "../db/sql.ts";
import type { Tx } from "../db/store.ts";
import { Fault } from "../fault.ts";
import { countMoves, type Move } from "../messages/counts.ts";
import { type CancelReason, NEVER } from "../messages/model.ts";
import { repinMessages } from "../senders/repin.ts";
import { MAX_BATCH_STEPS } from "../templates/limits.ts";
import { stepsRendered } from "../templates/renderBudget.ts";
import { type Post, renderEnvelope } from "./envelope.ts";
import { type Due, type DueRow, dueRows, learnSurroundings, type Surroundings, threadsOf } from "./facts.ts";
import { judge, type Verdict } from "./gate.ts";

/** How long a claim is believed in. Longer than any send may take, so that only a dead worker's claim runs out. */
export const LEASE = 5 * MINUTE;
/** How long a claim may be used: what has not left by then stays. The rest of the lease is for clocks that go unalike. */
export const SEND_WITHIN = 3 * MINUTE;

/** Rendered without letting others in: a slice of ordinary mails takes less. */
const STEPS_BETWEEN_PAUSES = 4_000;

/** The right to send one message once. */
export interface Claim {
  envelope: Envelope;
  /** No other claim bears it, not even one whose commit failed. */
  id: string;
  fence: number;
  claimedAt: Instant;
  /** The bytes that commit go out before this moment of the engine's steady clock, or not at all. */
  sendBefore: number;
  campaignId: string;
  conversationId: string;
  stage: number;
  scheduledTime: Instant;
  attempts: number;
  /** Which of the sender's days gave the slot; it is given back if nothing left. */
  senderDay: string | null;
  /** Whether it counts as sent while the sender warms up. */
  warming: boolean;
}

interface Ruled {
  row: DueRow;
  verdict: Exclude<Verdict, { go: "pass" }>;
}

/**
 * In this one transaction claims those of the messages due that may leave, and settles what becomes of the others:
 * cancelled, failed, or waiting. Nothing may be sent before it has committed. Their senders are locked. `around` is what this
 * transaction knows already; it knows more afterwards.
 */
export async function claimDue(
  tx: Tx,
  chosen: readonly Due[],
  post: Post,
  around: Surroundings,
  sendBefore: number,
): Promise<Claim[]> {
  const due = await dueRows(tx, chosen);
  await learnSurroundings(tx, around, due, tx.now);
  const rows = await withoutRepinned(tx, due, around);
  await holdMissing(tx, rows, around);
  const threads = await threadsOf(tx, rows);

  const id = tx.newId();
  const claims: Claim[] = [];
  const ruled: Ruled[] = [];
  const renderedBefore = stepsRendered();
  let pausedAt = renderedBefore;
  for (const row of rows) {
    // Templates that take long make the batch shorter: the others stay due, and other transactions get the writer.
    if (stepsRendered() - renderedBefore > MAX_BATCH_STEPS) break;
    if (stepsRendered() - pausedAt > STEPS_BETWEEN_PAUSES) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      pausedAt = stepsRendered();
    }
    const verdict = judge(row, around, tx.now);
    if (verdict.go !== "pass") {
      ruled.push({ row, verdict });
      continue;
    }
    try {
      const envelope = renderEnvelope(row, around, threads.get(row.conversation_id), post);
      const sender = row.sender_id === null ? undefined : around.senders.get(row.sender_id);
      if (sender) sender.sendsToday++;
      const { campaign_id: campaignId, conversation_id: conversationId, stage } = row;
      claims.push({
        envelope,
        id,
        campaignId,
        conversationId,
        stage,
        scheduledTime: row.scheduled_time,
        fence: row.fence + 1,
        claimedAt: tx.now,
        sendBefore,
        attempts: row.attempts + 1,
        senderDay: sender?.today ?? null,
        warming: sender?.warming ?? false,
      });
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      ruled.push({
        row,
        verdict: { go: "fail", reason: `CANNOT_RENDER: ${error.message}`.slice(0, 300), detail: error.message },
      });
    }
  }
  await markSending(tx, id, claims);
  await takeSlots(tx, around);
  await applyRulings(tx, ruled, around);
  const claimed: Move[] = claims.map(({ campaignId, stage, scheduledTime }) => ({
    campaignId,
    stage,
    scheduledTime,
    from: "PENDING",
    to: "SENDING",
  }));
  await countMoves(tx, claimed);
  return claims;
}

/** Whose mailbox moved away, or never was, gets another where there is one. It stays due: the next look finds it there. */
async function withoutRepinned(tx: Tx, due: readonly DueRow[], { senders }: Surroundings): Promise<DueRow[]> {
  const brandOf = ({ sender_id: id }: DueRow) => (id === null ? undefined : senders.get(id)?.brandId);
  const stranded = due.filter((row) => row.channel === "EMAIL" && brandOf(row) !== row.brand_id);
  const repinned = await repinMessages(
    tx,
    stranded.map(({ id }) => id),
  );
  return due.filter(({ id }) => !repinned.has(id));
}

/** Messages written while the brand was short of credits get their hold now, if a top-up came meanwhile. */
async function holdMissing(tx: Tx, rows: readonly DueRow[], around: Surroundings): Promise<void> {
  const isActive = (row: DueRow) =>
    ["RUNNING", "SCHEDULED"].includes(around.campaigns.get(row.campaign_id)?.status ?? "");
  const unpaid = rows.filter((row) => Number(row.held) < row.credits && isActive(row));
  if (unpaid.length === 0) return;
  const weights = await readWeights(tx);
  const short = await hold(
    tx,
    unpaid.map((row) => ({
      messageId: row.id,
      brandId: row.brand_id,
      campaignId: row.campaign_id,
      creditType: row.channel,
      amount: row.credits,
      weight: weights[row.channel],
    })),
  );
  for (const row of unpaid) if (!short.has(row.id)) row.held = row.credits;
}

async function markSending(tx: Tx, id: string, claims: readonly Claim[]): Promise<void> {
  if (claims.length === 0) return;
  const rows = claims.map(({ envelope }) => ({
    id: envelope.messageId,
    key: envelope.messageKey,
    subject: envelope.subject,
    body: envelope.text,
  }));
  await tx.all(sql`update messages set status = 'SENDING', claim = ${id}, fence = fence + 1, attempts = attempts + 1, lease_until = ${tx.now + LEASE},
      message_key = n.key, subject = n.subject, text = n.body, error_message = null
    from ${rowsOf("n", rows, { id: "text", key: "text", subject: "text", body: "text" })} where messages.id = n.id`);
}

/** Counts the claims against the senders' days. `lockSenders` made the counts that the gate saw the true ones until now. */
async function takeSlots(tx: Tx, around: Surroundings): Promise<void> {
  const taken = [...around.senders.values()]
    .filter((sender) => sender.sendsToday > sender.sendsBefore)
    .map(({ id, today, warming, sendsToday, sendsBefore }) => {
      const taken = sendsToday - sendsBefore;
      return { id, today, taken, warm: warming ? taken : 0 };
    })
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  if (taken.length === 0) return;
  for (const sender of around.senders.values()) sender.sendsBefore = sender.sendsToday;
  const types = { id: "text", today: "text", taken: "integer", warm: "integer" } as const;
  await tx.all(sql`insert into sender_days (sender_id, day, sends, warmup_sends) select n.id, n.today, n.taken, n.warm from ${rowsOf("n", taken, types)} where true
    on conflict (sender_id, day) do update set sends = sender_days.sends + excluded.sends, warmup_sends = sender_days.warmup_sends + excluded.warmup_sends`);
}

/** Where a cancelled message leaves its conversation. The other reasons were written there by what caused them. */
const ENDS: Partial<Record<CancelReason, Standing>> = { BANNED: "OPTED_OUT", BOUNCED: "BOUNCED" };

/** Carries out what the gate said of the messages that do not leave now. */
async function applyRulings(tx: Tx, ruled: readonly Ruled[], around: Surroundings): Promise<void> {
  const waiting: { id: string; until: Instant; reason: string }[] = [];
  const over: { id: string; status: "CANCELLED" | "FAILED"; reason: string }[] = [];
  const moves: Move[] = [];
  const ended: { id: string; status: Standing }[] = [];
  for (const { row, verdict } of ruled) {
    if (verdict.go === "wait") {
      waiting.push({ id: row.id, until: verdict.until, reason: verdict.reason });
      continue;
    }
    const status = verdict.go === "cancel" ? "CANCELLED" : "FAILED";
    over.push({ id: row.id, status, reason: verdict.reason });
    const standing = verdict.go === "fail" ? "FAILED" : ENDS[verdict.reason];
    if (standing) ended.push({ id: row.conversation_id, status: standing });
    moves.push({
      campaignId: row.campaign_id,
      stage: row.stage,
      scheduledTime: row.scheduled_time,
      from: "PENDING",
      to: status,
    });
  }
  if (waiting.length > 0) {
    await tx.all(sql`update messages set run_at = n.until, error_message = n.reason
      from ${rowsOf("n", waiting, { id: "text", until: "bigint", reason: "text" })} where messages.id = n.id`);
  }
  if (over.length > 0) {
    await tx.all(sql`update messages set status = n.status, error_message = n.reason, processed_at = ${tx.now}
      from ${rowsOf("n", over, { id: "text", status: "text", reason: "text" })} where messages.id = n.id`);
    for (const [reason, rows] of Map.groupBy(over, (row) => row.reason))
      await release(
        tx,
        rows.map((row) => row.id),
        reason,
      );
  }
  await countMoves(tx, moves);
  await closeConversations(tx, ended);
  await pauseUnpaid(tx, ruled, around);
}

/** A campaign that ran out of credits pauses with that reason; a top-up resumes it. */
async function pauseUnpaid(tx: Tx, ruled: readonly Ruled[], { campaigns }: Surroundings): Promise<void> {
  const unpaid = ruled.filter(
    ({ verdict }) => verdict.go === "wait" && verdict.reason === "INSUFFICIENT_CREDITS" && verdict.until === NEVER,
  );
  const ids = [...new Set(unpaid.map(({ row }) => row.campaign_id))].map((id) => ({ id }));
  if (ids.length === 0) return;
  await tx.all(sql`update campaigns set status = 'AUTO_PAUSED', status_reason = 'NO_CREDITS', updated_at = ${tx.now}
    where status in ('RUNNING', 'SCHEDULED') and id in (select n.id from ${rowsOf("n", ids, { id: "text" })})`);
  // No longer as they were read.
  for (const { id } of ids) campaigns.delete(id);
}
