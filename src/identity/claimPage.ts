import { EMAIL_FIELD, formPage, NAME_FIELD, PASSWORD_FIELD } from "./formPage.ts";

/** The form behind the claim link. */
export function claimPage(): Response {
  return formPage({
    title: "Reprise: the first admin",
    heading: "The first admin",
    intro: "Nobody looks after this installation yet. Whoever fills in this form does.",
    fields: [NAME_FIELD, EMAIL_FIELD, PASSWORD_FIELD].join("\n"),
    button: "Become the admin",
    path: "/api/auth/claim",
    done: "Done: you are the admin, and signed in. The API is at /swagger.",
    noScript: "This form needs JavaScript. Without it, run <code>reprise admin create</code> on the server.",
  });
}
