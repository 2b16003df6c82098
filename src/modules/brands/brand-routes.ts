import { Elysia, t } from "elysia";
import { runIdempotent } from "../../http/middleware/idempotency.ts";
import { DEMO_IDS } from "../../http/openapi/example-ids.ts";
import { paginate, parseCursor } from "../../http/pagination.ts";
import { type Principal, requestContext } from "../../http/request-context.ts";
import { CursorQuery, IdParams, Nullable, PageLimit } from "../../http/schemas.ts";
import { notFound } from "../../lib/errors.ts";
import type { Deps } from "../deps.ts";
import { createBrand, getBrand, listBrands, toBrand, updateBrand } from "./brands.ts";
import { Brand, BrandUpdate, NewBrand } from "./model.ts";

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
        return runIdempotent(deps, context, async (tx) => ({
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
            "Creates a brand. A user owns the brand it creates, and at most one; admins can set an owner or none. 409 for an owner whose e-mail address is not verified.",
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
          after: parseCursor(query.cursor)?.[1] ?? null,
          limit: limit + 1,
        });
        const page = paginate(rows, limit, (row) => [null, row.id]);
        return { success: true as const, data: page.data.map(toBrand), nextCursor: page.nextCursor };
      },
      {
        query: t.Object({ cursor: CursorQuery, limit: PageLimit }),
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
          example: { parameters: { id: DEMO_IDS.brand } },
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
        const row = await store.write((tx) => updateBrand(tx, params.id, change));
        return { success: true as const, brand: toBrand(row) };
      },
      {
        params: IdParams,
        body: BrandUpdate,
        response: OneBrand,
        detail: {
          access: "user",
          example: {
            parameters: { id: DEMO_IDS.otherBrand },
            body: { postalAddress: "14 Garden Row, London SE1 6ED, UK" },
          },
          summary: "Update a brand",
          description: "Updates the fields that are given; only an admin can change the owner.",
        },
      },
    );
}
