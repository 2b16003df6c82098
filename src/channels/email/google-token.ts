import { sign } from "node:crypto";
import type { GoogleLogin } from "../channel.ts";

/** Google refused the credentials: the user must sign in again. */
export class GoogleGrantRefusedError extends Error {}

/** Google's token service gave no token for another reason; the credentials may be valid. */
export class GoogleTokenUnavailableError extends Error {}

/** Google's token endpoint (developers.google.com/identity/protocols/oauth2). */
export const GOOGLE_TOKEN_URL = "https://oauth2.googleapis.com/token";
/** The scope that SMTP requires (developers.google.com/workspace/gmail/imap/xoauth2-protocol). */
const SCOPE = "https://mail.google.com/";

const REQUEST_TIMEOUT_MS = 10_000;
/** A token is replaced this long before it expires. */
const EXPIRY_MARGIN_MS = 60_000;
const DEFAULT_TOKEN_TTL_SECONDS = 3600;
const MAX_CACHED_TOKENS = 10_000;
/** Temporary errors of RFC 6749 and of Google, which do not concern the credentials. */
const TEMPORARY_ERRORS = new Set([
  "temporarily_unavailable",
  "server_error",
  "internal_failure",
  "rate_limit_exceeded",
  "slow_down",
]);

export interface GoogleTokens {
  /**
   * Gets an access token that is valid for at least a minute and is not the one that was `refused`.
   * @throws GoogleGrantRefusedError, GoogleTokenUnavailableError
   */
  getToken(login: GoogleLogin, refused?: string | null): Promise<string>;
  /** Holds the last token, so that error messages can omit it. */
  getCachedToken(login: GoogleLogin): string | null;
}

interface Token {
  token: string;
  expiresAt: number;
}

/** Caches access tokens until shortly before they expire; concurrent callers share one request. */
export function createGoogleTokens(url: string, now: () => number = Date.now): GoogleTokens {
  const cached = new Map<string, Token>();
  const pending = new Map<string, Promise<Token>>();

  async function refresh(key: string, login: GoogleLogin): Promise<Token> {
    try {
      const token = await fetchToken(url, login, now());
      cached.delete(key);
      cached.set(key, token);
      if (cached.size > MAX_CACHED_TOKENS) for (const oldest of cached.keys().take(1)) cached.delete(oldest);
      return token;
    } finally {
      pending.delete(key);
    }
  }

  return {
    async getToken(login, refused = null) {
      const key = JSON.stringify(login);
      const known = cached.get(key);
      if (known && known.token !== refused && known.expiresAt - EXPIRY_MARGIN_MS > now()) return known.token;
      const promise = pending.get(key) ?? refresh(key, login);
      pending.set(key, promise);
      return (await promise).token;
    },
    getCachedToken: (login) => cached.get(JSON.stringify(login))?.token ?? null,
  };
}

async function fetchToken(url: string, login: GoogleLogin, now: number): Promise<Token> {
  const response = await post(url, new URLSearchParams(buildForm(login, now)));
  const { access_token: token, expires_in: seconds, error } = response.body;
  if (response.ok && typeof token === "string" && /^[\x21-\x7e]{1,8192}$/.test(token)) {
    return { token, expiresAt: now + (typeof seconds === "number" ? seconds : DEFAULT_TOKEN_TTL_SECONDS) * 1000 };
  }
  // Takes the error code alone: the description may repeat parts of the request.
  const code = typeof error === "string" && /^[a-z_]{1,60}$/.test(error) ? error : null;
  if (code !== null && response.status < 500 && response.status !== 429 && !TEMPORARY_ERRORS.has(code)) {
    throw new GoogleGrantRefusedError(`Google refused the credentials (${code}): ${ADVICE[login.grant.type]}`);
  }
  throw new GoogleTokenUnavailableError(`Google's token service returned no token (${code ?? response.status})`);
}

const ADVICE = {
  OAUTH: "sign in again for a new refresh token",
  SERVICE_ACCOUNT: "check the key, and that domain-wide delegation allows this scope",
  SMTP: "create a new app password",
};

async function post(
  url: string,
  body: URLSearchParams,
): Promise<{ ok: boolean; status: number; body: Record<string, unknown> }> {
  try {
    const response = await fetch(url, {
      method: "POST",
      body,
      redirect: "error",
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    const text = await response.text();
    const parsed: unknown = /^\s*\{/.test(text) ? JSON.parse(text) : {};
    return { ok: response.ok, status: response.status, body: parsed as Record<string, unknown> };
  } catch {
    // The error's message may contain the URL of a proxy with its password.
    throw new GoogleTokenUnavailableError("Google's token service could not be reached");
  }
}

function buildForm({ mailbox, grant }: GoogleLogin, now: number): Record<string, string> {
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
        assertion: signAssertion(mailbox, grant, now),
      };
    case "SMTP":
      throw new GoogleGrantRefusedError("an app password needs no token");
  }
}

/** Signs the assertion that a service account acts for the mailbox (RFC 7523). */
function signAssertion(mailbox: string, grant: { clientEmail: string; privateKey: string }, now: number): string {
  const iat = Math.floor(now / 1000);
  const claims = { iss: grant.clientEmail, sub: mailbox, scope: SCOPE, aud: GOOGLE_TOKEN_URL, iat, exp: iat + 3600 };
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const unsigned = `${part({ alg: "RS256", typ: "JWT" })}.${part(claims)}`;
  try {
    return `${unsigned}.${sign("RSA-SHA256", Buffer.from(unsigned), grant.privateKey).toString("base64url")}`;
  } catch {
    throw new GoogleGrantRefusedError("the service account's private key cannot be used: download a new JSON key");
  }
}
