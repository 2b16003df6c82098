import { Elysia } from "elysia";
import type { Deps } from "../deps.ts";
import { followUpRoutes } from "./follow-up-routes.ts";
import { deliveryRoutes } from "./message-routes.ts";

/** Messages of a campaign, and follow-ups of all campaigns. */
export function deliveryModule(deps: Deps) {
  return new Elysia().use(deliveryRoutes(deps)).use(followUpRoutes(deps));
}
