import { betterAuth } from "better-auth/minimal";
import { admin } from "better-auth/plugins/admin";
import { bearer } from "better-auth/plugins/bearer";
import type { Store } from "../../db/store.ts";
import { type Clock, DAY, SECOND } from "../../lib/clock.ts";
import type { Log } from "../../lib/logger.ts";
import { storeAdapter } from "./adapter.ts";
import { ADDRESS_HEADER, COOKIE_PREFIX, type CredentialCodec } from "./credential.ts";
import { hashUnchecked, MAX_PASSWORD_CHARS, verifyPassword } from "./password.ts";

/** Lifetime of a session. It is not extended: programs that run on use an API key. */
const SESSION_TTL_MS = 7 * DAY;

export interface AuthOptions {
  store: Store;
  clock: Clock;
  log: Log;
  credentials: CredentialCodec;
  publicUrl: string;
}

/**
 * Configures better-auth, which signs in and out and changes passwords. Its own routes are not mounted. It is imported at the
 * first use: loading it takes longer than the rest of a start.
 */
export function createAuth({ store, clock, log, credentials, publicUrl }: AuthOptions) {
  return betterAuth({
    database: storeAdapter(store),
    baseURL: publicUrl,
    secret: credentials.secret,
    telemetry: { enabled: false },
    emailAndPassword: {
      enabled: true,
      // Users are added by `addUser`, which needs one transaction and hashes outside of it.
      disableSignUp: true,
      // New passwords are checked before (`assertNotGuessable`). A password given to sign in is hashed for an unknown
      // account too, at any length, so that neither the response nor its time tells which accounts exist.
      minPasswordLength: 1,
      maxPasswordLength: MAX_PASSWORD_CHARS,
      password: { hash: hashUnchecked, verify: verifyPassword },
    },
    session: { expiresIn: SESSION_TTL_MS / SECOND, disableSessionRefresh: true, cookieCache: { enabled: false } },
    databaseHooks: {
      session: {
        create: {
          before: async (session, context) => {
            const now = clock.now();
            const [createdAt, updatedAt] = [new Date(now), new Date(now)];
            const ipAddress = context?.headers?.get(ADDRESS_HEADER) || null;
            return { data: { ...session, ipAddress, createdAt, updatedAt, expiresAt: new Date(now + SESSION_TTL_MS) } };
          },
        },
      },
    },
    advanced: {
      cookiePrefix: COOKIE_PREFIX,
      // better-auth supports no prefix but __Secure-, so the full name and its attribute are set separately.
      useSecureCookies: false,
      cookies: { session_token: { name: credentials.cookieName } },
      defaultCookieAttributes: { secure: credentials.secure },
      ipAddress: { disableIpTracking: true },
    },
    rateLimit: { enabled: false },
    logger: {
      level: "error",
      log: (_level, message, ...facts) =>
        log.error("identity.better_auth_failed", { message, error: facts.find((fact) => fact instanceof Error) }),
    },
    plugins: [admin(), bearer({ requireSignature: true })],
  });
}

export type Auth = ReturnType<typeof createAuth>;
