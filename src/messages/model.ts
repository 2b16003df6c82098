import type { Instant } from "../clock.ts";

/** Where a message stands, inside. On the wire SENDING and UNKNOWN show as PENDING. */
export type MessageStatus = "PENDING" | "SENDING" | "SENT" | "CANCELLED" | "FAILED" | "UNKNOWN";

/** Why a message was cancelled. */
export type CancelReason =
  | "REPLIED"
  | "BANNED"
  | "UNSUBSCRIBED"
  | "BOUNCED"
  | "MANUAL_MODE"
  | "CAMPAIGN_STOPPED"
  | "CONTACT_REMOVED";

/** The status as the reference API knows it. */
export function wireStatus(status: MessageStatus): "PENDING" | "SENT" | "CANCELLED" | "FAILED" {
  return status === "SENDING" || status === "UNKNOWN" ? "PENDING" : status;
}

/** Parked: due only when something (a resume, a top-up) says so. The last moment a JavaScript date can name. */
export const NEVER: Instant = 8_640_000_000_000_000;

/** An unknown outcome that nobody resolved is given up after this long. */
export const UNKNOWN_DEADLINE = 24 * 60 * 60 * 1000;
