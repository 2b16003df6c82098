import { Elysia } from "elysia";
import { isoOrNull } from "../clock.ts";
import type { Deps } from "../deps.ts";
import { Fault } from "../fault.ts";
import { clientAddress } from "../http/clientAddress.ts";
import { ErrorBody } from "../http/model.ts";
import { requestContext } from "../http/request-context.ts";
import { adminRoutes } from "./admin/routes.ts";
import { apiKeyRoutes } from "./apiKeys/routes.ts";
import { claimPage } from "./claimPage.ts";
import { deviceCookies } from "./deviceCookie.ts";
import type { Identity, SignInRequest, Welcome } from "./identity.ts";
import {
  Claim,
  Credentials,
  Done,
  LinkQuery,
  MailOnItsWay,
  PasswordChange,
  PasswordChanged,
  Session,
  SignedIn,
  SignUp,
} from "./model.ts";
import { refuseGuessable } from "./password.ts";
import type { PasswordOwner } from "./passwords/guessable.ts";
import { toUser } from "./presence.ts";
import { sessionRoutes } from "./sessions/routes.ts";
import { signInThrottle } from "./signInThrottle.ts";
import { requestSignUp } from "./verification.ts";
import { CHECK_YOUR_MAIL, mailInBackground, verificationRoutes } from "./verificationRoutes.ts";
import { setCookies, type Visit } from "./visit.ts";

/** The doors of `identity`: coming in, going out, and everything that decides who may. */
export function identityRoutes(deps: Deps, identity: Identity) {
  const { store } = deps;
  const { attempt } = signInThrottle(deps);
  const devices = deviceCookies({ ...deps, isSecure: deps.config.publicUrl.startsWith("https:") });

  async function tried<T>(
    { context, server }: Pick<Visit, "context" | "server">,
    email: string,
    work: (by: SignInRequest) => Promise<T>,
  ) {
    const { request, knownPrincipal } = context;
    const address = clientAddress(request, server, deps.config.clientAddressHeader);
    const userId = knownPrincipal?.userId ?? null;
    try {
      return await attempt({ address, email, deviceId: devices.find(request, email), userId }, () =>
        work({ request, address }),
      );
    } catch (error) {
      if (error instanceof Fault) deps.log.info("entry refused", { address, code: error.code });
      throw error;
    }
  }

  async function welcome(visit: Visit, email: string, enter: (by: SignInRequest) => Promise<Welcome>) {
    const { token, user, cookies } = await tried(visit, email, enter);
    setCookies(visit.set, [...cookies, ...devices.renew(visit.context.request, email)]);
    return { success: true as const, token, user };
  }

  /** Checks a new password before an attempt is counted: whoever is asked for a better one has guessed at nothing. */
  const checkNewPassword = (field: string, password: string, owner: PasswordOwner) =>
    refuseGuessable(password, field, owner);

  return new Elysia({ prefix: "/api/auth", tags: ["Auth"] })
    .use(requestContext)
    .post(
      "/sign-up/email",
      async ({ body, context, server, set }) => {
        const visit = { context, server, set };
        await checkNewPassword("password", body.password, body);
        if (deps.sendSystemMail === null || deps.config.signUp === "closed")
          return welcome(visit, body.email, (by) => identity.signUp(body, by));
        // The password is not kept: whoever opens the mailed link chooses one.
        const owed = await tried(visit, body.email, () => store.write((tx) => requestSignUp(tx, body)));
        mailInBackground(deps, owed);
        set.status = 202;
        return CHECK_YOUR_MAIL;
      },
      {
        body: SignUp,
        response: { 200: SignedIn, 202: MailOnItsWay, 403: ErrorBody },
        detail: {
          access: "public",
          example: { body: { email: "ada@example.com", password: "correct horse battery", name: "Ada Lovelace" } },
          summary: "Sign up",
          description:
            "403 unless the operator has opened sign-up. Where a system mailbox is configured, the answer is 202 and the same for every address: a link is mailed, and whoever opens it chooses the password. Without one it opens an account and signs in to it; until an admin vouches for the address, the account can own nothing and is removed after two weeks; 409 says that the address has an account. Never makes an admin.",
        },
      },
    )
    .post(
      "/sign-in/email",
      ({ body, context, server, set }) =>
        welcome({ context, server, set }, body.email, (by) => identity.signIn(body, by)),
      {
        body: Credentials,
        response: { 200: SignedIn, 401: ErrorBody },
        detail: {
          access: "public",
          example: { body: { email: "grace@example.com", password: "correct horse battery" } },
          summary: "Sign in",
          description:
            "Opens a session of at most seven days, which ends sooner when it is not used: a token to send as `Authorization: Bearer`, and the same as a cookie. 401 does not say which of the two was wrong; 429 says when to try again. A browser gets a second cookie, by which its later sign-ins are not held up by strangers who guess at this account.",
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
          description: "Ends the session of this request. An API key has none, and stays.",
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
            "Who makes this request, and until when. `expiresAt` is null for an API key that does not expire.",
        },
      },
    )
    .post(
      "/change-password",
      async ({ body, context, server, set }) => {
        const { principal } = context;
        await checkNewPassword("newPassword", body.newPassword, principal);
        const { token, cookies } = await tried({ context, server }, principal.email, (by) =>
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
            "Ends all sessions of this user and opens a new one, whose token and cookie are in the answer; with `revokeOtherSessions: false` all sessions go on and `token` is null. Personal API keys end in any case; service keys go on.",
        },
      },
    )
    .get("/claim", () => claimPage(), {
      query: LinkQuery,
      detail: {
        access: "public",
        summary: "Open the claim page",
        description:
          "The form behind the link that the first start prints. The token stands behind `#` in that link and is never sent with it; one in the query is ignored.",
        responses: { 200: { description: "The page.", content: { "text/html": { schema: { type: "string" } } } } },
      },
    })
    .post(
      "/claim",
      async ({ body, context, server, set }) => {
        await checkNewPassword("password", body.password, body);
        return welcome({ context, server, set }, body.email, (by) => identity.claim(body, by));
      },
      {
        body: Claim,
        response: { 200: SignedIn, 403: ErrorBody },
        detail: {
          access: "public",
          example: {
            body: {
              token: "from the link that the first start printed",
              email: "ada@example.com",
              password: "correct horse battery",
              name: "Ada Lovelace",
            },
          },
          summary: "Make the first admin",
          description:
            "Works once, with the token that the latest start printed, for 24 hours, and only while there is no admin.",
        },
      },
    )
    .use(verificationRoutes(deps, identity, tried))
    .use(sessionRoutes(deps, tried))
    .use(apiKeyRoutes(deps))
    .use(adminRoutes(deps));
}
