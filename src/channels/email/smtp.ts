import { AppError } from "../../lib/errors.ts";
import type { PrivateNetwork } from "../../lib/network/private-networks.ts";
import type { Channel, Envelope, LoginCheck, MailLogin, Outcome } from "../channel.ts";
import { DEFAULT_GMAIL_ENDPOINTS, type GmailEndpoints } from "./google-login.ts";
import { composeMail, type Mail } from "./mail.ts";
import { SenderPools } from "./sender-pools.ts";
import { createSmtpConnector } from "./smtp-connect.ts";
import { canReuseConnection, type Delivery, hadConnectionEnded } from "./smtp-delivery.ts";
import { formatReplyCodes, toFailureOutcome, toOutcome } from "./smtp-outcome.ts";
import type { SmtpPool } from "./smtp-pool.ts";
import type { SmtpSession, SmtpTimeouts } from "./smtp-session.ts";

export interface SmtpOptions {
  /** Allows mail servers on any network and port, and without TLS. */
  allowPrivateHosts: boolean;
  /** The operator's own networks, for logins with `privateHost`; none by default. */
  privateNetworks?: readonly PrivateNetwork[];
  /** Maximum concurrent connections of one sender; 2 by default. */
  poolPerSender?: number;
  /** Milliseconds after which an unused connection is closed; 30 s by default. */
  idleMilliseconds?: number;
  /** Timeouts; by default 30 s to connect, 60 s to the final dot, 120 s for its reply. A send takes less than 4 minutes. */
  timeouts?: Partial<SmtpTimeouts>;
  /** Certificate authorities (PEM) to trust besides the default ones. */
  authorities?: readonly string[];
  /** Servers for mailboxes at Google; Google's own by default. */
  gmail?: GmailEndpoints;
}

/** A channel for e-mail, which can also test logins. */
export interface SmtpChannel extends Channel {
  /** Connects and logs in without sending anything. `reason` may be shown to the user. */
  verify(login: MailLogin): Promise<LoginCheck>;
}

const DEFAULT_TIMEOUTS_MS: SmtpTimeouts = { connect: 30_000, session: 60_000, commit: 120_000 };
const SHUTTING_DOWN: Outcome = { kind: "deferred", reason: "shutting down; nothing was sent", scope: "message" };

/**
 * Sends e-mail through the brands' own servers (RFC 5321). Returns `accepted` only after the server's reply, `unknown` only when
 * the final dot was sent without a reply, and never sends a message a second time by itself.
 */
export function createSmtpChannel(options: SmtpOptions): SmtpChannel {
  const { allowPrivateHosts, privateNetworks = [], gmail = DEFAULT_GMAIL_ENDPOINTS } = options;
  const { poolPerSender = 2, idleMilliseconds = 30_000, authorities = [] } = options;
  const timeouts = { ...DEFAULT_TIMEOUTS_MS, ...options.timeouts };
  const connector = createSmtpConnector({ allowPrivateHosts, privateNetworks, timeouts, authorities, gmail });
  const pools = new SenderPools({ open: connector.open, size: poolPerSender, idleMilliseconds });
  let closed = false;

  async function deliver(mail: Mail, pool: SmtpPool, before: number): Promise<Delivery> {
    const deadline = Math.min(before, performance.now() + timeouts.session);
    const remainingMs = () => Math.max(0, deadline - performance.now());
    for (;;) {
      const session = await pool.acquire(remainingMs());
      const wasUsed = session.mailCount > 0;
      const delivery = await session.deliver(mail, remainingMs());
      void releaseSession(session, delivery, pool);
      // The server had closed an idle connection and no content was sent: another connection may send it.
      if (!wasUsed || closed || !hadConnectionEnded(delivery)) return delivery;
    }
  }

  return {
    async send(envelope: Envelope, before = Number.POSITIVE_INFINITY): Promise<Outcome> {
      const login = envelope.sender.smtp;
      if (login === null) return { kind: "deferred", reason: "this sender has no login", scope: "sender" };
      let mail: Mail;
      try {
        mail = await composeMail(envelope);
      } catch (error) {
        return { kind: "rejected", reason: describeComposeError(error), badAddress: false };
      }
      if (closed) return SHUTTING_DOWN;
      const pool = pools.get(envelope.sender.id, login);
      if (pool === null) return { kind: "deferred", reason: "too many senders at once", scope: "message" };
      const delivery = await deliver(mail, pool, before).catch((error): Delivery => toFailedDelivery(error));
      const outcome = toOutcome(delivery, connector.toServer(login));
      // A connection that this process closed is no reason to pause its sender.
      return closed && outcome.kind === "deferred" ? SHUTTING_DOWN : outcome;
    },

    async verify(login) {
      try {
        const session = await connector.open(login);
        session.quit();
        return { ok: true };
      } catch (error) {
        const failure = toFailureOutcome(toFailedDelivery(error), connector.toServer(login), formatReplyCodes);
        const reauth = failure.kind === "deferred" && failure.reauth === true;
        return { ok: false, reason: failure.reason, ...(reauth ? { reauth } : {}) };
      }
    },

    async close() {
      closed = true;
      pools.close();
    },
  };
}

/** Returns a connection to the pool, or closes it when its state is unknown. */
async function releaseSession(session: SmtpSession, delivery: Delivery, pool: SmtpPool): Promise<void> {
  const usable = canReuseConnection(delivery) && (delivery.accepted || (await session.reset()));
  if (usable) pool.release(session);
  else session.close();
}

function toFailedDelivery(error: unknown) {
  return { accepted: false, error, contentStarted: false, dotSent: false } as const;
}

function describeComposeError(error: unknown): string {
  return error instanceof AppError ? error.message : "this message cannot be composed as an e-mail";
}
