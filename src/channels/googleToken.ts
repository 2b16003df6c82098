import { sign } from "node:crypto";
import type { GoogleLogin } from "./channel.ts";

/** Google says no to the credentials: somebody must sign in again. */
export class GrantRefused extends Error {}

/** No word from Google: the credentials may well be good. */
export class NoToken extends Error {}

/** Where Google gives out access tokens (developers.google.com/identity/protocols/oauth2). */
export const GOOGLE_TOKEN_URL = "https://oauth2.googleapis.com/token";
/** What SMTP takes (developers.google.com/workspace/gmail/imap/xoauth2-protocol). */
const SCOPE = "https://mail.google.com/";

const PATIENCE = 10_000;
/** A token is not used any more when it is about to run out. */
const MARGIN = 60_000;
const MOST_TOKENS = 10_000;
/** Errors of RFC 6749 and Google's own that say nothing of the credentials. */
const PASSING = new Set([
  "temporarily_unavailable",
  "server_error",
  "internal_failure",
  "rate_limit_exceeded",
  "slow_down",
]);

export interface GoogleTokens {
  /**
   * An access token that is good for a minute at least; not the one that was `refused`.
   * @throws GrantRefused, NoToken
   */
  token(login: GoogleLogin, refused?: string | null): Promise<string>;
  /** The one given out last, so that it can be kept out of what is told. */
  known(login: GoogleLogin): string | null;
}

interface Token {
  token: string;
  expiresAt: number;
}

/** Access tokens, each fetched once for all who need it and kept until it is about to run out. */
export function googleTokens(url: string, now: () => number = Date.now): GoogleTokens {
  const kept = new Map<string, Token>();
  const coming = new Map<string, Promise<Token>>();

  async function fetched(key: string, login: GoogleLogin): Promise<Token> {
    try {
      const token = await fetchToken(url, login, now());
      kept.delete(key);
      kept.set(key, token);
      if (kept.size > MOST_TOKENS) for (const oldest of kept.keys().take(1)) kept.delete(oldest);
      return token;
    } finally {
      coming.delete(key);
    }
  }

  return {
    async token(login, refused = null) {
      const key = JSON.stringify(login);
      const known = kept.get(key);
      if (known && known.token !== refused && known.expiresAt - MARGIN > now()) return known.token;
      const promise = coming.get(key) ?? fetched(key, login);
      coming.set(key, promise);
      return (await promise).token;
    },
    known: (login) => kept.get(JSON.stringify(login))?.token ?? null,
  };
}

async function fetchToken(url: string, login: GoogleLogin, now: number): Promise<Token> {
  const answer = await ask(url, new URLSearchParams(formOf(login, now)));
  const { access_token: token, expires_in: seconds, error } = answer.body;
  if (answer.ok && typeof token === "string" && /^[\x21-\x7e]{1,8192}$/.test(token)) {
    return { token, expiresAt: now + (typeof seconds === "number" ? seconds : 3600) * 1000 };
  }
  // Only its code: what else the answer holds may repeat what it was asked.
  const code = typeof error === "string" && /^[a-z_]{1,60}$/.test(error) ? error : null;
  if (code !== null && answer.status < 500 && answer.status !== 429 && !PASSING.has(code)) {
    throw new GrantRefused(`Google refuses the credentials (${code}): ${ADVICE[login.grant.type]}`);
  }
  throw new NoToken(`Google's token service gave no token (${code ?? answer.status})`);
}

const ADVICE = {
  OAUTH: "sign in again for a new refresh token",
  SERVICE_ACCOUNT: "check the key, and that domain-wide delegation allows this scope",
  SMTP: "make a new app password",
};

async function ask(
  url: string,
  body: URLSearchParams,
): Promise<{ ok: boolean; status: number; body: Record<string, unknown> }> {
  try {
    const response = await fetch(url, {
      method: "POST",
      body,
      redirect: "error",
      signal: AbortSignal.timeout(PATIENCE),
    });
    const text = await response.text();
    const parsed: unknown = /^\s*\{/.test(text) ? JSON.parse(text) : {};
    return { ok: response.ok, status: response.status, body: parsed as Record<string, unknown> };
  } catch {
    // Its own message may name a proxy and its password.
    throw new NoToken("Google's token service could not be reached");
  }
}

function formOf({ mailbox, grant }: GoogleLogin, now: number): Record<string, string> {
  switch (grant.type) {
    case "OAUTH":
      return {
        grant_type: "refresh_token",
        client_id: grant.clientId,
        client_secret: grant.clientSecret,
        refresh_token: grant.refreshToken,
      };
    case "SERVICE_ACCOUNT":
      return {
        grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
        assertion: assertion(mailbox, grant, now),
      };
    case "SMTP":
      throw new GrantRefused("an app password needs no token");
  }
}

/** A signed word of the service account that it acts for the mailbox (RFC 7523). */
function assertion(mailbox: string, grant: { clientEmail: string; privateKey: string }, now: number): string {
  const iat = Math.floor(now / 1000);
  const claims = { iss: grant.clientEmail, sub: mailbox, scope: SCOPE, aud: GOOGLE_TOKEN_URL, iat, exp: iat + 3600 };
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const unsigned = `${part({ alg: "RS256", typ: "JWT" })}.${part(claims)}`;
  try {
    return `${unsigned}.${sign("RSA-SHA256", Buffer.from(unsigned), grant.privateKey).toString("base64url")}`;
  } catch {
    throw new GrantRefused("the service account's private key cannot be used: download a new JSON key");
  }
}
