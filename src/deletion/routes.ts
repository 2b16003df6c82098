import { Elysia, t } from "elysia";
import type { Deps } from "../deps.ts";
import { callerOf } from "../http/access.ts";
import { IdParams } from "../http/model.ts";
import { reachOf } from "../http/reach.ts";
import { storable } from "../http/storable.ts";
import { deleteBrand } from "./brand.ts";
import { deleteCampaign } from "./campaign.ts";

const Deleted = t.Object({ success: t.Literal(true) });

/** Deletes what many modules keep rows of. */
export function deletionRoutes({ store }: Deps) {
  return new Elysia({ prefix: "/api" })
    .use(storable)
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
          summary: "Delete a brand",
          description:
            "Deletes its contacts, bans, drafts and voicemail numbers as well. Its mailboxes stay, without a brand. 409 once a campaign was launched, credits were given or money was paid: `history` has the counts. For admins only.",
        },
      },
    )
    .delete(
      "/campaigns/:id",
      async ({ params, request }) => {
        await store.write((tx) => deleteCampaign(tx, params.id, reachOf(callerOf(request))));
        return { success: true as const };
      },
      {
        params: IdParams,
        response: Deleted,
        detail: {
          tags: ["Campaigns"],
          access: "user",
          summary: "Delete a campaign",
          description: "Only a draft or a cancelled one (409 otherwise), with its conversations. Its contacts stay.",
        },
      },
    );
}
