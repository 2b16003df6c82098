/** The ways to reach a contact. */
export type ChannelName = "EMAIL" | "SMS" | "VOICEMAIL";

/** How to log in to a brand's own SMTP server. `password` is in the clear here, and nowhere else. */
export interface SmtpLogin {
  host: string;
  port: number;
  /** TLS from the first byte (465), STARTTLS required (587), or none (only on networks of the operator's own). */
  security: "TLS" | "STARTTLS" | "NONE";
  username: string | null;
  password: string | null;
  /** An admin gave it, so it may lie in one of SMTP_PRIVATE_NETWORKS. */
  privateHost?: boolean;
}

/** What Google is shown for a mailbox of its own, in the clear here and nowhere else. */
export type GoogleGrant =
  | { type: "OAUTH"; clientId: string; clientSecret: string; refreshToken: string }
  /** Domain-wide delegation: the key of an account that may act for every mailbox of its Workspace. */
  | { type: "SERVICE_ACCOUNT"; clientEmail: string; privateKey: string }
  /** An app password. */
  | { type: "SMTP"; password: string };

/** How to log in to a mailbox at Google, whose servers everybody knows. */
export interface GoogleLogin {
  mailbox: string;
  grant: GoogleGrant;
}

export type MailLogin = SmtpLogin | GoogleLogin;

/** What a try at a login showed. `reauth`: somebody must sign in again. */
export type Verified = { ok: true } | { ok: false; reason: string; reauth?: true };

/** One message, rendered and ready to leave. */
export interface Envelope {
  messageId: string;
  channel: ChannelName;
  /** The same for every attempt at one message; for e-mail its RFC 5322 Message-ID, with angle brackets. */
  messageKey: string;
  sender: { id: string; address: string; displayName: string | null; smtp: MailLogin | null };
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
  /**
   * Known not sent, worth another try. `sender`: the whole sender must pause (429, login refused, server down); with
   * `reauth` until somebody has given it new credentials.
   */
  | { kind: "deferred"; reason: string; scope: "message" | "sender"; retryAfterMs?: number; reauth?: true }
  /** The bytes that commit were sent and no answer came: it may or may not have arrived. */
  | { kind: "unknown"; reason: string };

/** A provider, seen from the delivery engine, which owns this port. */
export interface Channel {
  /**
   * Does not throw; what it throws is taken as unknown. `before` is a moment by `performance.now()`: when it has passed, the
   * bytes that commit must not go out any more, and the message is deferred.
   */
  send(envelope: Envelope, before?: number): Promise<Outcome>;
  close(): Promise<void>;
}
