import { randomBytes } from "node:crypto";
import { type Clock, DAY, type Instant } from "../../lib/clock.ts";
import type { Signer } from "../../lib/crypto/secrets.ts";
import { cookieName } from "./credential.ts";

/** Time a device stays known after the last sign-in from it. */
const DEVICE_TTL_MS = 180 * DAY;
/** Age at which the cookie of a device is replaced at a sign-in, so that one in use does not expire. */
const DEVICE_RENEWAL_MS = 30 * DAY;
/** Length of the tag that distinguishes the cookies of several accounts in one browser. */
const ACCOUNT_TAG_LENGTH = 10;

export interface DeviceCookies {
  /** Returns the device that signed in to this account before and sends this request; null for any other. */
  find(request: Request, email: string): string | null;
  /** Returns the cookies to set after a sign-in to this account: none while the device has a valid one. */
  renew(request: Request, email: string): string[];
}

/**
 * Recognises devices that signed in to an account before (OWASP, "Slow Down Online Guessing Attacks with Device Cookies").
 * The cookie is no credential: it only gives its device counters of its own, which other clients cannot use up. Nothing of it
 * is stored.
 */
export function deviceCookies(options: { signer: Signer; clock: Clock; isSecure: boolean }): DeviceCookies {
  const { signer, clock, isSecure } = options;
  const hashAccount = (email: string) => signer.sign(`device of ${email.trim().toLowerCase()}`);
  const getCookieName = (account: string) =>
    cookieName(`reprise.device-${account.slice(0, ACCOUNT_TAG_LENGTH)}`, isSecure);
  const getSignedText = (account: string, id: string, madeAt: string) => `device ${account} ${id} ${madeAt}`;

  function findCookie(request: Request, account: string): { id: string; madeAt: Instant } | null {
    const start = `${getCookieName(account)}=`;
    const cookies = request.headers.get("cookie")?.split(/; */) ?? [];
    const value = cookies.find((cookie) => cookie.startsWith(start))?.slice(start.length);
    const [, id, madeAt, signature] = /^([\w-]{22})\.(\d{1,16})\.([\w-]+)$/.exec(value ?? "") ?? [];
    if (id === undefined || madeAt === undefined || signature === undefined) return null;
    if (!signer.verify(getSignedText(account, id, madeAt), signature)) return null;
    return Number(madeAt) + DEVICE_TTL_MS > clock.now() ? { id, madeAt: Number(madeAt) } : null;
  }

  return {
    find: (request, email) => findCookie(request, hashAccount(email))?.id ?? null,
    renew(request, email) {
      const account = hashAccount(email);
      const known = findCookie(request, account);
      if (known && clock.now() - known.madeAt < DEVICE_RENEWAL_MS) return [];
      const id = known?.id ?? randomBytes(16).toString("base64url");
      const madeAt = String(clock.now());
      const attributes = `Max-Age=${DEVICE_TTL_MS / 1000}; Path=/; HttpOnly; SameSite=Lax${isSecure ? "; Secure" : ""}`;
      return [
        `${getCookieName(account)}=${id}.${madeAt}.${signer.sign(getSignedText(account, id, madeAt))}; ${attributes}`,
      ];
    },
  };
}
