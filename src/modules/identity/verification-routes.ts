import { Elysia } from "elysia";
import type { Deps } from "../deps.ts";
import { Fault } from "../fault.ts";
import { ErrorBody } from "../http/model.ts";
import { requestContext } from "../http/request-context.ts";
import { formPage, HTML_PAGE, PASSWORD_FIELD } from "./formPage.ts";
import type { Identity } from "./identity.ts";
import { EmailProof, LinkQuery, MailOnItsWay, SignedIn, UserEmail } from "./model.ts";
import { hashPassword } from "./password.ts";
import { findByLink, type OwedMail, requestLink, verifyByLink } from "./verification.ts";
import { verificationMail } from "./verificationMail.ts";
import { setCookies, type Throttled } from "./visit.ts";

/** Response for any address, so that it does not tell which addresses exist. */
export const CHECK_YOUR_MAIL = {
  success: true as const,
  message: "If this address can be used, a mail is sent to it: open the link in it",
};

/** Sends a mail without waiting for it, so that the response takes as long without one. */
export function mailInBackground({ sendSystemMail, config, log }: Deps, owed: OwedMail | null): void {
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
          throw new Fault("FORBIDDEN", "This service sends no mail: ask an admin to verify your address");
        const work = () => store.write((tx) => requestLink(tx, body.email));
        mailInBackground(deps, await throttled({ context, server }, body.email, work));
        set.status = 202;
        return CHECK_YOUR_MAIL;
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
          description: "The form behind the link in a verification mail.",
          responses: HTML_PAGE,
        },
      },
    )
    .post(
      "/verify-email",
      async ({ body: { token, password }, request, set }) => {
        const { email, name } = await findByLink(store.read, token, clock.now());
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
