import { HOUR, type Instant, MINUTE } from "../../lib/clock.ts";

/** The status of a message in the database; `transitions.ts` has the state machine. The API shows SENDING and UNKNOWN as PENDING. */
export type MessageStatus = "PENDING" | "SENDING" | "SENT" | "CANCELLED" | "FAILED" | "UNKNOWN";

/** Reason why a message was cancelled. */
export type CancelReason =
  | "REPLIED"
  | "BANNED"
  | "UNSUBSCRIBED"
  | "BOUNCED"
  | "MANUAL_MODE"
  | "CAMPAIGN_STOPPED"
  | "CONTACT_REMOVED";

/** Maps a status to the one that the reference API has for it. */
export function toWireStatus(status: MessageStatus): "PENDING" | "SENT" | "CANCELLED" | "FAILED" {
  return status === "SENDING" || status === "UNKNOWN" ? "PENDING" : status;
}

/** The due time of a message that waits for an event (a resume, a top-up). The last time a JavaScript date can hold. */
export const NEVER: Instant = 8_640_000_000_000_000;

/** A claim is valid for this long. Longer than a send may take, so that only the claim of a dead worker ends by time. */
export const CLAIM_LEASE_MS = 5 * MINUTE;

/** An outcome that is unknown for this long counts as failed. */
export const UNKNOWN_DEADLINE_MS = 24 * HOUR;
