/** The ways to reach a contact. */
export type ChannelName = "EMAIL" | "SMS" | "VOICEMAIL";

/** How to log in to a brand's own SMTP server. `password` is in the clear here, and nowhere else. */
export interface SmtpLogin {
  host: string;
  port: number;
  /** TLS from the first byte (465), STARTTLS required (587), or none (only where the operator allows private hosts). */
  security: "TLS" | "STARTTLS" | "NONE";
  username: string | null;
  password: string | null;
}

/** One message, rendered and ready to leave. */
export interface Envelope {
  messageId: string;
  channel: ChannelName;
  /** The same for every attempt at one message; for e-mail its RFC 5322 Message-ID, with angle brackets. */
  messageKey: string;
  sender: { id: string; address: string; displayName: string | null; smtp: SmtpLogin | null };
  to: { address: string; name: string | null };
  subject: string | null;
  text: string;
  html: string | null;
  /** Message-IDs of this conversation, oldest first: In-Reply-To is the last, References are all. */
  thread: string[];
  /** Where RFC 8058 one-click unsubscription is posted to. Null for messages that are no campaign mail (a test). */
  unsubscribeUrl: string | null;
}

/** What became of an attempt, as far as can be known. The delivery engine decides what follows. */
export type Outcome =
  | { kind: "accepted"; providerId: string | null }
  /** Definite and final. `badAddress`: the recipient does not exist (5.1.x), so nobody should be written to there again. */
  | { kind: "rejected"; reason: string; badAddress: boolean }
  /** Known not sent, worth another try. `sender`: the whole sender must pause (429, login refused, server down). */
  | { kind: "deferred"; reason: string; scope: "message" | "sender"; retryAfterMs?: number }
  /** The bytes that commit were sent and no answer came: it may or may not have arrived. */
  | { kind: "unknown"; reason: string };

/** A provider, seen from the delivery engine, which owns this port. `send` does not throw; what it throws is taken as unknown. */
export interface Channel {
  send(envelope: Envelope): Promise<Outcome>;
  close(): Promise<void>;
}
