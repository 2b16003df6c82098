import { Elysia, t } from "elysia";
import { LowBalance } from "../credits/model.ts";
import { lowBalance } from "../credits/statement.ts";
import type { Deps } from "../deps.ts";
import { EXEMPLARS } from "../exemplars.ts";
import { ErrorBody, IdParams } from "../http/model.ts";
import { requestContext } from "../http/request-context.ts";
import { launchCost, toCost } from "./launchCost.ts";
import { campaignOf } from "./lifecycle.ts";
import { Cost } from "./model.ts";

/** Route for the cost of a launch. */
export function costRoutes({ store, clock }: Deps) {
  return new Elysia({ prefix: "/api/campaigns", tags: ["Campaigns"] }).use(requestContext).get(
    "/:id/launch-cost",
    async ({ params, context }) => {
      const campaign = await campaignOf(store.read, params.id, context.scope);
      const cost = toCost(await launchCost(store.read, campaign));
      return {
        success: true as const,
        cost,
        lowBalance: await lowBalance(store.read, clock.now(), campaign.brandId),
      };
    },
    {
      params: IdParams,
      response: { 200: t.Object({ success: t.Literal(true), cost: Cost, lowBalance: LowBalance }), 409: ErrorBody },
      detail: {
        access: "user",
        limit: "costly",
        example: { parameters: { id: EXEMPLARS.draftCampaign } },
        summary: "Get the cost of a launch",
        description:
          "At current prices, for contacts without a sent message: the first stage, which a launch must be able to pay, and all stages. Holds no credits.",
      },
    },
  );
}
