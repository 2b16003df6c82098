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

/** @throws AppError NOT_FOUND for a brand of another owner, as for one that does not exist, so that ids disclose nothing */
function assertVisible(principal: Principal, brandId: string): void {
  if (principal.role !== "admin" && principal.brandId !== brandId) throw notFound("brand", brandId);
}

/** Manages brands. */
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
            "A user owns the brand it creates, and at most one; admins can set an owner or none. 409 for an owner whose e-mail address is not verified.",
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
        detail: {
          access: "user",
          summary: "List brands",
          description: "Lists the user's own brand; for admins all brands.",
        },
      },
    )
    .get(
      "/:id",
      async ({ params, context }) => {
        assertVisible(context.principal, params.id);
        return { success: true as const, brand: toBrand(await getBrand(store.read, params.id)) };
      },
      {
        params: IdParams,
        response: OneBrand,
        detail: {
          access: "user",
          example: { parameters: { id: EXEMPLARS.brand } },
          summary: "Get a brand",
          description: "Returns one brand with its name, time zone, postal address and owner.",
        },
      },
    )
    .patch(
      "/:id",
      async ({ params, body, context }) => {
        const { principal } = context;
        assertVisible(principal, params.id);
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
          summary: "Update a brand",
          description: "Updates the fields that are given; only an admin can change the owner.",
        },
      },
    );
}
