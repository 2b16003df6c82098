import type { Tx } from "../../db/store.ts";
import { AppError } from "../../lib/errors.ts";
import { MAX_BATCH_STEPS } from "../../lib/templates/limits.ts";
import { getTotalSteps } from "../../lib/templates/render-budget.ts";
import { pauseUnfunded } from "../campaigns/advance.ts";
import type { ConversationStatus } from "../conversations/status.ts";
import { hold } from "../credits/holds.ts";
import { getWeights } from "../credits/weights.ts";
import { type CancelReason, NEVER } from "../messages/model.ts";
import { reassignMessages } from "../messages/reassign.ts";
import { type Reschedule, reschedule } from "../messages/reschedule.ts";
import { type Change, type MessageFacts, transition } from "../messages/transitions.ts";
import { addDailySends } from "../senders/daily-sends.ts";
import type { Claim } from "./claim.ts";
import { type DeliveryContext, loadContext } from "./context.ts";
import { type DueMessage, type DueRow, loadDueRows, loadThreads, type Thread } from "./due-messages.ts";
import { evaluate, type GateResult } from "./gate.ts";
import { type RenderDeps, renderEnvelope } from "./render.ts";

/** Template steps rendered before other work on this thread runs: a slice of ordinary mails takes less. */
const STEPS_BETWEEN_YIELDS = 4_000;

type NotPassed = Exclude<GateResult, { action: "pass" }>;

/** A due message that does not leave now, and why. */
interface Held {
  row: DueRow;
  result: NotPassed;
}

/**
 * Claims the due messages that may be sent, and records for the others that they wait, are cancelled or have failed, in one
 * transaction; nothing may be sent before it has committed. The first stage of delivery. The caller has locked their
 * mailboxes and credit accounts. `context` is what the transaction has loaded before; it has more afterwards.
 */
export async function claimBatch(
  tx: Tx,
  chosen: readonly DueMessage[],
  deps: RenderDeps,
  context: DeliveryContext,
  sendBefore: number,
): Promise<Claim[]> {
  const due = await loadDueRows(tx, chosen);
  await loadContext(tx, context, due, tx.now);
  const rows = await reassignUnassigned(tx, due, context);
  await holdMissing(tx, rows, context);
  const threads = await loadThreads(tx, rows);
  const { claims, held } = await evaluateRows(tx, rows, { deps, context, threads, sendBefore });
  const claimed = new Set((await transition(tx, "claim", claims.map(toClaimChange))).map(({ id }) => id));
  await countSends(tx, context);
  await writeHeld(tx, held, context);
  // They are locked and pending. Should one not be, it has no claim and must not be sent.
  return claims.filter(({ envelope }) => claimed.has(envelope.messageId));
}

/** Reassigns messages whose mailbox left the brand, or that never had one. They stay due, and the next batch claims them. */
async function reassignUnassigned(tx: Tx, due: readonly DueRow[], { senders }: DeliveryContext): Promise<DueRow[]> {
  const getSenderBrand = ({ sender_id: id }: DueRow) => (id === null ? undefined : senders.get(id)?.brandId);
  const unassigned = due.filter((row) => row.channel === "EMAIL" && getSenderBrand(row) !== row.brand_id);
  const reassigned = await reassignMessages(
    tx,
    unassigned.map(({ id }) => id),
  );
  return due.filter(({ id }) => !reassigned.has(id));
}

/** Makes the holds of messages that were written while their brand was short of credits, if it can pay now. */
async function holdMissing(tx: Tx, rows: readonly DueRow[], { campaigns }: DeliveryContext): Promise<void> {
  const isActive = (row: DueRow) => ["RUNNING", "SCHEDULED"].includes(campaigns.get(row.campaign_id)?.status ?? "");
  const unpaid = rows.filter((row) => Number(row.held) < row.credits && isActive(row));
  if (unpaid.length === 0) return;
  const weights = await getWeights(tx);
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

interface Evaluation {
  deps: RenderDeps;
  context: DeliveryContext;
  threads: ReadonlyMap<string, Thread>;
  sendBefore: number;
}

/**
 * Evaluates the gate for each row and renders the rows that pass. Where templates take long it stops early: the rest stays
 * due, and other transactions get the writer.
 */
async function evaluateRows(tx: Tx, rows: readonly DueRow[], evaluation: Evaluation) {
  const claimId = tx.newId();
  const claims: Claim[] = [];
  const held: Held[] = [];
  const renderedBefore = getTotalSteps();
  let yieldedAt = renderedBefore;
  for (const row of rows) {
    if (getTotalSteps() - renderedBefore > MAX_BATCH_STEPS) break;
    if (getTotalSteps() - yieldedAt > STEPS_BETWEEN_YIELDS) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      yieldedAt = getTotalSteps();
    }
    const result = evaluate(row, evaluation.context, tx.now);
    const claim = result.action === "pass" ? claimRow(tx, row, claimId, evaluation) : result;
    if ("action" in claim) held.push({ row, result: claim });
    else claims.push(claim);
  }
  return { claims, held };
}

/** Renders a message and counts it against its mailbox's day, or fails it because it cannot be rendered. */
function claimRow(
  tx: Tx,
  row: DueRow,
  id: string,
  { deps, context, threads, sendBefore }: Evaluation,
): Claim | NotPassed {
  try {
    const envelope = renderEnvelope(row, context, threads.get(row.conversation_id), deps);
    const sender = row.sender_id === null ? undefined : context.senders.get(row.sender_id);
    if (sender) sender.sendsToday++;
    return {
      envelope,
      id,
      facts: toMessageFacts(row),
      fence: row.fence + 1,
      claimedAt: tx.now,
      sendBefore,
      attempts: row.attempts + 1,
      senderDay: sender?.today ?? null,
      warming: sender?.warming ?? false,
    };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { message } = error;
    return { action: "fail", reason: `CANNOT_RENDER: ${message}`.slice(0, 300), detail: message };
  }
}

const toMessageFacts = ({ campaign_id, conversation_id, stage, scheduled_time }: DueRow): MessageFacts => {
  return { campaignId: campaign_id, conversationId: conversation_id, stage, scheduledTime: scheduled_time };
};

function toClaimChange({ id, envelope, facts }: Claim): Change {
  const { messageId, messageKey, subject, text } = envelope;
  return { id: messageId, to: "SENDING", reason: null, facts, claim: id, messageKey, subject, text };
}

/** Counts the claims against the days of their mailboxes. The locks kept the counts that the gate saw true until now. */
async function countSends(tx: Tx, { senders }: DeliveryContext): Promise<void> {
  const claimed = [...senders.values()].filter((sender) => sender.sendsToday > sender.sendsBefore);
  await addDailySends(
    tx,
    claimed.map(({ id, today, warming, sendsToday, sendsBefore }) => {
      const sends = sendsToday - sendsBefore;
      return { senderId: id, day: today, sends, warmup: warming ? sends : 0 };
    }),
  );
  for (const sender of claimed) sender.sendsBefore = sender.sendsToday;
}

/**
 * The final status of a conversation after a cancellation by the gate. For other reasons the code that caused them wrote
 * it.
 */
const CONVERSATION_ENDS: Partial<Record<CancelReason, ConversationStatus>> = {
  BANNED: "OPTED_OUT",
  BOUNCED: "BOUNCED",
};

/** Postpones, cancels or fails the messages that do not leave now, and pauses the campaigns that ran out of credits. */
async function writeHeld(tx: Tx, held: readonly Held[], { campaigns }: DeliveryContext): Promise<void> {
  const waiting: Reschedule[] = [];
  const over: Change[] = [];
  const unfunded = new Set<string>();
  for (const { row, result } of held) {
    const { id } = row;
    const facts = toMessageFacts(row);
    const { action, reason } = result;
    if (action === "wait") {
      waiting.push({ id, runAt: result.until, reason });
      if (reason === "INSUFFICIENT_CREDITS" && result.until === NEVER) unfunded.add(row.campaign_id);
    } else if (action === "cancel") {
      over.push({ id, to: "CANCELLED", reason, facts, conversation: CONVERSATION_ENDS[result.reason] });
    } else {
      over.push({ id, to: "FAILED", reason, facts });
    }
  }
  await reschedule(tx, "postpone", waiting);
  await transition(tx, "decide", over);
  await pauseUnfunded(tx, unfunded);
  // They are no longer as they were loaded.
  for (const id of unfunded) campaigns.delete(id);
}
