import { Elysia } from "elysia";
import type { Deps } from "../deps.ts";
import { followUpRoutes } from "./followUpRoutes.ts";
import { deliveryRoutes } from "./routes.ts";

/** Messages of a campaign, and follow-ups of all campaigns. */
export function deliveryModule(deps: Deps) {
  return new Elysia().use(deliveryRoutes(deps)).use(followUpRoutes(deps));
}
