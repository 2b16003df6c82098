import { Elysia } from "elysia";
import type { Deps } from "../deps.ts";
import { campaignRoutes } from "./campaign-routes.ts";
import { campaignContentRoutes } from "./content-routes.ts";
import { costRoutes } from "./cost-routes.ts";
import { lifecycleRoutes } from "./lifecycle-routes.ts";
import { memberRoutes } from "./member-routes.ts";
import { memberStatusRoutes } from "./member-status-routes.ts";

/** Registers the routes of campaigns: their content, contacts, cost and status. */
export function campaignsModule(deps: Deps) {
  return new Elysia()
    .use(campaignRoutes(deps))
    .use(campaignContentRoutes(deps))
    .use(memberRoutes(deps))
    .use(memberStatusRoutes(deps))
    .use(lifecycleRoutes(deps))
    .use(costRoutes(deps));
}
