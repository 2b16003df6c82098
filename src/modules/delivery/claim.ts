import type { Envelope } from "../../channels/channel.ts";
import { type Instant, MINUTE } from "../../lib/clock.ts";
import type { MessageFacts } from "../messages/transitions.ts";

/** Time for which a claim may be used; after it the message is not sent. The rest of the lease is for clocks that differ. */
export const SEND_WITHIN_MS = 3 * MINUTE;

/** The right to send one message once. */
export interface Claim {
  envelope: Envelope;
  /** Of this claim alone, whether or not its transaction committed. */
  id: string;
  fence: number;
  claimedAt: Instant;
  /** Deadline of the bytes that commit, on the engine's steady clock: they leave before it or not at all. */
  sendBefore: number;
  facts: MessageFacts;
  attempts: number;
  /** The day of the mailbox that the send counts against; the slot is returned if nothing was sent. */
  senderDay: string | null;
  /** True when it counts as sent while the mailbox warms up. */
  warming: boolean;
}
