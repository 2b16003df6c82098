import { Elysia, t } from "elysia";
import type { Deps } from "../deps.ts";
import { EXEMPLARS } from "../exemplars.ts";
import { IdParams } from "../http/model.ts";
import { requestContext } from "../http/request-context.ts";
import { deleteBrand } from "./brand.ts";
import { deleteCampaign } from "./campaign.ts";

const Deleted = t.Object({ success: t.Literal(true) });

/** Deletes what many modules keep rows of. */
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
          example: { parameters: { id: EXEMPLARS.emptyBrand } },
          summary: "Delete a brand",
          description:
            "Deletes its contacts, bans, drafts and voicemail numbers as well. Its mailboxes stay, without a brand. 409 once a campaign was launched, credits were given or money was paid: `history` has the counts. For admins only.",
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
          example: { parameters: { id: EXEMPLARS.emptyCampaign } },
          summary: "Delete a campaign",
          description: "Only a draft or a cancelled one (409 otherwise), with its conversations. Its contacts stay.",
        },
      },
    );
}
