import { Elysia, t } from "elysia";
import type { Deps } from "../deps.ts";
import { notFound } from "../fault.ts";
import { type Caller, callerOf } from "../http/access.ts";
import { cutPage, readCursor } from "../http/cursor.ts";
import { writeOnce } from "../http/idempotency.ts";
import { Cursor, IdParams, Limit, Nullable } from "../http/model.ts";
import { storable } from "../http/storable.ts";
import { changeBrand, createBrand, getBrand, listBrands, toBrand } from "./brands.ts";
import { Brand, BrandChange, NewBrand } from "./model.ts";

const OneBrand = t.Object({ success: t.Literal(true), brand: Brand });

/** Another's brand is answered like one that does not exist: ids tell a stranger nothing. */
function mustSee(caller: Caller, brandId: string): void {
  if (caller.role !== "admin" && caller.brandId !== brandId) throw notFound("brand", brandId);
}

export function brandRoutes(deps: Deps) {
  const { store } = deps;
  return new Elysia({ prefix: "/api/brands", tags: ["Brands"] })
    .use(storable)
    .post(
      "/",
      async ({ body, request }) => {
        const caller = callerOf(request);
        const ownerId = caller.role === "admin" ? (body.ownerId === undefined ? null : body.ownerId) : caller.userId;
        return writeOnce(deps, request, async (tx) => ({
          success: true as const,
          brand: toBrand(await createBrand(tx, body, ownerId)),
        }));
      },
      {
        body: NewBrand,
        response: OneBrand,
        detail: {
          access: "user",
          idempotent: true,
          summary: "Create a brand",
          description:
            "Users own the brand they create, and one at most; admins may name an owner or none. 409 for an owner whose e-mail address nobody has verified.",
        },
      },
    )
    .get(
      "/",
      async ({ query, request }) => {
        const caller = callerOf(request);
        const { limit = 20 } = query;
        const rows = await listBrands(store.read, {
          ...(caller.role === "admin" ? {} : { ownerId: caller.userId }),
          after: readCursor(query.cursor)?.[1] ?? null,
          limit: limit + 1,
        });
        const page = cutPage(rows, limit, (row) => [null, row.id]);
        return { success: true as const, data: page.data.map(toBrand), nextCursor: page.nextCursor };
      },
      {
        query: t.Object({ cursor: Cursor, limit: Limit }),
        response: t.Object({ success: t.Literal(true), data: t.Array(Brand), nextCursor: Nullable(t.String()) }),
        detail: { access: "user", summary: "List brands", description: "A user's own brand; for admins all of them." },
      },
    )
    .get(
      "/:id",
      async ({ params, request }) => {
        mustSee(callerOf(request), params.id);
        return { success: true as const, brand: toBrand(await getBrand(store.read, params.id)) };
      },
      {
        params: IdParams,
        response: OneBrand,
        detail: { access: "user", summary: "Get a brand", description: "Its name, zone, postal address and owner." },
      },
    )
    .patch(
      "/:id",
      async ({ params, body, request }) => {
        const caller = callerOf(request);
        mustSee(caller, params.id);
        const { ownerId, ...own } = body;
        const change = caller.role === "admin" && ownerId !== undefined ? { ...own, ownerId } : own;
        const row = await store.write((tx) => changeBrand(tx, params.id, change));
        return { success: true as const, brand: toBrand(row) };
      },
      {
        params: IdParams,
        body: BrandChange,
        response: OneBrand,
        detail: {
          access: "user",
          summary: "Change a brand",
          description: "Changes what is named; only an admin names another owner.",
        },
      },
    );
}
