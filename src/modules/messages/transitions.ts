import { sql } from "drizzle-orm";
import type { Tx } from "../../db/store.ts";
import type { Instant } from "../../lib/clock.ts";
import { type ConversationStatus, endConversations } from "../conversations/status.ts";
import { release, settle } from "../credits/holds.ts";
import { updateCounts } from "./counts.ts";
import { CLAIM_LEASE_MS, type MessageStatus, UNKNOWN_DEADLINE_MS } from "./model.ts";
import { type Update, updateBatch } from "./update-batch.ts";

/*
 * The state machine of a message. `transition` is the only function that changes the status of a row of `messages`.
 *
 *   PENDING --claim--> SENDING --settle--> SENT | FAILED | CANCELLED | PENDING (try again) | UNKNOWN
 *   PENDING --decide--> CANCELLED | FAILED          SENDING --rescue--> UNKNOWN --settle, late--> any of the above
 *   PENDING --cancel--> CANCELLED                   UNKNOWN --resolve--> SENT | PENDING     UNKNOWN --expire--> FAILED
 *
 * | status    | credits held          | counted as        | conversation                       | leaves it by                |
 * | PENDING   | held, or short        | PENDING           | unchanged                          | claim, decide, cancel       |
 * | SENDING   | held                  | SENDING           | unchanged                          | settle, rescue              |
 * | UNKNOWN   | held                  | UNKNOWN           | unchanged                          | settle, resolve, expire     |
 * | SENT      | settled (used)        | SENT              | ACTIVE, COMPLETED after the last   | final                       |
 * | FAILED    | released (given back) | FAILED            | FAILED; BOUNCED for a bad address  | final                       |
 * | CANCELLED | released (given back) | CANCELLED         | set by the one who cancels         | final; deleted with a draft |
 *
 * A message is created PENDING by `schedule` (messages.ts), which makes the hold and counts it. What follows SENT, the next
 * stage and the status of its conversation, is written in the same transaction by `scheduleFollowUps` (campaigns), above.
 *
 * Interruptions of a process:
 * - SIGTERM: claims nothing more; what is SENDING comes back and is settled. What does not come back in time is as after SIGKILL.
 * - SIGKILL or a crash: before the claim commits nothing has happened; after it the row stays SENDING until its lease ends,
 *   then `rescue` makes it UNKNOWN, since the provider may have accepted it. A single process on SQLite rescues at start.
 * - The commit of a claim fails or its answer is lost: nothing is sent, and the rows are settled as not attempted (PENDING).
 * - The database fails while results are settled: they are kept in memory and settled by the next transaction.
 * - Cancelled while SENDING: `cancel_reason` is set; a message that turns out not to have left is CANCELLED, not PENDING.
 * - A worker settles after its lease ended: its claim still matches the UNKNOWN row until that is resolved or expires, so
 *   the true outcome is written. After that, or after another claim, it changes no row.
 * - Any error inside a transaction undoes status, counters, holds and conversation together.
 */

interface Transition extends Update {
  to: readonly MessageStatus[];
  /** Stores the new status as the reason of a release in the ledger, in place of the reason of the message. */
  releaseReason?: "status";
}

/** Condition of a message that was not sent and has been recalled since it was claimed. */
const RECALLED = sql.raw(`n."to" = 'PENDING' and messages.cancel_reason is not null`);

/** The permitted transitions. `reschedule.ts` has the updates that leave a message PENDING. */
export const TRANSITIONS = {
  /** A worker takes the right to send it once. */
  claim: {
    from: ["PENDING"],
    to: ["SENDING"],
    columns: ["id", "claim", "messageKey", "subject", "text"],
    set: (now) => sql`status = 'SENDING', claim = n.claim, fence = fence + 1, attempts = attempts + 1,
      lease_until = ${now + CLAIM_LEASE_MS}, message_key = n."messageKey", subject = n.subject, text = n.text, error_message = null`,
  },
  /** The worker that claimed it writes the outcome, only while its claim is the last one. */
  settle: {
    from: ["SENDING", "UNKNOWN"],
    to: ["SENT", "FAILED", "CANCELLED", "PENDING", "UNKNOWN"],
    columns: ["id", "claim", "to", "reason", "runAt", "attempts", "providerId"],
    set: (now) => sql`status = case when ${RECALLED} then 'CANCELLED' else n."to" end,
      error_message = case when ${RECALLED} then messages.cancel_reason else n.reason end,
      processed_at = case when ${RECALLED} or n."to" in ('SENT', 'FAILED', 'CANCELLED') then cast(${now} as bigint) end,
      run_at = n."runAt", attempts = n.attempts, provider_id = n."providerId", lease_until = null, claim = null`,
    condition: sql`messages.claim = n.claim`,
    releaseReason: "status",
  },
  /** The gate found, when it was due, that it must not leave. */
  decide: {
    from: ["PENDING"],
    to: ["CANCELLED", "FAILED"],
    columns: ["id", "to", "reason"],
    set: (now) => sql`status = n."to", error_message = n.reason, processed_at = ${now}`,
  },
  /** Its lease ended without a result. The claim stays, so that its worker may still settle it. */
  rescue: {
    from: ["SENDING"],
    to: ["UNKNOWN"],
    columns: ["id"],
    set: (now) => sql`status = 'UNKNOWN', error_message = 'OUTCOME_UNKNOWN', lease_until = null, fence = fence + 1,
      run_at = ${now + UNKNOWN_DEADLINE_MS}`,
  },
  /** Its outcome stayed unknown until the deadline. */
  expire: {
    from: ["UNKNOWN"],
    to: ["FAILED"],
    columns: ["id", "reason"],
    set: (now) => sql`status = 'FAILED', error_message = n.reason, claim = null, fence = fence + 1,
      run_at = ${now}, processed_at = ${now}`,
  },
  /** A person decides whether it was sent. */
  resolve: {
    from: ["UNKNOWN"],
    to: ["SENT", "PENDING"],
    columns: ["id", "to"],
    set: (now) => sql`status = n."to", error_message = null, claim = null, fence = fence + 1, run_at = ${now},
      processed_at = case when n."to" = 'SENT' then cast(${now} as bigint) end`,
  },
  /** A ban, a reply, a person or the end of its campaign cancels it. */
  cancel: {
    from: ["PENDING"],
    to: ["CANCELLED"],
    columns: ["id", "reason"],
    set: (now) => sql`status = 'CANCELLED', error_message = n.reason, processed_at = ${now}`,
  },
} as const satisfies Record<string, Transition>;

/** The status that a message shall get. `settle` needs the values of the attempt as well. */
export interface Change {
  id: string;
  to: MessageStatus;
  /** Stored as its error message, and in the ledger where a hold is released. */
  reason: string | null;
  /** Given where the caller has loaded the message. */
  facts?: MessageFacts;
  /** The claim's fence; a message that has a higher one was rescued meanwhile. */
  fence?: number;
  claim?: string;
  runAt?: Instant;
  attempts?: number;
  providerId?: string | null;
  messageKey?: string;
  subject?: string | null;
  text?: string;
  /** Final status of its conversation. Without it FAILED ends it as FAILED, and CANCELLED leaves it to the caller. */
  conversation?: ConversationStatus | undefined;
}

/** The columns that identify the counters and the conversation of a message. */
export interface MessageFacts {
  campaignId: string;
  conversationId: string;
  stage: number;
  scheduledTime: Instant;
}

/** A message that made a transition. */
export interface Transitioned extends MessageFacts {
  id: string;
  from: MessageStatus;
  to: MessageStatus;
}

const RESULT = sql.raw('messages.id, messages.status as "to", messages.fence');
const RESULT_WITH_FACTS = sql.raw(`messages.id, messages.status as "to", messages.fence, messages.stage,
  messages.campaign_id as "campaignId", messages.conversation_id as "conversationId", messages.scheduled_time as "scheduledTime"`);

/**
 * Changes the status of a batch of messages and everything that depends on it: their credit holds, the counters and the
 * status of their conversations, in that order, which is the order of locks. Returns those that were in a status that the
 * transition starts from; the others, which another transaction has changed meanwhile, are left alone.
 */
export async function transition(
  tx: Tx,
  name: keyof typeof TRANSITIONS,
  changes: readonly Change[],
): Promise<Transitioned[]> {
  if (changes.length === 0) return [];
  const definition: Transition = TRANSITIONS[name];
  const byId = new Map<string, Change>();
  for (const change of changes) {
    if (!definition.to.includes(change.to)) throw new RangeError(`${name} does not lead to ${change.to}`);
    byId.set(change.id, change);
  }
  // Where the caller knows them they are not returned: that made claiming and settling a tenth slower.
  const returned = changes.every(({ facts }) => facts) ? RESULT : RESULT_WITH_FACTS;
  const rows = await updateBatch<Transitioned & { fence: number }>(tx, definition, changes, returned);
  const [first, other = first] = definition.from;
  const moved = rows.map((row): Transitioned => {
    const change = byId.get(row.id);
    const { campaignId, conversationId, stage, scheduledTime } = change?.facts ?? row;
    const isRescued = row.fence !== (change?.fence ?? row.fence);
    const from = (isRescued ? other : first) as MessageStatus;
    return { id: row.id, campaignId, conversationId, stage, scheduledTime, from, to: row.to };
  });
  await endHolds(tx, definition, moved, byId);
  await updateCounts(tx, moved);
  await endConversations(
    tx,
    moved.flatMap(({ id, conversationId, to }) => {
      const status = byId.get(id)?.conversation ?? (to === "FAILED" ? "FAILED" : undefined);
      return status === undefined || (to !== "FAILED" && to !== "CANCELLED") ? [] : [{ id: conversationId, status }];
    }),
  );
  return moved;
}

/** Settles the holds of sent messages, and releases those of messages that will not be sent. */
async function endHolds(
  tx: Tx,
  { releaseReason }: Transition,
  moved: readonly Transitioned[],
  byId: ReadonlyMap<string, Change>,
): Promise<void> {
  const sent: string[] = [];
  const released = new Map<string, string[]>();
  for (const { id, to } of moved) {
    if (to === "SENT") sent.push(id);
    if (to !== "FAILED" && to !== "CANCELLED") continue;
    const reason = releaseReason === "status" ? to : (byId.get(id)?.reason ?? to);
    const ids = released.get(reason) ?? [];
    if (ids.push(id) === 1) released.set(reason, ids);
  }
  if (sent.length > 0) await settle(tx, sent);
  for (const [reason, ids] of released) await release(tx, ids, reason);
}
