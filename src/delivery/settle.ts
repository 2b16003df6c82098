import { sql } from "drizzle-orm";
import type { Plans } from "../campaigns/plans.ts";
import { scheduleFollowUps } from "../campaigns/schedule.ts";
import { HOUR, type Instant, SECOND } from "../clock.ts";
import { closeConversations } from "../conversations/standing.ts";
import { release, settle } from "../credits/holds.ts";
import { rowsOf } from "../db/sql.ts";
import type { Tx } from "../db/store.ts";
import { countMoves, type Move } from "../messages/counts.ts";
import { type MessageStatus, UNKNOWN_DEADLINE } from "../messages/model.ts";
import type { Random } from "../random.ts";
import type { Result } from "./result.ts";
import { blameSenders, clearSenders, giveBackSlots } from "./senderHealth.ts";

/** A message that keeps failing for reasons of its own is given up after this many attempts. */
export const MAX_ATTEMPTS = 6;

type Ending = {
  id: string;
  claim: string;
  status: MessageStatus;
  runAt: Instant;
  providerId: string | null;
  error: string | null;
  processedAt: Instant | null;
  attempts: number;
};

/** Full jitter: anywhere between now and the ceiling, so that messages that failed together do not come back together. */
function backoff(attempts: number, random: Random): number {
  return Math.ceil(random() * Math.min(HOUR, 15 * SECOND * 2 ** attempts));
}

/** Where a message goes after an attempt, before anybody asked whether the claim still holds. */
function endingOf({ claim, outcome }: Result, now: Instant, random: Random): Ending {
  const ending = {
    id: claim.envelope.messageId,
    claim: claim.id,
    runAt: now,
    providerId: null,
    error: null,
    processedAt: now,
    attempts: claim.attempts,
  };
  switch (outcome.kind) {
    case "accepted":
      return { ...ending, status: "SENT", providerId: outcome.providerId };
    case "rejected":
      return { ...ending, status: "FAILED", error: outcome.reason };
    case "withdrawn":
      return { ...ending, status: "CANCELLED", error: outcome.reason };
    case "withheld":
      // Due at once: the next claim's gate says what it waits for.
      return { ...ending, status: "PENDING", attempts: claim.attempts - 1, processedAt: null };
    case "unknown":
      return {
        ...ending,
        status: "UNKNOWN",
        error: "OUTCOME_UNKNOWN",
        runAt: now + UNKNOWN_DEADLINE,
        processedAt: null,
      };
    case "deferred":
      // A sender in trouble is no fault of the message: it waits with its sender and keeps its attempts.
      if (outcome.scope === "message" && claim.attempts >= MAX_ATTEMPTS)
        return { ...ending, status: "FAILED", error: outcome.reason };
      return {
        ...ending,
        attempts: outcome.scope === "sender" ? claim.attempts - 1 : claim.attempts,
        status: "PENDING",
        error: outcome.reason,
        processedAt: null,
        runAt: now + Math.max(outcome.retryAfterMs ?? 0, backoff(claim.attempts, random)),
      };
  }
}

/**
 * Writes down what became of claims: the message, its credits, its sender and what follows it, in one transaction. A
 * result that comes after its claim ran out is evidence while the outcome is still unknown. Once somebody else has said
 * what became of the message it changes nothing; those results are returned.
 */
export async function settleResults(
  tx: Tx,
  results: readonly Result[],
  random: Random,
  plans: Plans,
): Promise<Result[]> {
  if (results.length === 0) return [];
  const endings = results.map((result) => endingOf(result, tx.now, random));
  const counted = await writeEndings(tx, endings);
  const endOf = ({ claim }: Result) => counted.get(claim.envelope.messageId);
  const valid = results.filter((result) => endOf(result) !== undefined);
  const at = (status: MessageStatus) => valid.filter((result) => endOf(result)?.status === status);
  const ids = (chosen: readonly Result[]) => chosen.map(({ claim }) => claim.envelope.messageId);

  const sent = at("SENT");
  await settle(tx, ids(sent));
  await release(tx, ids(at("FAILED")), "FAILED");
  await release(tx, ids(at("CANCELLED")), "CANCELLED");
  await countMoves(
    tx,
    valid.map((result): Move => {
      const { campaignId, stage, scheduledTime, fence } = result.claim;
      const end = endOf(result);
      const from = end?.fence === fence ? "SENDING" : "UNKNOWN";
      return { campaignId, stage, scheduledTime, from, to: end?.status ?? from };
    }),
  );
  await giveBackSlots(
    tx,
    valid.filter(({ outcome }) => outcome.kind !== "accepted" && outcome.kind !== "unknown"),
  );
  await closeFailed(tx, at("FAILED"));
  await blameSenders(tx, valid, random);
  await clearSenders(tx, sent);
  await scheduleFollowUps(
    tx,
    sent.map(({ claim }) => ({
      campaignId: claim.campaignId,
      conversationId: claim.conversationId,
      stage: claim.stage,
      senderId: claim.senderDay === null ? null : claim.envelope.sender.id,
      sentAt: tx.now,
    })),
    plans,
  );
  return results.filter((result) => !valid.includes(result));
}

/** Where a message is now; a fence further than its claim's says that the claim had run out. */
interface End {
  status: MessageStatus;
  fence: number;
}

/**
 * Only where the claim stands, or ran out and nothing came after it. A message that was to be cancelled meanwhile and did
 * not leave is cancelled.
 */
async function writeEndings(tx: Tx, endings: readonly Ending[]): Promise<Map<string, End>> {
  const types = {
    id: "text",
    claim: "text",
    status: "text",
    runAt: "bigint",
    providerId: "text",
    error: "text",
    processedAt: "bigint",
    attempts: "integer",
  } as const;
  const rows = await tx.all<End & { id: string }>(sql`update messages set
      status = case when n.status = 'PENDING' and messages.cancel_reason is not null then 'CANCELLED' else n.status end,
      error_message = case when n.status = 'PENDING' and messages.cancel_reason is not null then messages.cancel_reason else n.error end,
      processed_at = case when n.status = 'PENDING' and messages.cancel_reason is not null then ${tx.now} else n."processedAt" end,
      run_at = n."runAt", attempts = n.attempts, provider_id = n."providerId", lease_until = null, claim = null
    from ${rowsOf("n", endings, types)} where messages.id = n.id and messages.claim = n.claim and messages.status in ('SENDING', 'UNKNOWN')
    returning messages.id, messages.status, messages.fence`);
  return new Map(rows.map((row) => [row.id, row]));
}

/** A conversation whose message failed for good ends there; an address that does not exist is remembered as such. */
async function closeFailed(tx: Tx, failed: readonly Result[]): Promise<void> {
  const ended = failed.map(({ claim, outcome }) => {
    const bounced = outcome.kind === "rejected" && outcome.badAddress;
    return { id: claim.conversationId, status: bounced ? ("BOUNCED" as const) : ("FAILED" as const) };
  });
  await closeConversations(tx, ended);
  const bounced = ended.filter(({ status }) => status === "BOUNCED").map(({ id }) => ({ id }));
  if (bounced.length === 0) return;
  await tx.all(sql`update contacts set email_bounced_at = ${tx.now} where email_bounced_at is null and id in
    (select v.contact_id from ${rowsOf("n", bounced, { id: "text" })} cross join conversations v where v.id = n.id)`);
}
