import { Elysia } from "elysia";
import type { Deps } from "../deps.ts";
import { chargebeeAdminRoutes } from "./admin/routes.ts";
import { chargebeeRoutes } from "./webhook-routes.ts";

/** Registers the webhook of Chargebee and the admin routes of its events. */
export function chargebeeModule(deps: Deps) {
  return new Elysia().use(chargebeeRoutes(deps)).use(chargebeeAdminRoutes(deps));
}
