import { Elysia } from "elysia";
import type { Deps } from "../deps.ts";
import { grantRoutes } from "./grant-routes.ts";
import { paymentRoutes } from "./payment-routes.ts";

/** Payments, and credits that an admin grants. */
export function paymentsModule(deps: Deps) {
  return new Elysia().use(grantRoutes(deps)).use(paymentRoutes(deps));
}
