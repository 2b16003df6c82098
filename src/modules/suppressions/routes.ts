import { Elysia, t } from "elysia";
import { resolveBrandId } from "../../db/tenant-scope.ts";
import { runIdempotent } from "../../http/middleware/idempotency.ts";
import { DEMO_IDS } from "../../http/openapi/example-ids.ts";
import { paginate, parseCursor } from "../../http/pagination.ts";
import { type Principal, requestContext } from "../../http/request-context.ts";
import { Id, Nullable } from "../../http/schemas.ts";
import { iso } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import type { Deps } from "../deps.ts";
import { createBan, deleteBan, type ListedBan, listBans, PLATFORM } from "./bans.ts";
import { Ban, BanQuery, NewBan } from "./model.ts";

/** Users ban for their brand; an admin without a brand bans for the whole platform. */
function getBanScope(principal: Principal): string {
  return principal.role === "admin" && principal.brandId === null ? PLATFORM : resolveBrandId(principal);
}

function toBan(row: ListedBan): Ban {
  return { ...row, createdAt: iso(row.createdAt) };
}

export function suppressionsModule(deps: Deps) {
  const { store } = deps;
  return new Elysia({ prefix: "/api/auth/banned", tags: ["Auth"] })
    .use(requestContext)
    .post(
      "/",
      async ({ body, context }) => {
        const { principal } = context;
        return runIdempotent(deps, context, async (tx) => {
          const { id } = await createBan(tx, {
            ...body,
            scope: getBanScope(principal),
            source: "MANUAL",
            createdBy: principal.userId,
          });
          return { success: true, id };
        });
      },
      {
        body: NewBan,
        response: t.Object({ success: t.Boolean(), id: Id }),
        detail: {
          access: "user",
          idempotent: true,
          example: {
            body: {
              email: "someone@example.com",
              phone: "+12025550123",
              reason: "asked by phone not to be contacted",
            },
          },
          summary: "Ban a contact",
          description:
            "Add a contact to banlist: at least one of email and phone. Pending messages to them are cancelled and their credits are released. Banning a contact twice returns the same id.",
        },
      },
    )
    .get(
      "/",
      async ({ query, context }) => {
        const { limit = 20, sortBy = "createdAt", sortOrder = "desc" } = query;
        const rows = await listBans(store.read, {
          scope: getBanScope(context.principal),
          sortBy,
          sortOrder,
          after: parseCursor(query.cursor),
          limit: limit + 1,
        });
        const page = paginate(rows, limit, (row) => [sortBy === "email" ? (row.email ?? "") : row.createdAt, row.id]);
        return { success: true, data: page.data.map(toBan), nextCursor: page.nextCursor };
      },
      {
        query: BanQuery,
        response: t.Object({ success: t.Boolean(), data: t.Array(Ban), nextCursor: Nullable(t.String()) }),
        detail: {
          access: "user",
          summary: "List banned contacts",
          description: "List banned contacts, newest first unless sorted otherwise. nextCursor is null at the end.",
        },
      },
    )
    .delete(
      "/:id",
      async ({ params, body, context }) => {
        // Generated clients call the literal path `:id` and put the id into the body.
        if (params.id !== ":id" && params.id !== body.id) {
          throw new AppError("MALFORMED", "The id in the path and the id in the body differ", {
            details: [{ field: "id", message: "expected the same id in both places" }],
          });
        }
        await store.write((tx) => deleteBan(tx, body.id, context.scope));
        return { success: true };
      },
      {
        params: t.Object({ id: t.String({ maxLength: 64 }) }),
        body: t.Object({ id: Id }),
        response: t.Object({ success: t.Boolean() }),
        detail: {
          access: "user",
          example: { parameters: { id: DEMO_IDS.ban }, body: { id: DEMO_IDS.ban } },
          summary: "Lift a ban",
          description:
            "Remove a contact from banlist. A ban that the person asked for themselves (STOP, unsubscribe) is lifted by admins only.",
        },
      },
    );
}
