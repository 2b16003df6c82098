import { Elysia } from "elysia";
import { requestContext } from "../../http/request-context.ts";
import { ErrorBody } from "../../http/schemas.ts";
import { AppError } from "../../lib/errors.ts";
import type { Deps } from "../deps.ts";
import { formPage, HTML_PAGE, PASSWORD_FIELD } from "./form-page.ts";
import type { Identity } from "./identity.ts";
import { EmailProof, LinkQuery, MailOnItsWay, SignedIn, UserEmail } from "./model.ts";
import { hashPassword } from "./password.ts";
import { setCookies, type Throttled } from "./sign-in-visit.ts";
import { getUserByLink, type PendingMail, requestVerification, verifyByLink } from "./verification.ts";
import { verificationMail } from "./verification-mail.ts";

/** Response for any address, so that it does not disclose which addresses exist. */
export const MAIL_SENT_ANSWER = {
  success: true as const,
  message: "If this address can be used, a mail is sent to it: open the link in it",
};

/** Sends a mail without waiting for it, so that the response takes as long without one. */
export function sendInBackground({ sendSystemMail, config, log }: Deps, owed: PendingMail | null): void {
  if (owed === null || sendSystemMail === null) return;
  sendSystemMail(verificationMail(owed, config.publicUrl)).catch((error) =>
    log.error("system_mail.not_sent", { to: owed.email, kind: owed.kind, error }),
  );
}

/** Verifies e-mail addresses by mailed links. */
export function verificationRoutes(deps: Deps, identity: Identity, throttled: Throttled) {
  const { store, clock } = deps;
  return new Elysia({ tags: ["Auth"] })
    .use(requestContext)
    .post(
      "/send-verification",
      async ({ body, context, server, set }) => {
        if (deps.sendSystemMail === null)
          throw new AppError("FORBIDDEN", "This service sends no mail: ask an admin to verify your address");
        const work = () => store.write((tx) => requestVerification(tx, body.email));
        sendInBackground(deps, await throttled({ context, server }, body.email, work));
        set.status = 202;
        return MAIL_SENT_ANSWER;
      },
      {
        body: UserEmail,
        response: { 202: MailOnItsWay, 403: ErrorBody },
        detail: {
          access: "public",
          example: { body: { email: "ada@example.com" } },
          summary: "Ask for a new verification link",
          description:
            "Mails a link to an unverified address of a sign-up, once in ten minutes. The response is the same for every address. 403 where no system mailbox is configured: then an admin verifies addresses.",
        },
      },
    )
    .get(
      "/verify-email",
      () =>
        formPage({
          title: "Reprise: confirm your address",
          heading: "Confirm your address",
          intro: "Choose the password of your account. It replaces an earlier one.",
          fields: PASSWORD_FIELD,
          button: "Confirm",
          path: "/api/auth/verify-email",
          done: "Done: your address is confirmed, and you are signed in.",
          noScript: "This form needs JavaScript.",
        }),
      {
        query: LinkQuery,
        detail: {
          access: "public",
          summary: "Open the verification page",
          description: "Returns the form of the link in a verification mail.",
          responses: HTML_PAGE,
        },
      },
    )
    .post(
      "/verify-email",
      async ({ body: { token, password }, request, set }) => {
        const { email, name } = await getUserByLink(store.read, token, clock.now());
        const hash = await hashPassword(password, "password", { email, name });
        await store.write((tx) => verifyByLink(tx, token, hash));
        const { token: session, user, cookies } = await identity.signIn({ email, password }, { request });
        setCookies(set, cookies);
        return { success: true as const, token: session, user };
      },
      {
        body: EmailProof,
        response: { 200: SignedIn, 403: ErrorBody },
        detail: {
          access: "public",
          example: { body: { token: "from the link in the mail", password: "correct horse battery" } },
          summary: "Verify an e-mail address",
          description:
            "Takes the token of the mailed link and the new password of the account, and signs in. A password, sessions and API keys that the unverified account had before are deleted. Works once, for three days.",
        },
      },
    );
}
