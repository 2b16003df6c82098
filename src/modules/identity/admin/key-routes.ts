import { Elysia, t } from "elysia";
import { DEMO_IDS } from "../../../http/openapi/example-ids.ts";
import { paginate, parseCursor } from "../../../http/pagination.ts";
import { requestContext } from "../../../http/request-context.ts";
import { CursorQuery, Id, IdParams, Nullable, PageLimit } from "../../../http/schemas.ts";
import type { Deps } from "../../deps.ts";
import { listAllApiKeys, revokeAnyApiKey } from "../api-keys/api-keys.ts";
import { Done, KeyKind, OwnedApiKey } from "../model.ts";

/** Registers the routes of the API keys of all users, for admins. */
export function adminKeyRoutes({ store }: Deps) {
  return new Elysia({ prefix: "/api-keys", tags: ["Auth"] })
    .use(requestContext)
    .get(
      "/",
      async ({ query: { limit = 20, cursor, userId, kind } }) => {
        const before = parseCursor(cursor)?.[1] ?? null;
        const rows = await listAllApiKeys(store.read, { userId, kind, before, limit: limit + 1 });
        const page = paginate(rows, limit, ({ id }) => [null, id]);
        return { success: true as const, data: page.data, nextCursor: page.nextCursor };
      },
      {
        query: t.Object({ cursor: CursorQuery, limit: PageLimit, userId: t.Optional(Id), kind: t.Optional(KeyKind) }),
        response: t.Object({ success: t.Literal(true), data: t.Array(OwnedApiKey), nextCursor: Nullable(t.String()) }),
        detail: {
          access: "admin",
          summary: "List the API keys of all users",
          description: "Lists the API keys with their owners, newest first, without the secrets. Admins only.",
        },
      },
    )
    .delete(
      "/:id",
      async ({ params }) => {
        await store.write((tx) => revokeAnyApiKey(tx, params.id));
        return { success: true as const };
      },
      {
        params: IdParams,
        response: Done,
        detail: {
          access: "admin",
          sessionOnly: true,
          example: { parameters: { id: DEMO_IDS.spareApiKey } },
          summary: "Revoke an API key of any user",
          description: "Takes effect at once. Needs a session. Admins only.",
        },
      },
    );
}
