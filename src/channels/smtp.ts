import { Fault } from "../fault.ts";
import type { Channel, Envelope, GoogleLogin, MailLogin, Outcome, Verified } from "./channel.ts";
import { GMAIL, type GmailEndpoints, isGoogle, serverOf } from "./google.ts";
import { googleTokens } from "./googleToken.ts";
import { resolveHost, SMTP_PORTS } from "./host.ts";
import { composeMail, type Mail } from "./mail.ts";
import { checkSecurity, type PrivateNetwork } from "./privateNetworks.ts";
import { codesOnly, outcomeOf, refusalOf } from "./smtpOutcome.ts";
import { SmtpPool } from "./smtpPool.ts";
import {
  type Delivery,
  hadEnded,
  keepsConnection,
  SmtpSession,
  type SmtpTimeouts,
  type TokenSource,
} from "./smtpSession.ts";

export interface SmtpOptions {
  /** Allows mail servers on any network and port, and without TLS. */
  allowPrivateHosts: boolean;
  /** The operator's own networks, for logins with `privateHost`; none by default. */
  privateNetworks?: readonly PrivateNetwork[];
  /** Maximum concurrent connections of one sender; 2 by default. */
  poolPerSender?: number;
  /** Milliseconds after which an unused connection is closed; 30 s by default. */
  idleMilliseconds?: number;
  /** By default 30 s to connect, 60 s to the final dot, 120 s for its reply. A send takes less than 4 minutes. */
  timeouts?: Partial<SmtpTimeouts>;
  /** Certificate authorities (PEM) to trust besides the default ones. */
  authorities?: readonly string[];
  /** Servers for mailboxes at Google; Google's own by default. */
  gmail?: GmailEndpoints;
}

/** A channel for e-mail, which can also test logins. */
export interface SmtpChannel extends Channel {
  /** Connects and logs in without sending anything. `reason` may be shown to the user. */
  verify(login: MailLogin): Promise<Verified>;
}

const DEFAULT_TIMEOUTS: SmtpTimeouts = { connect: 30_000, session: 60_000, commit: 120_000 };
const SHUTTING_DOWN: Outcome = { kind: "deferred", reason: "shutting down; nothing was sent", scope: "message" };
/** Maximum senders with open connections at the same time. */
const MAX_POOLS = 500;

/**
 * Sends e-mail through the brands' own servers (RFC 5321). Returns `accepted` only after the server's reply, `unknown` only when
 * the final dot was sent without a reply, and never sends a message a second time by itself.
 */
export function smtpChannel(options: SmtpOptions): SmtpChannel {
  const { allowPrivateHosts, privateNetworks = [], gmail = GMAIL } = options;
  const { poolPerSender = 2, idleMilliseconds = 30_000, authorities = [] } = options;
  const timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
  /** Pools by sender, the least recently used first. */
  const pools = new Map<string, { pool: SmtpPool; login: string }>();
  /** These and the retired pools that are still sending. */
  const openPools = new Set<SmtpPool>();
  const tokens = googleTokens(gmail.tokenUrl);
  let closed = false;

  const toServer = (login: MailLogin) => serverOf(login, gmail, tokens);

  async function open(login: MailLogin): Promise<SmtpSession> {
    if (isGoogle(login)) return openGoogle(login);
    const networks = login.privateHost ? privateNetworks : [];
    const policy = { allowPrivate: allowPrivateHosts, networks, ports: SMTP_PORTS };
    checkSecurity(login.security, allowPrivateHosts || networks.length > 0);
    const { address, isPrivate } = await resolveHost(login.host, login.port, policy);
    checkSecurity(login.security, allowPrivateHosts || isPrivate);
    return SmtpSession.open(login, address, timeouts, authorities, null);
  }

  /** Connects to the configured Google server, which may be a proxy on a private address. */
  async function openGoogle(login: GoogleLogin): Promise<SmtpSession> {
    const byPassword = login.grant.type === "SMTP";
    // Gets the token first: without one the connection would be useless.
    if (!byPassword) await tokens.token(login);
    const { address } = await resolveHost(gmail.host, gmail.port, { allowPrivate: true, ports: [] });
    const source: TokenSource = (refused) => tokens.token(login, refused);
    return SmtpSession.open(toServer(login), address, timeouts, authorities, byPassword ? null : source);
  }

  /** Gets or creates the pool of a sender; null when all pools are busy. */
  function getPool(senderId: string, login: MailLogin): SmtpPool | null {
    const serialized = JSON.stringify(login);
    const known = pools.get(senderId);
    pools.delete(senderId);
    if (known?.login === serialized) {
      pools.set(senderId, known);
      return known.pool;
    }
    known?.pool.retire();
    if (pools.size >= MAX_POOLS && !retireIdlePool()) return null;
    const pool: SmtpPool = new SmtpPool({
      open: () => open(login),
      size: poolPerSender,
      idleMilliseconds,
      onEmpty: () => {
        openPools.delete(pool);
        if (pools.get(senderId)?.pool === pool) pools.delete(senderId);
      },
    });
    openPools.add(pool);
    pools.set(senderId, { pool, login: serialized });
    return pool;
  }

  /** Retires the least recently used pool that is idle; false when there is none. */
  function retireIdlePool(): boolean {
    for (const [senderId, { pool }] of pools) {
      if (pool.busy) continue;
      pools.delete(senderId);
      pool.retire();
      return true;
    }
    return false;
  }

  async function deliver(mail: Mail, pool: SmtpPool, before: number): Promise<Delivery> {
    const deadline = Math.min(before, performance.now() + timeouts.session);
    const remainingMs = () => Math.max(0, deadline - performance.now());
    for (;;) {
      const session = await pool.take(remainingMs());
      const wasUsed = session.used > 0;
      const delivery = await session.deliver(mail, remainingMs());
      void release(session, delivery, pool);
      // The server had closed an idle connection and no content was sent: another connection may send it.
      if (!wasUsed || closed || !hadEnded(delivery)) return delivery;
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
      const pool = getPool(envelope.sender.id, login);
      if (pool === null) return { kind: "deferred", reason: "too many senders at once", scope: "message" };
      const delivery = await deliver(mail, pool, before).catch((error): Delivery => notStarted(error));
      const outcome = outcomeOf(delivery, toServer(login));
      // A connection that this process closed is no reason to pause its sender.
      return closed && outcome.kind === "deferred" ? SHUTTING_DOWN : outcome;
    },

    async verify(login) {
      try {
        const session = await open(login);
        session.quit();
        return { ok: true };
      } catch (error) {
        const failure = refusalOf(notStarted(error), toServer(login), codesOnly);
        const reauth = failure.kind === "deferred" && failure.reauth === true;
        return { ok: false, reason: failure.reason, ...(reauth ? { reauth } : {}) };
      }
    },

    async close() {
      closed = true;
      for (const pool of [...openPools]) pool.close();
    },
  };
}

/** Returns a connection to the pool, or closes it when its state is unknown. */
async function release(session: SmtpSession, delivery: Delivery, pool: SmtpPool): Promise<void> {
  const usable = keepsConnection(delivery) && (delivery.accepted || (await session.reset()));
  if (usable) pool.give(session);
  else session.close();
}

function notStarted(error: unknown) {
  return { accepted: false, error, contentStarted: false, dotSent: false } as const;
}

function describeComposeError(error: unknown): string {
  return error instanceof Fault ? error.message : "this message cannot be composed as an e-mail";
}
