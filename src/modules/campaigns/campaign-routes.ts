import { Elysia, t } from "elysia";
import { resolveBrandId } from "../../db/tenant-scope.ts";
import { runIdempotent } from "../../http/middleware/idempotency.ts";
import { DEMO_IDS } from "../../http/openapi/example-ids.ts";
import { paginate, parseCursor } from "../../http/pagination.ts";
import { requestContext } from "../../http/request-context.ts";
import { CursorQuery, Id, IdParams, Nullable, PageLimit } from "../../http/schemas.ts";
import { timeSlices } from "../../lib/time-slices.ts";
import { getLowBalance } from "../credits/balance.ts";
import { LowBalance } from "../credits/model.ts";
import type { Deps } from "../deps.ts";
import { cursorBy, listCampaigns } from "./campaign-list.ts";
import { createCampaign, toCampaign, updateCampaign } from "./campaigns.ts";
import { getCampaign } from "./lifecycle.ts";
import { Campaign, CampaignChange, NewCampaign, StatusShape } from "./model.ts";

const OneCampaign = t.Object({ success: t.Literal(true), campaign: Campaign });

const ListQuery = t.Object({
  cursor: CursorQuery,
  limit: PageLimit,
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
        const brandId = resolveBrandId(context.principal, body.brandId);
        return runIdempotent(deps, context, async (tx) => ({
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
          example: { body: { brandId: DEMO_IDS.otherBrand, name: "Ferns for waiting rooms", channels: ["EMAIL"] } },
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
          after: parseCursor(query.cursor),
          limit: limit + 1,
          pause: () => timeSlices.next(scope.kind === "brand" ? scope.brandId : context.principal.userId),
        });
        const page = paginate(rows, limit, cursorBy(sortBy));
        return { success: true as const, data: page.data.map(toCampaign), nextCursor: page.nextCursor };
      },
      {
        query: ListQuery,
        response: t.Object({ success: t.Literal(true), data: t.Array(Campaign), nextCursor: Nullable(t.String()) }),
        detail: {
          access: "user",
          summary: "List campaigns",
          description:
            "Lists the campaigns of the own brand, newest first by default; for admins all, or those of `brandId`.",
        },
      },
    )
    .get(
      "/:id",
      async ({ params, context }) => {
        const row = await getCampaign(store.read, params.id, context.scope);
        const warning = await getLowBalance(store.read, clock.now(), row.brandId);
        return { success: true as const, campaign: toCampaign(row), lowBalance: warning };
      },
      {
        params: IdParams,
        response: t.Object({ ...OneCampaign.properties, lowBalance: LowBalance }),
        detail: {
          access: "user",
          example: { parameters: { id: DEMO_IDS.campaign } },
          summary: "Get a campaign",
          description:
            "Returns a campaign with the `version` that an update must name, and a warning when the credits of the brand will not last a week.",
        },
      },
    )
    .patch(
      "/:id",
      async ({ params, body, context }) => {
        const row = await store.write((tx) => updateCampaign(tx, params.id, context.scope, body));
        deps.wake();
        return { success: true as const, campaign: toCampaign(row) };
      },
      {
        params: IdParams,
        body: CampaignChange,
        response: OneCampaign,
        detail: {
          access: "user",
          example: { parameters: { id: DEMO_IDS.draftCampaign }, body: { name: "Plants for every desk", version: 1 } },
          summary: "Update a campaign",
          description:
            "Updates the given fields if `version` is the current one (409 otherwise). After the launch only name, sendWindows, timezone, endAt and stopOnReply may change.",
        },
      },
    );
}
