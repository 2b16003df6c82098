import { Elysia, t } from "elysia";
import { DEMO_IDS } from "../../http/openapi/example-ids.ts";
import { requestContext } from "../../http/request-context.ts";
import { IdParams } from "../../http/schemas.ts";
import type { Deps } from "../deps.ts";
import { deleteBrand } from "./brand.ts";
import { deleteCampaign } from "./campaign.ts";

const Deleted = t.Object({ success: t.Literal(true) });

/** Routes that delete entities with rows in many modules. */
export function deletionRoutes({ store }: Deps) {
  return new Elysia({ prefix: "/api" })
    .use(requestContext)
    .delete(
      "/brands/:id",
      async ({ params }) => {
        await store.write((tx) => deleteBrand(tx, params.id));
        return { success: true as const };
      },
      {
        params: IdParams,
        response: Deleted,
        detail: {
          tags: ["Brands"],
          access: "admin",
          example: { parameters: { id: DEMO_IDS.emptyBrand } },
          summary: "Delete a brand",
          description:
            "Deletes the brand with its contacts, bans, drafts and voicemail numbers; its mailboxes stay without a brand. Returns 409 with `history` when a campaign was launched, credits were granted or a payment was made. For admins only.",
        },
      },
    )
    .delete(
      "/campaigns/:id",
      async ({ params, context }) => {
        await store.write((tx) => deleteCampaign(tx, params.id, context.scope));
        return { success: true as const };
      },
      {
        params: IdParams,
        response: Deleted,
        detail: {
          tags: ["Campaigns"],
          access: "user",
          example: { parameters: { id: DEMO_IDS.emptyCampaign } },
          summary: "Delete a campaign",
          description:
            "Deletes a draft or a cancelled campaign (409 otherwise) with its conversations. The contacts are kept.",
        },
      },
    );
}
