import { sql } from "drizzle-orm";
import type { Channel, Outcome } from "../../channels/channel.ts";
import { valuesTable } from "../../db/sql.ts";
import type { Reader } from "../../db/store.ts";
import type { Log } from "../../lib/logger.ts";
import type { Claim } from "./claim.ts";
import type { InFlight } from "./in-flight.ts";
import { NOT_ATTEMPTED, type Result } from "./result.ts";

export interface SenderOptions {
  read: Reader;
  channel: Channel;
  log: Log;
  /** Milliseconds on a monotonic clock that goes on while this process is stopped. */
  monotonicMs: () => number;
  inFlight: InFlight;
  /** Receives the result of each claim: at once for those that are not attempted, else when the channel has returned. */
  onResult: (result: Result) => void;
  /** Is called after the channel has returned. */
  onReturn: () => void;
}

/**
 * Sends a batch of committed claims; each gets a result. Resolves when all have been started, and rejects when none was
 * because the database failed. The second stage of delivery.
 */
export async function sendBatch(claims: readonly Claim[], options: SenderOptions): Promise<void> {
  if (claims.length === 0) return;
  const { read, monotonicMs, inFlight, onResult, onReturn } = options;
  const recalled = await findRecalled(read, claims).catch((error) => {
    // It is unknown which of them may be sent, so none is: then no outcome is unknown.
    for (const claim of claims) onResult({ claim, outcome: NOT_ATTEMPTED });
    throw error;
  });
  for (const claim of claims) {
    // A process that was stopped for long finds its claims rescued: another one may have sent since.
    const outcome = monotonicMs() < claim.sendBefore ? recalled.get(claim.envelope.messageId) : NOT_ATTEMPTED;
    if (outcome !== undefined) {
      onResult({ claim, outcome });
      continue;
    }
    const sending = attempt(claim, options).then((sent) => {
      onResult({ claim, outcome: sent });
      // After the count of those in flight went down, so that there is capacity when the driver looks.
      queueMicrotask(onReturn);
    });
    inFlight.add(claim.envelope.sender.id, sending);
  }
}

/**
 * Asks once more, right before the first byte. A ban, a reply or a stop that committed after the claim cancels the message
 * here; a pause, or a mailbox that was given to another brand, puts it back.
 */
async function findRecalled(read: Reader, claims: readonly Claim[]): Promise<Map<string, Result["outcome"]>> {
  const ids = claims.map(({ envelope }) => ({ id: envelope.messageId }));
  const rows = await read.all<{ id: string; reason: string | null }>(sql`select m.id, m.cancel_reason as reason
    from ${valuesTable("n", ids, { id: "text" })} cross join messages m cross join campaigns c cross join conversations v
    left join email_accounts e on e.id = m.sender_id
    where m.id = n.id and c.id = m.campaign_id and v.id = m.conversation_id
    and (m.cancel_reason is not null or c.status = 'PAUSED' or v.status = 'PAUSED'
      or (e.id is not null and coalesce(e.brand_id, '') <> m.brand_id))`);
  return new Map(rows.map(({ id, reason }) => [id, reason === null ? NOT_ATTEMPTED : { kind: "recalled", reason }]));
}

async function attempt(claim: Claim, { channel, log }: SenderOptions): Promise<Outcome> {
  try {
    return await channel.send(claim.envelope, claim.sendBefore);
  } catch (error) {
    // A channel does not throw. One that does may have sent before it did.
    log.error("delivery.channel_failed", { messageId: claim.envelope.messageId, error });
    return { kind: "unknown", reason: "the channel failed" };
  }
}
