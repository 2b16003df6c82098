import type { Tx } from "../../db/store.ts";
import { HOUR, type Instant, SECOND } from "../../lib/clock.ts";
import type { Random } from "../../lib/random.ts";
import { scheduleFollowUps } from "../campaigns/follow-up-schedule.ts";
import { markConversationsBounced } from "../contacts/bounces.ts";
import { UNKNOWN_DEADLINE_MS } from "../messages/model.ts";
import { type Change, transition } from "../messages/transitions.ts";
import type { DeliveryContext } from "./context.ts";
import { pauseFailedMailboxes, resetSentMailboxes, returnSlots } from "./mailbox-results.ts";
import type { Result } from "./result.ts";

/** Attempts after which a message that fails for reasons of its own has failed finally. */
export const MAX_ATTEMPTS = 6;

/**
 * Computes a delay with full jitter: anywhere between now and the ceiling, so that messages that failed together do not
 * come back together.
 */
function backoff(attempts: number, random: Random): number {
  return Math.ceil(random() * Math.min(HOUR, 15 * SECOND * 2 ** attempts));
}

/** Maps the outcome of an attempt to the change of its message. */
function toChange({ claim, outcome }: Result, now: Instant, random: Random): Change {
  const { attempts, fence, facts } = claim;
  const change = {
    id: claim.envelope.messageId,
    claim: claim.id,
    fence,
    facts,
    runAt: now,
    providerId: null,
    reason: null,
    attempts,
  };
  switch (outcome.kind) {
    case "accepted":
      return { ...change, to: "SENT", providerId: outcome.providerId };
    case "rejected":
      return {
        ...change,
        to: "FAILED",
        reason: outcome.reason,
        conversation: outcome.badAddress ? "BOUNCED" : "FAILED",
      };
    case "recalled":
      return { ...change, to: "CANCELLED", reason: outcome.reason };
    case "not_attempted":
      // Due at once: the gate of the next claim records the reason to wait.
      return { ...change, to: "PENDING", attempts: attempts - 1 };
    case "unknown":
      return { ...change, to: "UNKNOWN", reason: "OUTCOME_UNKNOWN", runAt: now + UNKNOWN_DEADLINE_MS };
    case "deferred": {
      // A mailbox in trouble is not the message's fault: the message waits with it and keeps its attempts.
      const isOwn = outcome.scope === "message";
      const { reason } = outcome;
      if (isOwn && attempts >= MAX_ATTEMPTS) return { ...change, to: "FAILED", reason };
      const runAt = now + Math.max(outcome.retryAfterMs ?? 0, backoff(attempts, random));
      return { ...change, to: "PENDING", reason, runAt, attempts: isOwn ? attempts : attempts - 1 };
    }
  }
}

/**
 * Records the results of claims with their consequences: the next stage of sent messages, the daily slots of unsent ones,
 * the health of the mailboxes. Returns the results that came too late, because another claim or a person has decided since.
 * The last stage of delivery. `context` is what the transaction has loaded before; it has more afterwards.
 */
export async function settleBatch(
  tx: Tx,
  results: readonly Result[],
  random: Random,
  context: DeliveryContext,
): Promise<Result[]> {
  if (results.length === 0) return [];
  const changes = results.map((result) => toChange(result, tx.now, random));
  const settled = new Map((await transition(tx, "settle", changes)).map(({ id, to }) => [id, to]));
  const getSettledStatus = ({ claim }: Result) => settled.get(claim.envelope.messageId);
  const valid = results.filter((result) => getSettledStatus(result) !== undefined);
  const sent = valid.filter((result) => getSettledStatus(result) === "SENT");
  await returnSlots(
    tx,
    valid.filter(({ outcome }) => outcome.kind !== "accepted" && outcome.kind !== "unknown"),
  );
  const bounced = valid.filter(({ outcome }) => outcome.kind === "rejected" && outcome.badAddress);
  await markConversationsBounced(
    tx,
    bounced.map(({ claim }) => claim.facts.conversationId),
  );
  await pauseFailedMailboxes(tx, valid, random);
  await resetSentMailboxes(tx, sent);
  await scheduleFollowUps(
    tx,
    sent.map(({ claim }) => ({
      ...claim.facts,
      senderId: claim.senderDay === null ? null : claim.envelope.sender.id,
      sentAt: tx.now,
    })),
    context,
  );
  return results.filter((result) => getSettledStatus(result) === undefined);
}
