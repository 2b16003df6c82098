import { Elysia, t } from "elysia";
import { runIdempotent } from "../../http/middleware/idempotency.ts";
import { DEMO_IDS } from "../../http/openapi/example-ids.ts";
import { paginate, parseCursor } from "../../http/pagination.ts";
import { requestContext } from "../../http/request-context.ts";
import { CursorQuery, ErrorBody, IdParams, Nullable, PageLimit } from "../../http/schemas.ts";
import type { Deps } from "../deps.ts";
import { formPage, HTML_PAGE, NAME_FIELD, PASSWORD_FIELD } from "../identity/form-page.ts";
import type { Identity } from "../identity/identity.ts";
import { Done, LinkQuery, SignedIn } from "../identity/model.ts";
import { hashPassword } from "../identity/password.ts";
import { setCookies } from "../identity/sign-in-visit.ts";
import {
  acceptInvitation,
  createInvitation,
  findInvitation,
  listInvitations,
  revokeInvitation,
  toInvitation,
} from "./invitations.ts";
import { mailInvitation } from "./mail.ts";
import { Acceptance, Invitation, MadeInvitation, NewInvitation } from "./model.ts";

/** Stored under an Idempotency-Key instead of the response with the link. */
const SHOWN_ONCE = {
  shownOnce:
    "This invitation was created, and its link is shown only once: if you did not get it, invite the person again",
};

/** Invitations: created by admins, accepted by the person who has the link. */
export function invitationsModule(deps: Deps, identity: Identity) {
  return new Elysia({ prefix: "/api/auth", tags: ["Auth"] })
    .use(requestContext)
    .use(adminInvitationRoutes(deps))
    .get(
      "/invitation",
      () =>
        formPage({
          title: "Reprise: your invitation",
          heading: "Your invitation",
          intro: "Enter your name and choose a password.",
          fields: [NAME_FIELD, PASSWORD_FIELD].join("\n"),
          button: "Accept",
          path: "/api/auth/accept-invitation",
          done: "Done: you have an account, and are signed in.",
          noScript: "This form needs JavaScript.",
        }),
      {
        query: LinkQuery,
        detail: {
          access: "public",
          summary: "Open the invitation page",
          description: "Returns the form of the link of an invitation.",
          responses: HTML_PAGE,
        },
      },
    )
    .post(
      "/accept-invitation",
      async ({ body: { token, name, password }, request, set }) => {
        const { email, name: invited } = await findInvitation(deps.store.read, token, deps.clock.now());
        const hash = await hashPassword(password, "password", { email, name: name ?? invited ?? "" });
        await deps.store.write((tx) => acceptInvitation(tx, { token, name }, hash));
        const { token: session, user, cookies } = await identity.signIn({ email, password }, { request });
        setCookies(set, cookies);
        return { success: true as const, token: session, user };
      },
      {
        body: Acceptance,
        response: { 200: SignedIn, 403: ErrorBody },
        detail: {
          access: "public",
          example: {
            body: {
              token: "from the link of the invitation",
              password: "correct horse battery",
              name: "Ada Lovelace",
            },
          },
          summary: "Accept an invitation",
          description:
            "Creates the account of the invitation with the given password, and signs in. Works once. `name` may be left out where the invitation has one.",
        },
      },
    );
}

function adminInvitationRoutes(deps: Deps) {
  const { store, clock } = deps;
  return new Elysia({ prefix: "/admin/invitations", tags: ["Auth"] })
    .use(requestContext)
    .post(
      "/",
      async ({ body, context }) => {
        const { userId } = context.principal;
        const made = await runIdempotent(deps, context, (tx) => createInvitation(tx, userId, body), SHOWN_ONCE);
        const sent = await mailInvitation(deps, made);
        return { success: true as const, invitation: toInvitation(made.row, clock.now()), token: made.token, ...sent };
      },
      {
        body: NewInvitation,
        response: MadeInvitation,
        detail: {
          access: "admin",
          idempotent: true,
          recentSignIn: true,
          example: {
            body: {
              email: "ada@example.com",
              name: "Ada Lovelace",
              brandName: "Analytical",
            },
          },
          summary: "Invite a person",
          description:
            "Creates a link that opens an account, once, within seven days or `expiresInDays`. The link is shown only in this response, and mailed where a system mailbox is configured. Accepting it verifies the address: make sure that the link reaches its owner. With `brandId` the person will own that brand, with `brandName` a new one. An earlier invitation to the same address is revoked. Needs a recent sign-in. Admins only.",
        },
      },
    )
    .get(
      "/",
      async ({ query: { limit = 20, cursor } }) => {
        const rows = await listInvitations(store.read, { before: parseCursor(cursor)?.[1] ?? null, limit: limit + 1 });
        const page = paginate(rows, limit, ({ id }) => [null, id]);
        const now = clock.now();
        const data = page.data.map((row) => toInvitation(row, now));
        return { success: true as const, data, nextCursor: page.nextCursor };
      },
      {
        query: t.Object({ cursor: CursorQuery, limit: PageLimit }),
        response: t.Object({ success: t.Literal(true), data: t.Array(Invitation), nextCursor: Nullable(t.String()) }),
        detail: {
          access: "admin",
          summary: "List invitations",
          description: "Lists the invitations, newest first, without their links. Admins only.",
        },
      },
    )
    .delete(
      "/:id",
      async ({ params }) => {
        await store.write((tx) => revokeInvitation(tx, params.id));
        return { success: true as const };
      },
      {
        params: IdParams,
        response: Done,
        detail: {
          access: "admin",
          example: { parameters: { id: DEMO_IDS.invitation } },
          summary: "Revoke an invitation",
          description: "Revokes an invitation: its link stops working. 404 for one that was accepted. Admins only.",
        },
      },
    );
}
