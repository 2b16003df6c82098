import type { ChannelName } from "../lib/channel-name.ts";

export type { ChannelName };

/** A login to a brand's own SMTP server, with its password in plain text. */
export interface SmtpLogin {
  host: string;
  port: number;
  /** TLS from the first byte (465), STARTTLS required (587), or none (only on the operator's own networks). */
  security: "TLS" | "STARTTLS" | "NONE";
  username: string | null;
  password: string | null;
  /** Set by an admin: the host may be in one of SMTP_PRIVATE_NETWORKS. */
  privateHost?: boolean;
}

/** Google credentials of a mailbox, in plain text. */
export type GoogleGrant =
  | { type: "OAUTH"; clientId: string; clientSecret: string; refreshToken: string }
  /** Domain-wide delegation: the key of an account that may act for every mailbox of its Workspace. */
  | { type: "SERVICE_ACCOUNT"; clientEmail: string; privateKey: string }
  /** An app password. */
  | { type: "SMTP"; password: string };

/** A login to a mailbox at Google, whose server is fixed. */
export interface GoogleLogin {
  mailbox: string;
  grant: GoogleGrant;
}

export type MailLogin = SmtpLogin | GoogleLogin;

/** The result of testing a login. `reauth`: the user must sign in again. */
export type LoginCheck = { ok: true } | { ok: false; reason: string; reauth?: true };

/** One rendered message, ready to send. */
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
  /** The URL of RFC 8058 one-click unsubscription. Null for messages outside of campaigns (a test). */
  unsubscribeUrl: string | null;
}

/** The outcome of one attempt to send. The delivery engine decides the next status from it. */
export type Outcome =
  | { kind: "accepted"; providerId: string | null }
  /** Final. `badAddress`: the recipient does not exist (5.1.x), so the address must not be used again. */
  | { kind: "rejected"; reason: string; badAddress: boolean }
  /**
   * Not sent; to be tried again. `sender`: the whole sender must pause (429, login refused, server down); with `reauth`
   * until it has new credentials.
   */
  | { kind: "deferred"; reason: string; scope: "message" | "sender"; retryAfterMs?: number; reauth?: true }
  /** The final bytes were sent and no reply came: the message may or may not have been accepted. */
  | { kind: "unknown"; reason: string };

/** The port through which the delivery engine sends. */
export interface Channel {
  /**
   * Sends one message. Must not throw; an error is treated as `unknown`. `before` is a deadline by `performance.now()`: after
   * it the final bytes must not be sent, and the message is deferred.
   */
  send(envelope: Envelope, before?: number): Promise<Outcome>;
  close(): Promise<void>;
}
