import { createHash, createHmac, hkdfSync, timingSafeEqual } from "node:crypto";

/** The credential of a request. */
export type Credential =
  | { kind: "session"; token: string; byCookie: boolean }
  /** Only its hash, as in the database. */
  | { kind: "key"; hash: string };

export interface CredentialCodec {
  /** The secret under which better-auth signs its cookies. */
  readonly secret: string;
  /** True when cookies are for https only. */
  readonly secure: boolean;
  /** The full name of the session's cookie. */
  readonly cookieName: string;
  /** Signs a session token before it is sent, so that a copy of the database alone gives no access. */
  sign(token: string): string;
  /** Parses the credential of a request; null for none or an invalid signature. A header takes precedence over the cookie. */
  parse(request: Request): Credential | null;
}

export const COOKIE_PREFIX = "reprise";
const KEY_HEADER = "x-api-key";
/** Header with the client's address for the session that better-auth opens; no header of the client is passed on. */
export const ADDRESS_HEADER = "x-session-address";

/**
 * Returns the full name of a cookie. Over https it has the prefix with which browsers take it only from this very host, over
 * https and for all paths (RFC 6265bis section 4.1.3.2), so that no other host of the domain can set one in its place.
 */
export function cookieName(name: string, isSecure: boolean): string {
  return isSecure ? `__Host-${name}` : name;
}

/** Creates the codec of credentials. All secrets are derived from `masterKey`. */
export function createCredentialCodec(masterKey: Uint8Array, publicUrl: string): CredentialCodec {
  const secret = Buffer.from(hkdfSync("sha256", masterKey, "reprise", "reprise sessions v1", 32)).toString("base64url");
  const secure = publicUrl.startsWith("https:");
  const name = cookieName(`${COOKIE_PREFIX}.session_token`, secure);
  const cookie = new RegExp(`(?:^|;\\s*)${name.replaceAll(".", "\\.")}=([^;]*)`);

  const signature = (token: string) => createHmac("sha256", secret).update(token).digest("base64");
  function verified(signed: string): string | null {
    const dot = signed.indexOf(".");
    const token = signed.slice(0, dot);
    const given = Buffer.from(signed.slice(dot + 1));
    const expected = Buffer.from(signature(token));
    return dot > 0 && given.length === expected.length && timingSafeEqual(given, expected) ? token : null;
  }
  function session(signed: string, byCookie: boolean): Credential | null {
    const token = verified(signed);
    return token === null ? null : { kind: "session", token, byCookie };
  }

  return {
    secret,
    secure,
    cookieName: name,
    sign: (token) => `${token}.${signature(token)}`,
    parse({ headers }) {
      const key = headers.get(KEY_HEADER);
      if (key) return { kind: "key", hash: hashKey(key) };
      const bearer = /^bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
      if (bearer) return session(bearer, false);
      const value = cookie.exec(headers.get("cookie") ?? "")?.[1];
      return value ? session(decodeCookie(value), true) : null;
    },
  };
}

/** Hashes an API key for storage. One round is enough for 32 random bytes. */
export function hashKey(key: string): string {
  return createHash("sha256").update(key).digest("base64url");
}

function decodeCookie(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
