import { Elysia, t } from "elysia";
import { iso } from "../clock.ts";
import { brandOf } from "../db/tenant-scope.ts";
import type { Deps } from "../deps.ts";
import { EXEMPLARS } from "../exemplars.ts";
import { Fault } from "../fault.ts";
import { cutPage, readCursor } from "../http/cursor.ts";
import { writeOnce } from "../http/idempotency.ts";
import { Id, Nullable } from "../http/model.ts";
import { type Principal, requestContext } from "../http/request-context.ts";
import { ban, type ListedBan, listBans, PLATFORM, unban } from "./bans.ts";
import { Ban, BanQuery, NewBan } from "./model.ts";

/** Users ban for their brand; an admin without a brand bans for the whole platform. */
function scopeOf(principal: Principal): string {
  return principal.role === "admin" && principal.brandId === null ? PLATFORM : brandOf(principal);
}

function toBan(row: ListedBan): Ban {
  return { ...row, createdAt: iso(row.createdAt) };
}

export function banRoutes(deps: Deps) {
  const { store } = deps;
  return new Elysia({ prefix: "/api/auth/banned", tags: ["Auth"] })
    .use(requestContext)
    .post(
      "/",
      async ({ body, context }) => {
        const { principal } = context;
        return writeOnce(deps, context, async (tx) => {
          const { id } = await ban(tx, {
            ...body,
            scope: scopeOf(principal),
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
            "Add a contact to banlist: at least one of email and phone. Pending messages to them are cancelled and their credits are given back. Banning a contact twice returns the same id.",
        },
      },
    )
    .get(
      "/",
      async ({ query, context }) => {
        const { limit = 20, sortBy = "createdAt", sortOrder = "desc" } = query;
        const rows = await listBans(store.read, {
          scope: scopeOf(context.principal),
          sortBy,
          sortOrder,
          after: readCursor(query.cursor),
          limit: limit + 1,
        });
        const page = cutPage(rows, limit, (row) => [sortBy === "email" ? (row.email ?? "") : row.createdAt, row.id]);
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
          throw new Fault("MALFORMED", "The id in the path and the id in the body differ", {
            details: [{ field: "id", message: "expected the same id in both places" }],
          });
        }
        await store.write((tx) => unban(tx, body.id, context.scope));
        return { success: true };
      },
      {
        params: t.Object({ id: t.String({ maxLength: 64 }) }),
        body: t.Object({ id: Id }),
        response: t.Object({ success: t.Boolean() }),
        detail: {
          access: "user",
          example: { parameters: { id: EXEMPLARS.ban }, body: { id: EXEMPLARS.ban } },
          summary: "Lift a ban",
          description:
            "Remove a contact from banlist. A ban that the person asked for themselves (STOP, unsubscribe) is lifted by admins only.",
        },
      },
    );
}
