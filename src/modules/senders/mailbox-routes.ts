import { Elysia, t } from "elysia";
import { resolveBrandId } from "../../db/tenant-scope.ts";
import { runIdempotent } from "../../http/middleware/idempotency.ts";
import { DEMO_IDS } from "../../http/openapi/example-ids.ts";
import { paginate, parseCursor } from "../../http/pagination.ts";
import { requestContext } from "../../http/request-context.ts";
import { CursorQuery, Id, IdParams, Nullable, PageLimit } from "../../http/schemas.ts";
import { AppError } from "../../lib/errors.ts";
import type { Deps } from "../deps.ts";
import {
  createEmailAccount,
  deleteEmailAccount,
  getEmailAccount,
  listEmailAccounts,
  saveLoginTest,
  toEmailAccount,
  updateEmailAccount,
} from "./email-accounts.ts";
import { decryptLogin } from "./login.ts";
import { buildNewLogin, buildUpdatedLogin } from "./login-input.ts";
import { assertLoginWorks, assertServerAllowed, testStoredLogin, withAdminVerification } from "./login-test.ts";
import { assertAddressFree } from "./mailbox-ownership.ts";
import { EmailAccount, EmailAccountUpdate, NewEmailAccount } from "./model.ts";

const OneAccount = t.Object({ success: t.Literal(true), emailAccount: EmailAccount });

/** Manages the mailboxes of a brand. Logins are tested before anything is stored, and outside of any transaction. */
export function senderRoutes(deps: Deps) {
  const { store, vault, clock } = deps;
  return new Elysia({ prefix: "/api/email-accounts", tags: ["Senders"] })
    .use(requestContext)
    .post(
      "/",
      async ({ body, context }) => {
        const { principal } = context;
        const brandId = resolveBrandId(principal, body.brandId);
        await assertAddressFree(store.read, body.email, brandId);
        const login = await assertServerAllowed(deps, buildNewLogin(body), null, principal.role === "admin");
        const connection = await assertLoginWorks(deps, login, brandId, body.allowUnverified);
        const tried = { login, connection: withAdminVerification(connection, principal) };
        return runIdempotent(deps, context, async (tx) => {
          const row = await createEmailAccount(tx, vault, brandId, body, tried);
          return { success: true as const, emailAccount: toEmailAccount(row, tx.now) };
        });
      },
      {
        body: NewEmailAccount,
        response: OneAccount,
        detail: {
          access: "user",
          limit: "login",
          idempotent: true,
          example: {
            body: {
              brandId: DEMO_IDS.brand,
              email: "cleo@northwind.example",
              displayName: "Cleo at Northwind",
              host: "smtp.northwind.example",
              port: 587,
              security: "STARTTLS",
              password: "of the mailbox",
              dailyLimit: 50,
            },
          },
          summary: "Add a mailbox",
          description:
            "Logs in to the mailbox's server first: when that fails, nothing is stored and the response (422) gives the reason, unless `allowUnverified` is true. A login that works with a password or a token proves that the mailbox is this brand's, and so does an admin who adds it. An unproved mailbox sends nothing, and other brands can still prove its address (`isProved`). Provider SMTP requires host, port and security; GMAIL requires oauth, serviceAccountKey, or an app password. Only an admin can use a server in one of the operator's private networks (SMTP_PRIVATE_NETWORKS). Secrets are encrypted and never returned.",
        },
      },
    )
    .get(
      "/",
      async ({ query, context }) => {
        const { limit = 20 } = query;
        const rows = await listEmailAccounts(store.read, {
          scope: context.scopeOf(query.brandId),
          after: parseCursor(query.cursor)?.[1] ?? null,
          limit: limit + 1,
        });
        const page = paginate(rows, limit, (row) => [null, row.id]);
        return {
          success: true as const,
          data: page.data.map((row) => toEmailAccount(row, clock.now())),
          nextCursor: page.nextCursor,
        };
      },
      {
        query: t.Object({ cursor: CursorQuery, limit: PageLimit, brandId: t.Optional(Id) }),
        response: t.Object({ success: t.Literal(true), data: t.Array(EmailAccount), nextCursor: Nullable(t.String()) }),
        detail: {
          access: "user",
          summary: "List mailboxes",
          description:
            "Lists the brand's mailboxes in the order of creation. Admins get all mailboxes, or those of `brandId`.",
        },
      },
    )
    .get(
      "/:id",
      async ({ params, context }) => {
        const row = await getEmailAccount(store.read, params.id, context.scope);
        return { success: true as const, emailAccount: toEmailAccount(row, clock.now()) };
      },
      {
        params: IdParams,
        response: OneAccount,
        detail: {
          access: "user",
          example: { parameters: { id: DEMO_IDS.emailAccount } },
          summary: "Get a mailbox",
          description: "Returns one mailbox with its server and connection status.",
        },
      },
    )
    .patch(
      "/:id",
      async ({ params, body, context }) => {
        const { principal } = context;
        const seen = await getEmailAccount(store.read, params.id, context.scope);
        const changed = buildUpdatedLogin(vault, seen, body);
        const isAdmin = principal.role === "admin";
        const login = changed && (await assertServerAllowed(deps, changed, decryptLogin(vault, seen), isAdmin));
        const tried = login && {
          login,
          connection: withAdminVerification(
            await assertLoginWorks(deps, login, seen.brandId, body.allowUnverified),
            principal,
          ),
        };
        const row = await store.write((tx) => updateEmailAccount(tx, vault, seen, body, tried));
        deps.wake();
        return { success: true as const, emailAccount: toEmailAccount(row, clock.now()) };
      },
      {
        params: IdParams,
        body: EmailAccountUpdate,
        response: OneAccount,
        detail: {
          access: "user",
          limit: "login",
          example: {
            parameters: { id: DEMO_IDS.emailAccount },
            body: { displayName: "Ana at Northwind", dailyLimit: 60 },
          },
          summary: "Update a mailbox",
          description:
            "Updates the fields that are given. A changed login is tested as when a mailbox is added. When the host changes, the password is required. Only admins can change the login of a mailbox on a private network (403).",
        },
      },
    )
    .delete(
      "/:id",
      async ({ params, context }) => {
        await store.write((tx) => deleteEmailAccount(tx, params.id, context.scope));
        return { success: true as const };
      },
      {
        params: IdParams,
        response: t.Object({ success: t.Literal(true) }),
        detail: {
          access: "user",
          example: { parameters: { id: DEMO_IDS.spareEmailAccount } },
          summary: "Delete a mailbox",
          description: "Returns 409 with `pendingMessages` while the mailbox has pending messages.",
        },
      },
    )
    .post(
      "/:id/test-connection",
      async ({ params, context }) => {
        const seen = await getEmailAccount(store.read, params.id, context.scope);
        const login = decryptLogin(vault, seen);
        if (login === null)
          throw new AppError("CONFLICT", "This mailbox has no server yet: set host, port and security first");
        const connection = withAdminVerification(await testStoredLogin(deps, login, seen.brandId), context.principal);
        const row = await store.write((tx) => saveLoginTest(tx, seen, connection));
        deps.wake();
        return {
          success: true as const,
          connected: connection.error === null,
          reason: connection.error,
          emailAccount: toEmailAccount(row, clock.now()),
        };
      },
      {
        params: IdParams,
        response: t.Object({
          success: t.Literal(true),
          connected: t.Boolean(),
          reason: Nullable(t.String()),
          emailAccount: EmailAccount,
        }),
        detail: {
          access: "user",
          limit: "login",
          example: { parameters: { id: DEMO_IDS.spareEmailAccount } },
          summary: "Test a mailbox's connection",
          description:
            "Logs in with the stored credentials without sending anything, and stores the result as `connectionStatus`. A login that works proves that the mailbox is this brand's, as when it is added; 409 when another brand has proved the address in the meantime.",
        },
      },
    );
}
