import { Elysia } from "elysia";
import type { Deps } from "../deps.ts";
import { brandAdminRoutes } from "./admin-routes.ts";
import { brandRoutes } from "./brand-routes.ts";

/** Brands, for their owners and for admins. */
export function brandsModule(deps: Deps) {
  return new Elysia().use(brandRoutes(deps)).use(brandAdminRoutes(deps));
}
