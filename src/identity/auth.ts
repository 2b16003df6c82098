import { betterAuth } from "better-auth/minimal";
import { admin } from "better-auth/plugins/admin";
import { bearer } from "better-auth/plugins/bearer";
import { type Clock, DAY, SECOND } from "../clock.ts";
import type { Store } from "../db/store.ts";
import type { Log } from "../log.ts";
import { storeAdapter } from "./adapter.ts";
import { hashPassword, LONGEST, SHORTEST, verifyPassword } from "./password.ts";
import { COOKIE_PREFIX, type Proofs } from "./proof.ts";

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
      minPasswordLength: SHORTEST,
      maxPasswordLength: LONGEST,
      password: { hash: (password) => hashPassword(password), verify: verifyPassword },
    },
    session: { expiresIn: SESSION / SECOND, disableSessionRefresh: true, cookieCache: { enabled: false } },
    databaseHooks: {
      session: {
        create: {
          before: async (session) => {
            const now = clock.now();
            const [createdAt, updatedAt] = [new Date(now), new Date(now)];
            return { data: { ...session, createdAt, updatedAt, expiresAt: new Date(now + SESSION) } };
          },
        },
      },
    },
    advanced: {
      cookiePrefix: COOKIE_PREFIX,
      useSecureCookies: proofs.secure,
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
