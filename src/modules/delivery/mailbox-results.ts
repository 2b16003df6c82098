import type { Tx } from "../../db/store.ts";
import type { Random } from "../../lib/random.ts";
import { type DailySends, returnDailySends } from "../senders/daily-sends.ts";
import { type MailboxFailure, pauseFailingMailboxes, resetMailboxHealth } from "../senders/mailbox-health.ts";
import type { Result } from "./result.ts";

/** Gives the daily sends of messages that did not leave back to their mailboxes. */
export async function returnSlots(tx: Tx, results: readonly Result[]): Promise<void> {
  const slots = new Map<string, DailySends>();
  for (const { claim } of results) {
    if (claim.senderDay === null) continue;
    const senderId = claim.envelope.sender.id;
    const key = `${senderId} ${claim.senderDay}`;
    const slot = slots.get(key) ?? { senderId, day: claim.senderDay, sends: 0, warmup: 0 };
    slot.sends++;
    if (claim.warming) slot.warmup++;
    slots.set(key, slot);
  }
  await returnDailySends(tx, [...slots.values()]);
}

/** Pauses the mailboxes whose provider, and not the message, is why an attempt failed. */
export async function pauseFailedMailboxes(tx: Tx, results: readonly Result[], random: Random): Promise<void> {
  const failing = new Map<string, MailboxFailure>();
  for (const { claim, outcome } of results) {
    if (outcome.kind !== "deferred" || outcome.scope !== "sender") continue;
    const { id } = claim.envelope.sender;
    failing.set(id, {
      id,
      reason: outcome.reason,
      status: outcome.reauth ? "REAUTH_REQUIRED" : "ERROR",
      claimedAt: claim.claimedAt,
      retryAfterMs: outcome.retryAfterMs ?? 0,
      jitter: Math.round(500 + random() * 500),
    });
  }
  await pauseFailingMailboxes(tx, [...failing.values()]);
}

/** Marks the mailboxes that sent something as working. */
export function resetSentMailboxes(tx: Tx, sent: readonly Result[]): Promise<void> {
  return resetMailboxHealth(
    tx,
    sent.map(({ claim }) => claim.envelope.sender.id),
  );
}
