import { Elysia } from "elysia";
import type { Deps } from "../deps.ts";
import { faults } from "../http/faults.ts";
import type { RequestDrain } from "../http/requestDrain.ts";
import { requestLog } from "../http/requestLog.ts";
import { securityHeaders } from "../http/securityHeaders.ts";
import { healthRoutes } from "./routes.ts";

/** Creates the HTTP application of a process without the role `api`: only its health. */
export function createProbes(deps: Deps, drain?: RequestDrain) {
  const app: Elysia = new Elysia({ normalize: "typebox" });
  app.use(securityHeaders(deps.config.publicUrl));
  app.use(requestLog(deps.log)).use(faults(deps.log));
  if (drain) app.use(drain.plugin());
  return app.use(healthRoutes(deps));
}
