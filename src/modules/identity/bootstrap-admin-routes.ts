import { Elysia } from "elysia";
import { requestContext } from "../../http/request-context.ts";
import { ErrorBody } from "../../http/schemas.ts";
import { EMAIL_FIELD, formPage, HTML_PAGE, NAME_FIELD, PASSWORD_FIELD } from "./form-page.ts";
import type { Identity } from "./identity.ts";
import { Claim, LinkQuery, SignedIn } from "./model.ts";
import { assertNotGuessable } from "./password.ts";
import type { AnswerSignIn } from "./sign-in-visit.ts";

/** Makes the first admin, by the link that the first start prints. */
export function bootstrapAdminRoutes(identity: Identity, answerSignIn: AnswerSignIn) {
  return new Elysia({ tags: ["Auth"] })
    .use(requestContext)
    .get(
      "/claim",
      () =>
        formPage({
          title: "Reprise: the first admin",
          heading: "The first admin",
          intro: "This installation has no admin yet. Fill in this form to become its admin.",
          fields: [NAME_FIELD, EMAIL_FIELD, PASSWORD_FIELD].join("\n"),
          button: "Become the admin",
          path: "/api/auth/claim",
          done: "Done: you are the admin, and signed in. The API is at /swagger.",
          noScript: "This form needs JavaScript. Without it, run <code>reprise admin create</code> on the server.",
        }),
      {
        query: LinkQuery,
        detail: {
          access: "public",
          summary: "Open the claim page",
          description:
            "Returns the form of the link that the first start prints. The link has the token in its fragment (`#`), which is not sent; a token in the query is ignored.",
          responses: HTML_PAGE,
        },
      },
    )
    .post(
      "/claim",
      async ({ body, context, server, set }) => {
        await assertNotGuessable(body.password, "password", body);
        return answerSignIn({ context, server, set }, body.email, (by) => identity.bootstrapAdmin(body, by));
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
            "Creates the first admin, once, with the token that the latest start printed, for 24 hours, and only while there is no admin.",
        },
      },
    );
}
