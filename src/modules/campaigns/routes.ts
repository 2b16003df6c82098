import { Elysia } from "elysia";
import type { Deps } from "../deps.ts";
import { campaignContentRoutes } from "./contentRoutes.ts";
import { costRoutes } from "./costRoutes.ts";
import { lifecycleRoutes } from "./lifecycleRoutes.ts";
import { memberRoutes } from "./memberRoutes.ts";
import { memberStateRoutes } from "./memberStateRoutes.ts";
import { campaignRoutes } from "./routes.ts";

/** Campaigns: their content, their contacts, what they cost, and their status. */
export function campaignsModule(deps: Deps) {
  return new Elysia()
    .use(campaignRoutes(deps))
    .use(campaignContentRoutes(deps))
    .use(memberRoutes(deps))
    .use(memberStateRoutes(deps))
    .use(lifecycleRoutes(deps))
    .use(costRoutes(deps));
}
