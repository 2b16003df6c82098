import type { Store } from "../../db/store.ts";
import type { Principal } from "../../http/request-context.ts";
import type { Clock } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import type { Log } from "../../lib/logger.ts";
import type { Settings } from "../deps.ts";
import { deletePersonalKeys } from "./api-keys/ending.ts";
import { createLastUseRecorder } from "./api-keys/last-use.ts";
import type { Auth } from "./auth.ts";
import { toAppError } from "./better-auth-errors.ts";
import { bootstrapAdmin } from "./bootstrap-admin.ts";
import { ADDRESS_HEADER, type Credential, createCredentialCodec } from "./credential.ts";
import { assertSameOrigin } from "./csrf.ts";
import type { Claim, Credentials, PasswordChange, SignUp, User } from "./model.ts";
import { assertNotGuessable, hashPassword } from "./password.ts";
import { type Authentication, createAuthenticationCache, findAuthentication, toUser } from "./principal.ts";
import { type SessionActivity, sessionActivity } from "./sessions/activity.ts";
import { addUser } from "./users.ts";

export interface IdentityOptions {
  store: Store;
  config: Pick<Settings, "publicUrl" | "signUp" | "sessionIdleMs">;
  clock: Clock;
  log: Log;
  /** The master key; the key of sessions is derived from it. */
  secret: Uint8Array;
}

/** Result of a sign-in: the session token, and the cookies that hold it. */
export interface SignInResult {
  token: string;
  user: User;
  cookies: string[];
}

/** A request that signs in, with the address of the client (`getClientAddress`) for the session that it opens. */
export interface SignInRequest {
  request: Request;
  address?: string;
}

export interface Identity {
  /**
   * Finds the principal of a request, by bearer token, API key or cookie; null without a valid one.
   * @throws AppError FORBIDDEN for another site's page
   */
  findPrincipal(request: Request): Promise<Principal | null>;
  signUp(given: SignUp, by: SignInRequest): Promise<SignInResult>;
  signIn(given: Credentials, by: SignInRequest): Promise<SignInResult>;
  /** Makes the first admin, and signs them in. */
  bootstrapAdmin(given: Claim, by: SignInRequest): Promise<SignInResult>;
  /** Ends the session of the request; returns the cookies that clear it. */
  signOut(request: Request): Promise<string[]>;
  /** Changes the password. `token` belongs to the new session; null when the present one goes on. */
  changePassword(
    given: PasswordChange,
    principal: Principal,
    by: SignInRequest,
  ): Promise<{ token: string | null; cookies: string[] }>;
  /** Records when sessions are used. */
  activity: SessionActivity;
}

/** Creates the authentication of the service. Requests are authenticated by one own query; better-auth is loaded at the first sign-in. */
export function createIdentity({ store, config, clock, log, secret }: IdentityOptions): Identity {
  const { publicUrl } = config;
  const ours = new URL(publicUrl).origin;
  const credentials = createCredentialCodec(secret, publicUrl);
  const activity = sessionActivity(store, log);
  const find = createAuthenticationCache(store, config.sessionIdleMs, activity);
  const noteLastUse = createLastUseRecorder(store, log);

  let opened: Promise<Auth> | undefined;
  function auth(): Promise<Auth> {
    opened ??= import("./auth.ts").then(({ createAuth: openAuth }) =>
      openAuth({ store, clock, log, credentials: credentials, publicUrl }),
    );
    return opened;
  }

  async function authenticate(request: Request): Promise<Authentication | null> {
    const credential = credentials.parse(request);
    if (!credential) return null;
    if (credential.kind === "session" && credential.byCookie) assertSameOrigin(request, ours);
    const now = clock.now();
    const found = await find(credential, now);
    if (found?.key) noteLastUse(found.key, now);
    return found;
  }

  /** Builds the headers for better-auth: the session found in a request, and nothing else that it could interpret. */
  function headersFor({ request, address = "" }: SignInRequest, credential: Credential | null): Headers {
    const headers = new Headers({ "user-agent": request.headers.get("user-agent")?.slice(0, 256) ?? "" });
    headers.set(ADDRESS_HEADER, address);
    if (credential?.kind === "session") headers.set("authorization", `Bearer ${credentials.sign(credential.token)}`);
    return headers;
  }

  function requireSession(request: Request): Credential {
    const credential = credentials.parse(request);
    if (credential?.kind === "session") return credential;
    throw new AppError("FORBIDDEN", "An API key cannot do this: sign in with your password");
  }

  async function enter({ email, password }: Credentials, by: SignInRequest): Promise<SignInResult> {
    const { api } = await auth();
    const headers = headersFor(by, null);
    const answer = await api.signInEmail({ body: { email, password }, headers, returnHeaders: true }).catch((error) => {
      throw toAppError(error);
    });
    const { token } = answer.response;
    const found = await findAuthentication(
      store.read,
      { kind: "session", token, byCookie: false },
      clock.now(),
      config.sessionIdleMs,
    );
    if (!found) throw new AppError("UNAUTHENTICATED", "Sign in again: your sessions were just ended");
    return { token: credentials.sign(token), user: toUser(found.principal), cookies: answer.headers.getSetCookie() };
  }

  return {
    findPrincipal: async (request) => (await authenticate(request))?.principal ?? null,
    async signIn(given, by) {
      assertSameOrigin(by.request, ours);
      return enter(given, by);
    },
    async signUp(given, by) {
      assertSameOrigin(by.request, ours);
      if (config.signUp === "closed") throw new AppError("FORBIDDEN", "Sign-up is closed: ask an admin for an account");
      const hash = await hashPassword(given.password, "password", given);
      await store.write((tx) => addUser(tx, { email: given.email, name: given.name }, hash));
      return enter(given, by);
    },
    async bootstrapAdmin({ token, ...given }, by) {
      assertSameOrigin(by.request, ours);
      const hash = await hashPassword(given.password, "password", given);
      await store.write((tx) => bootstrapAdmin(tx, token, given, hash));
      return enter(given, by);
    },
    async signOut(request) {
      const headers = headersFor({ request }, credentials.parse(request));
      return (await (await auth()).api.signOut({ headers, returnHeaders: true })).headers.getSetCookie();
    },
    async changePassword({ currentPassword, newPassword, revokeOtherSessions = true }, principal, by) {
      const headers = headersFor(by, requireSession(by.request));
      await assertNotGuessable(newPassword, "newPassword", principal);
      const body = { currentPassword, newPassword, revokeOtherSessions };
      const { api } = await auth();
      const answer = await api.changePassword({ body, headers, returnHeaders: true }).catch((error) => {
        throw toAppError(error);
      });
      const { token, user } = answer.response;
      await store.write((tx) => deletePersonalKeys(tx, user.id));
      return { token: token === null ? null : credentials.sign(token), cookies: answer.headers.getSetCookie() };
    },
    activity,
  };
}
