import { Elysia, t } from "elysia";
import type { Deps } from "../../deps.ts";
import { EXEMPLARS } from "../../exemplars.ts";
import { cutPage, readCursor } from "../../http/cursor.ts";
import { Cursor, Id, IdParams, Limit, Nullable } from "../../http/model.ts";
import { requestContext } from "../../http/request-context.ts";
import { listAllApiKeys, revokeAnyApiKey } from "../apiKeys/apiKeys.ts";
import { Done, KeyKind, OwnedApiKey } from "../model.ts";

/** API keys of all users, for admins. */
export function adminKeyRoutes({ store }: Deps) {
  return new Elysia({ prefix: "/api-keys", tags: ["Auth"] })
    .use(requestContext)
    .get(
      "/",
      async ({ query: { limit = 20, cursor, userId, kind } }) => {
        const before = readCursor(cursor)?.[1] ?? null;
        const rows = await listAllApiKeys(store.read, { userId, kind, before, limit: limit + 1 });
        const page = cutPage(rows, limit, ({ id }) => [null, id]);
        return { success: true as const, data: page.data, nextCursor: page.nextCursor };
      },
      {
        query: t.Object({ cursor: Cursor, limit: Limit, userId: t.Optional(Id), kind: t.Optional(KeyKind) }),
        response: t.Object({ success: t.Literal(true), data: t.Array(OwnedApiKey), nextCursor: Nullable(t.String()) }),
        detail: {
          access: "admin",
          summary: "List the API keys of all users",
          description: "With their owners, the newest first; never the keys themselves. Admins only.",
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
          example: { parameters: { id: EXEMPLARS.spareApiKey } },
          summary: "Revoke an API key of any user",
          description: "Takes effect at once. Needs a session. Admins only.",
        },
      },
    );
}
