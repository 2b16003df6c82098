import { Elysia } from "elysia";
import { getClientAddress } from "../../http/client-address.ts";
import { requestContext } from "../../http/request-context.ts";
import { ErrorBody } from "../../http/schemas.ts";
import { isoOrNull } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import type { Deps } from "../deps.ts";
import { adminRoutes } from "./admin/routes.ts";
import { apiKeyRoutes } from "./api-keys/routes.ts";
import { bootstrapAdminRoutes } from "./bootstrap-admin-routes.ts";
import { deviceCookies } from "./device-cookie.ts";
import type { Identity } from "./identity.ts";
import {
  Credentials,
  Done,
  MailOnItsWay,
  PasswordChange,
  PasswordChanged,
  Session,
  SignedIn,
  SignUp,
} from "./model.ts";
import { assertNotGuessable } from "./password.ts";
import { toUser } from "./principal.ts";
import { sessionRoutes } from "./sessions/routes.ts";
import { signInThrottle } from "./sign-in-throttle.ts";
import { type AnswerSignIn, setCookies, type Throttled } from "./sign-in-visit.ts";
import { requestSignUp } from "./verification.ts";
import { MAIL_SENT_ANSWER, sendInBackground, verificationRoutes } from "./verification-routes.ts";

/** Registers sign-up, sign-in, sign-out and password changes, with the other routes under `/api/auth`. */
export function identityRoutes(deps: Deps, identity: Identity) {
  const { store } = deps;
  const { attempt } = signInThrottle(deps);
  const devices = deviceCookies({ ...deps, isSecure: deps.config.publicUrl.startsWith("https:") });

  const throttled: Throttled = async ({ context, server }, email, work) => {
    const { request, knownPrincipal } = context;
    const address = getClientAddress(request, server, deps.config.clientAddressHeader);
    const userId = knownPrincipal?.userId ?? null;
    try {
      return await attempt({ address, email, deviceId: devices.find(request, email), userId }, () =>
        work({ request, address }),
      );
    } catch (error) {
      if (error instanceof AppError) deps.log.info("identity.sign_in_failed", { address, code: error.code });
      throw error;
    }
  };

  const answerSignIn: AnswerSignIn = async (visit, email, enter) => {
    const { token, user, cookies } = await throttled(visit, email, enter);
    setCookies(visit.set, [...cookies, ...devices.renew(visit.context.request, email)]);
    return { success: true as const, token, user };
  };

  return new Elysia({ prefix: "/api/auth", tags: ["Auth"] })
    .use(requestContext)
    .post(
      "/sign-up/email",
      async ({ body, context, server, set }) => {
        const visit = { context, server, set };
        // Checked before the attempt is counted: a rejected new password is no guess.
        await assertNotGuessable(body.password, "password", body);
        if (deps.sendSystemMail === null || deps.config.signUp === "closed")
          return answerSignIn(visit, body.email, (by) => identity.signUp(body, by));
        // The password is not stored: the person who opens the mailed link chooses one.
        const owed = await throttled(visit, body.email, () => store.write((tx) => requestSignUp(tx, body)));
        sendInBackground(deps, owed);
        set.status = 202;
        return MAIL_SENT_ANSWER;
      },
      {
        body: SignUp,
        response: { 200: SignedIn, 202: MailOnItsWay, 403: ErrorBody },
        detail: {
          access: "public",
          example: { body: { email: "ada@example.com", password: "correct horse battery", name: "Ada Lovelace" } },
          summary: "Sign up",
          description:
            "Creates an account. 403 unless the operator has opened sign-up. Where a system mailbox is configured, the response is 202 and the same for every address: a link is mailed, and the person who opens it chooses the password. Without one it creates an account and signs in; until an admin verifies the address, the account can own nothing and is deleted after two weeks; 409 for an address that has an account. Never creates an admin.",
        },
      },
    )
    .post(
      "/sign-in/email",
      ({ body, context, server, set }) =>
        answerSignIn({ context, server, set }, body.email, (by) => identity.signIn(body, by)),
      {
        body: Credentials,
        response: { 200: SignedIn, 401: ErrorBody },
        detail: {
          access: "public",
          example: { body: { email: "grace@example.com", password: "correct horse battery" } },
          summary: "Sign in",
          description:
            "Opens a session of at most seven days, which ends sooner when it is not used. Returns a token to send as `Authorization: Bearer`, and sets it as a cookie. 401 does not disclose which of the two was wrong; 429 has the time of the next attempt in `Retry-After`. A browser gets a second cookie, so that attempts of other clients at this account do not delay its later sign-ins.",
        },
      },
    )
    .post(
      "/sign-out",
      async ({ request, set }) => {
        setCookies(set, await identity.signOut(request));
        return { success: true as const };
      },
      {
        response: Done,
        detail: {
          access: "user",
          summary: "Sign out",
          description: "Ends the session of this request. An API key has none and stays valid.",
        },
      },
    )
    .get(
      "/session",
      ({ context: { principal } }) => ({
        success: true as const,
        user: toUser(principal),
        session: { expiresAt: isoOrNull(principal.expiresAt) },
      }),
      {
        response: Session,
        detail: {
          access: "user",
          summary: "Get the session",
          description:
            "Returns the signed-in user and when the session ends. `expiresAt` is null for an API key that does not expire.",
        },
      },
    )
    .post(
      "/change-password",
      async ({ body, context, server, set }) => {
        const { principal } = context;
        await assertNotGuessable(body.newPassword, "newPassword", principal);
        const { token, cookies } = await throttled({ context, server }, principal.email, (by) =>
          identity.changePassword(body, principal, by),
        );
        if (cookies.length > 0) setCookies(set, cookies);
        return { success: true as const, token };
      },
      {
        body: PasswordChange,
        response: PasswordChanged,
        detail: {
          access: "user",
          sessionOnly: true,
          example: {
            body: {
              currentPassword: "correct horse battery",
              newPassword: "another horse battery",
              revokeOtherSessions: true,
            },
          },
          summary: "Change the password",
          description:
            "Ends all sessions of this user and opens a new one, whose token and cookie are in the response; with `revokeOtherSessions: false` all sessions stay and `token` is null. Personal API keys are deleted in any case; service keys stay.",
        },
      },
    )
    .use(bootstrapAdminRoutes(identity, answerSignIn))
    .use(verificationRoutes(deps, identity, throttled))
    .use(sessionRoutes(deps, throttled))
    .use(apiKeyRoutes(deps))
    .use(adminRoutes(deps));
}
