import { Elysia, t } from "elysia";
import { LowBalance } from "../credits/model.ts";
import { lowBalance } from "../credits/statement.ts";
import { brandOf } from "../db/tenant-scope.ts";
import type { Deps } from "../deps.ts";
import { EXEMPLARS } from "../exemplars.ts";
import { cutPage, readCursor } from "../http/cursor.ts";
import { writeOnce } from "../http/idempotency.ts";
import { Cursor, Id, IdParams, Limit, Nullable } from "../http/model.ts";
import { requestContext } from "../http/request-context.ts";
import { timeSlices } from "../timeSlices.ts";
import { listCampaigns, placeOf } from "./campaignList.ts";
import { changeCampaign, createCampaign, toCampaign } from "./campaigns.ts";
import { campaignOf } from "./lifecycle.ts";
import { Campaign, CampaignChange, NewCampaign, StatusShape } from "./model.ts";

const OneCampaign = t.Object({ success: t.Literal(true), campaign: Campaign });

const ListQuery = t.Object({
  cursor: Cursor,
  limit: Limit,
  status: t.Optional(StatusShape),
  searchQuery: t.Optional(t.String({ maxLength: 200, description: "Part of a name", examples: ["dentists"] })),
  sortBy: t.Optional(t.Union([t.Literal("createdAt"), t.Literal("name"), t.Literal("launchedAt")])),
  sortOrder: t.Optional(t.Union([t.Literal("asc"), t.Literal("desc")])),
  brandId: t.Optional(Id),
});

/** Routes that create, list, get, update and delete campaigns. */
export function campaignRoutes(deps: Deps) {
  const { store, clock } = deps;
  return new Elysia({ prefix: "/api/campaigns", tags: ["Campaigns"] })
    .use(requestContext)
    .post(
      "/",
      async ({ body, context }) => {
        const brandId = brandOf(context.principal, body.brandId);
        return writeOnce(deps, context, async (tx) => ({
          success: true as const,
          campaign: toCampaign(await createCampaign(tx, brandId, body)),
        }));
      },
      {
        body: NewCampaign,
        response: OneCampaign,
        detail: {
          access: "user",
          idempotent: true,
          example: { body: { brandId: EXEMPLARS.otherBrand, name: "Ferns for waiting rooms", channels: ["EMAIL"] } },
          summary: "Create a campaign",
          description: "Creates a DRAFT. Nothing is sent before it has steps, senders and contacts and is launched.",
        },
      },
    )
    .get(
      "/",
      async ({ query, context }) => {
        const { limit = 20, sortBy = "createdAt", sortOrder = "desc" } = query;
        const scope = context.scopeOf(query.brandId);
        const rows = await listCampaigns(store.read, {
          scope,
          status: query.status,
          searchQuery: query.searchQuery,
          sortBy,
          sortOrder,
          after: readCursor(query.cursor),
          limit: limit + 1,
          pause: () => timeSlices.next(scope.kind === "brand" ? scope.brandId : context.principal.userId),
        });
        const page = cutPage(rows, limit, placeOf(sortBy));
        return { success: true as const, data: page.data.map(toCampaign), nextCursor: page.nextCursor };
      },
      {
        query: ListQuery,
        response: t.Object({ success: t.Literal(true), data: t.Array(Campaign), nextCursor: Nullable(t.String()) }),
        detail: {
          access: "user",
          summary: "List campaigns",
          description: "Campaigns of the own brand, newest first by default; for admins all, or those of `brandId`.",
        },
      },
    )
    .get(
      "/:id",
      async ({ params, context }) => {
        const row = await campaignOf(store.read, params.id, context.scope);
        const warning = await lowBalance(store.read, clock.now(), row.brandId);
        return { success: true as const, campaign: toCampaign(row), lowBalance: warning };
      },
      {
        params: IdParams,
        response: t.Object({ ...OneCampaign.properties, lowBalance: LowBalance }),
        detail: {
          access: "user",
          example: { parameters: { id: EXEMPLARS.campaign } },
          summary: "Get a campaign",
          description:
            "Includes the `version` that an update must name, and a warning when the credits of the brand will not last a week.",
        },
      },
    )
    .patch(
      "/:id",
      async ({ params, body, context }) => {
        const row = await store.write((tx) => changeCampaign(tx, params.id, context.scope, body));
        deps.wake();
        return { success: true as const, campaign: toCampaign(row) };
      },
      {
        params: IdParams,
        body: CampaignChange,
        response: OneCampaign,
        detail: {
          access: "user",
          example: { parameters: { id: EXEMPLARS.draftCampaign }, body: { name: "Plants for every desk", version: 1 } },
          summary: "Update a campaign",
          description:
            "Updates the given fields if `version` is the current one (409 otherwise). After the launch only name, sendWindows, timezone, endAt and stopOnReply may change.",
        },
      },
    );
}
