import { betterAuth } from "better-auth/minimal";
import { admin } from "better-auth/plugins/admin";
import { bearer } from "better-auth/plugins/bearer";
import { type Clock, DAY, SECOND } from "../clock.ts";
import type { Store } from "../db/store.ts";
import type { Log } from "../log.ts";
import { storeAdapter } from "./adapter.ts";
import { hashAnything, LONGEST, verifyPassword } from "./password.ts";
import { ADDRESS_HEADER, COOKIE_PREFIX, type Proofs } from "./proof.ts";

/** How long a session lasts. It is not prolonged: an API key is for what runs on. */
export const SESSION = 7 * DAY;

export interface AuthOptions {
  store: Store;
  clock: Clock;
  log: Log;
  proofs: Proofs;
  publicUrl: string;
}

/**
 * better-auth, for what should not be written by hand: signing in and out, changing a password.
 * Its routes are not mounted; it is called from ours. Imported when it is first needed: loading it takes longer than
 * all the rest of a start.
 */
export function openAuth({ store, clock, log, proofs, publicUrl }: AuthOptions) {
  return betterAuth({
    database: storeAdapter(store),
    baseURL: publicUrl,
    secret: proofs.secret,
    telemetry: { enabled: false },
    emailAndPassword: {
      enabled: true,
      // Users come in through `addUser`, which needs one transaction and hashes outside of it.
      disableSignUp: true,
      // New passwords are judged before they come here (`refuseGuessable`). A password that is given to sign in is hashed for
      // an unknown account too, whatever its length, so that nobody learns from the answer or its time who has an account.
      minPasswordLength: 1,
      maxPasswordLength: LONGEST,
      password: { hash: hashAnything, verify: verifyPassword },
    },
    session: { expiresIn: SESSION / SECOND, disableSessionRefresh: true, cookieCache: { enabled: false } },
    databaseHooks: {
      session: {
        create: {
          before: async (session, context) => {
            const now = clock.now();
            const [createdAt, updatedAt] = [new Date(now), new Date(now)];
            const ipAddress = context?.headers?.get(ADDRESS_HEADER) || null;
            return { data: { ...session, ipAddress, createdAt, updatedAt, expiresAt: new Date(now + SESSION) } };
          },
        },
      },
    },
    advanced: {
      cookiePrefix: COOKIE_PREFIX,
      // better-auth knows no prefix but __Secure-, so the name is given whole and the attribute that goes with it apart.
      useSecureCookies: false,
      cookies: { session_token: { name: proofs.cookieName } },
      defaultCookieAttributes: { secure: proofs.secure },
      ipAddress: { disableIpTracking: true },
    },
    rateLimit: { enabled: false },
    logger: {
      level: "error",
      log: (_level, message, ...facts) =>
        log.error("better-auth failed", { message, error: facts.find((fact) => fact instanceof Error) }),
    },
    plugins: [admin(), bearer({ requireSignature: true })],
  });
}

export type Auth = ReturnType<typeof openAuth>;
