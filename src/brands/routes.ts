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
import { removeBrand } from "./removal.ts";

const OneBrand = t.Object({ success: t.Literal(true), brand: Brand });

/** @throws AppError NOT_FOUND for a brand of another owner, as for one that does not exist, so that ids disclose nothing */
function assertVisible(caller: Caller, brandId: string): void {
  if (caller.role !== "admin" && caller.brandId !== brandId) throw notFound("brand", brandId);
}

/** Manages brands. */
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
            "A user owns the brand it creates, and at most one; admins can set an owner or none. 409 for an owner whose e-mail address is not verified.",
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
        detail: {
          access: "user",
          summary: "List brands",
          description: "Lists the user's own brand; for admins all brands.",
        },
      },
    )
    .get(
      "/:id",
      async ({ params, request }) => {
        assertVisible(callerOf(request), params.id);
        return { success: true as const, brand: toBrand(await getBrand(store.read, params.id)) };
      },
      {
        params: IdParams,
        response: OneBrand,
        detail: {
          access: "user",
          summary: "Get a brand",
          description: "Returns one brand with its name, time zone, postal address and owner.",
        },
      },
    )
    .patch(
      "/:id",
      async ({ params, body, request }) => {
        const caller = callerOf(request);
        assertVisible(caller, params.id);
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
          summary: "Update a brand",
          description: "Updates the fields that are given; only an admin can change the owner.",
        },
      },
    )
    .delete(
      "/:id",
      async ({ params }) => {
        await store.write((tx) => removeBrand(tx, params.id));
        return { success: true as const };
      },
      {
        params: IdParams,
        response: t.Object({ success: t.Literal(true) }),
        detail: {
          access: "admin",
          summary: "Delete a brand",
          description:
            "Deletes the brand with its contacts, bans, drafts and voicemail numbers; its mailboxes stay without a brand. Returns 409 with `history` when a campaign was launched, credits were granted or a payment was made. For admins only.",
        },
      },
    );
}
