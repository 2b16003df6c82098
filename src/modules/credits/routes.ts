import { Elysia } from "elysia";
import type { Deps } from "../deps.ts";
import { ledgerRoutes } from "./admin/ledger-routes.ts";
import { creditOverviewRoutes } from "./admin/overview-routes.ts";
import { creditAdminRoutes } from "./admin/routes.ts";
import { creditRoutes } from "./credit-routes.ts";

/** Credits of a brand, and the ledger and weights for admins. */
export function creditsModule(deps: Deps) {
  return new Elysia()
    .use(creditRoutes(deps))
    .use(creditAdminRoutes(deps))
    .use(ledgerRoutes(deps))
    .use(creditOverviewRoutes(deps));
}
