import { Elysia, t } from "elysia";
import { getBrand } from "../brands/brands.ts";
import type { Deps } from "../deps.ts";
import { brandOf, callerOf } from "../http/access.ts";
import { cutPage, readCursor } from "../http/cursor.ts";
import { Id, Nullable } from "../http/model.ts";
import { storable } from "../http/storable.ts";
import { Balance, Entry, LedgerQuery } from "./model.ts";
import { balanceOf, listEntries, toEntry } from "./statement.ts";

/** What a brand has to spend, and the books about it. */
export function creditRoutes({ store }: Deps) {
  return new Elysia({ prefix: "/api/credits", tags: ["Credits"] })
    .use(storable)
    .get(
      "/",
      async ({ query, request }) => {
        const { id } = await getBrand(store.read, brandOf(callerOf(request), query.brandId));
        return { success: true as const, balance: await balanceOf(store.read, id) };
      },
      {
        query: t.Object({ brandId: t.Optional(Id) }),
        response: t.Object({ success: t.Literal(true), balance: Balance }),
        detail: {
          access: "user",
          summary: "Get the credits",
          description: "The brand's own balance; admins name a `brandId`.",
        },
      },
    )
    .get(
      "/ledger",
      async ({ query, request }) => {
        const { limit = 20, kind } = query;
        const { id } = await getBrand(store.read, brandOf(callerOf(request), query.brandId));
        const before = readCursor(query.cursor)?.[1] ?? null;
        const rows = await listEntries(store.read, id, { kind, before, limit: limit + 1 });
        const page = cutPage(rows, limit, (row) => [null, row.id]);
        return { success: true as const, data: page.data.map(toEntry), nextCursor: page.nextCursor };
      },
      {
        query: LedgerQuery,
        response: t.Object({ success: t.Literal(true), data: t.Array(Entry), nextCursor: Nullable(t.String()) }),
        detail: {
          access: "user",
          summary: "List ledger entries",
          description: "Every movement of the brand's credits, newest first; admins name a `brandId`.",
        },
      },
    );
}
