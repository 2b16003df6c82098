import { Elysia, t } from "elysia";
import { DEMO_IDS } from "../../http/openapi/example-ids.ts";
import { requestContext } from "../../http/request-context.ts";
import { ErrorBody, IdParams } from "../../http/schemas.ts";
import { getLowBalance } from "../credits/balance.ts";
import { LowBalance } from "../credits/model.ts";
import type { Deps } from "../deps.ts";
import { computeLaunchCost, toCost } from "./launch-cost.ts";
import { getCampaign } from "./lifecycle.ts";
import { Cost } from "./model.ts";

/** Registers the route for the cost of a launch. */
export function costRoutes({ store, clock }: Deps) {
  return new Elysia({ prefix: "/api/campaigns", tags: ["Campaigns"] }).use(requestContext).get(
    "/:id/launch-cost",
    async ({ params, context }) => {
      const campaign = await getCampaign(store.read, params.id, context.scope);
      const cost = toCost(await computeLaunchCost(store.read, campaign));
      return {
        success: true as const,
        cost,
        lowBalance: await getLowBalance(store.read, clock.now(), campaign.brandId),
      };
    },
    {
      params: IdParams,
      response: { 200: t.Object({ success: t.Literal(true), cost: Cost, lowBalance: LowBalance }), 409: ErrorBody },
      detail: {
        access: "user",
        limit: "costly",
        example: { parameters: { id: DEMO_IDS.draftCampaign } },
        summary: "Get the cost of a launch",
        description:
          "Returns the cost at current prices for contacts without a sent message: the first stage, which a launch must be able to pay, and all stages. Holds no credits.",
      },
    },
  );
}
