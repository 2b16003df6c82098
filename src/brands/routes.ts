import { Elysia, t } from "elysia";
import type { Deps } from "../deps.ts";
import { EXEMPLARS } from "../exemplars.ts";
import { notFound } from "../fault.ts";
import { cutPage, readCursor } from "../http/cursor.ts";
import { writeOnce } from "../http/idempotency.ts";
import { Cursor, IdParams, Limit, Nullable } from "../http/model.ts";
import { type Principal, requestContext } from "../http/request-context.ts";
import { changeBrand, createBrand, getBrand, listBrands, toBrand } from "./brands.ts";
import { Brand, BrandChange, NewBrand } from "./model.ts";

const OneBrand = t.Object({ success: t.Literal(true), brand: Brand });

/** Another's brand is answered like one that does not exist: ids tell a stranger nothing. */
function mustSee(principal: Principal, brandId: string): void {
  if (principal.role !== "admin" && principal.brandId !== brandId) throw notFound("brand", brandId);
}

export function brandRoutes(deps: Deps) {
  const { store } = deps;
  return new Elysia({ prefix: "/api/brands", tags: ["Brands"] })
    .use(requestContext)
    .post(
      "/",
      async ({ body, context }) => {
        const { principal } = context;
        const ownerId =
          principal.role === "admin" ? (body.ownerId === undefined ? null : body.ownerId) : principal.userId;
        return writeOnce(deps, context, async (tx) => ({
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
          example: { body: { name: "Fabrikam Tea", timezone: "Europe/London" } },
          summary: "Create a brand",
          description:
            "Users own the brand they create, and one at most; admins may name an owner or none. 409 for an owner whose e-mail address nobody has verified.",
        },
      },
    )
    .get(
      "/",
      async ({ query, context }) => {
        const { principal } = context;
        const { limit = 20 } = query;
        const rows = await listBrands(store.read, {
          ...(principal.role === "admin" ? {} : { ownerId: principal.userId }),
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
      async ({ params, context }) => {
        mustSee(context.principal, params.id);
        return { success: true as const, brand: toBrand(await getBrand(store.read, params.id)) };
      },
      {
        params: IdParams,
        response: OneBrand,
        detail: {
          access: "user",
          example: { parameters: { id: EXEMPLARS.brand } },
          summary: "Get a brand",
          description: "Its name, zone, postal address and owner.",
        },
      },
    )
    .patch(
      "/:id",
      async ({ params, body, context }) => {
        const { principal } = context;
        mustSee(principal, params.id);
        const { ownerId, ...own } = body;
        const change = principal.role === "admin" && ownerId !== undefined ? { ...own, ownerId } : own;
        const row = await store.write((tx) => changeBrand(tx, params.id, change));
        return { success: true as const, brand: toBrand(row) };
      },
      {
        params: IdParams,
        body: BrandChange,
        response: OneBrand,
        detail: {
          access: "user",
          example: {
            parameters: { id: EXEMPLARS.otherBrand },
            body: { postalAddress: "14 Garden Row, London SE1 6ED, UK" },
          },
          summary: "Change a brand",
          description: "Changes what is named; only an admin names another owner.",
        },
      },
    );
}
