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
  /** Mail servers may be on any network, on any port, and without TLS. */
  allowPrivateHosts: boolean;
  /** Networks of the operator's own, for logins that an admin gave (`privateHost`); none by default. */
  privateNetworks?: readonly PrivateNetwork[];
  /** Connections of one sender at the same time; 2 by default. */
  poolPerSender?: number;
  /** Milliseconds after which an unused connection is closed; 30 s by default. */
  idleMilliseconds?: number;
  /** By default 30 s to connect, 60 s to the final dot, 120 s for its answer. A send takes less than 4 minutes. */
  timeouts?: Partial<SmtpTimeouts>;
  /** Certificate authorities to trust besides the usual ones, PEM. */
  authorities?: readonly string[];
  /** Where Google's mailboxes are reached, if not at Google itself. */
  gmail?: GmailEndpoints;
}

/** A channel for e-mail, which can also tell whether a login works. */
export interface SmtpChannel extends Channel {
  /** Connects and logs in, and sends nothing. `reason` is for the one who typed the login. */
  verify(login: MailLogin): Promise<Verified>;
}

const TIMEOUTS: SmtpTimeouts = { connect: 30_000, session: 60_000, commit: 120_000 };
const SHUTTING_DOWN: Outcome = { kind: "deferred", reason: "shutting down; nothing was sent", scope: "message" };
/** Senders with open connections at the same time. */
const MOST_POOLS = 500;

/**
 * E-mail through the brands' own servers (RFC 5321). Says `accepted` only after the server's word, `unknown` only where the
 * final dot went out unanswered, and never hands a message over a second time by itself.
 */
export function smtpChannel(options: SmtpOptions): SmtpChannel {
  const { allowPrivateHosts, privateNetworks = [], gmail = GMAIL } = options;
  const { poolPerSender = 2, idleMilliseconds = 30_000, authorities = [] } = options;
  const timeouts = { ...TIMEOUTS, ...options.timeouts };
  /** By sender, the least recently used first. */
  const pools = new Map<string, { pool: SmtpPool; login: string }>();
  /** Those, and the retired ones that still have mails in hand. */
  const living = new Set<SmtpPool>();
  const tokens = googleTokens(gmail.tokenUrl);
  let closed = false;

  const at = (login: MailLogin) => serverOf(login, gmail, tokens);

  async function open(login: MailLogin): Promise<SmtpSession> {
    if (isGoogle(login)) return openGoogle(login);
    const networks = login.privateHost ? privateNetworks : [];
    const policy = { allowPrivate: allowPrivateHosts, networks, ports: SMTP_PORTS };
    checkSecurity(login.security, allowPrivateHosts || networks.length > 0);
    const { address, isPrivate } = await resolveHost(login.host, login.port, policy);
    checkSecurity(login.security, allowPrivateHosts || isPrivate);
    return SmtpSession.open(login, address, timeouts, authorities, null);
  }

  /** Where the operator says Google is: that may well be a proxy on a private address. */
  async function openGoogle(login: GoogleLogin): Promise<SmtpSession> {
    const byPassword = login.grant.type === "SMTP";
    // First of all: without a token there is no point in a connection.
    if (!byPassword) await tokens.token(login);
    const { address } = await resolveHost(gmail.host, gmail.port, { allowPrivate: true, ports: [] });
    const source: TokenSource = (refused) => tokens.token(login, refused);
    return SmtpSession.open(at(login), address, timeouts, authorities, byPassword ? null : source);
  }

  /** Null when too many senders are at work already. */
  function poolOf(senderId: string, login: MailLogin): SmtpPool | null {
    const spelled = JSON.stringify(login);
    const known = pools.get(senderId);
    pools.delete(senderId);
    if (known?.login === spelled) {
      pools.set(senderId, known);
      return known.pool;
    }
    known?.pool.retire();
    if (pools.size >= MOST_POOLS && !retireOne()) return null;
    const pool: SmtpPool = new SmtpPool({
      open: () => open(login),
      size: poolPerSender,
      idleMilliseconds,
      onEmpty: () => {
        living.delete(pool);
        if (pools.get(senderId)?.pool === pool) pools.delete(senderId);
      },
    });
    living.add(pool);
    pools.set(senderId, { pool, login: spelled });
    return pool;
  }

  function retireOne(): boolean {
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
    const left = () => Math.max(0, deadline - performance.now());
    for (;;) {
      const session = await pool.take(left());
      const wasUsed = session.used > 0;
      const delivery = await session.deliver(mail, left());
      void release(session, delivery, pool);
      // The server ended an idle connection and nothing of the mail was asked for: another connection may carry it.
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
        return { kind: "rejected", reason: unsendable(error), badAddress: false };
      }
      if (closed) return SHUTTING_DOWN;
      const pool = poolOf(envelope.sender.id, login);
      if (pool === null) return { kind: "deferred", reason: "too many senders at once", scope: "message" };
      const delivery = await deliver(mail, pool, before).catch((error): Delivery => notStarted(error));
      const outcome = outcomeOf(delivery, at(login));
      // A connection that we ended ourselves is no reason to pause its sender.
      return closed && outcome.kind === "deferred" ? SHUTTING_DOWN : outcome;
    },

    async verify(login) {
      try {
        const session = await open(login);
        session.quit();
        return { ok: true };
      } catch (error) {
        const refusal = refusalOf(notStarted(error), at(login), codesOnly);
        const reauth = refusal.kind === "deferred" && refusal.reauth === true;
        return { ok: false, reason: refusal.reason, ...(reauth ? { reauth } : {}) };
      }
    },

    async close() {
      closed = true;
      for (const pool of [...living]) pool.close();
    },
  };
}

/** Brings a connection back to the pool, or ends it where its state is not known. */
async function release(session: SmtpSession, delivery: Delivery, pool: SmtpPool): Promise<void> {
  const usable = keepsConnection(delivery) && (delivery.accepted || (await session.reset()));
  if (usable) pool.give(session);
  else session.close();
}

function notStarted(error: unknown) {
  return { accepted: false, error, contentStarted: false, dotSent: false } as const;
}

function unsendable(error: unknown): string {
  return error instanceof Fault ? error.message : "no e-mail can be made of this message";
}
