import { Elysia } from "elysia";
import { errorHandler } from "../http/middleware/errors.ts";
import type { RequestDrain } from "../http/middleware/request-drain.ts";
import { requestLog } from "../http/middleware/request-log.ts";
import { securityHeaders } from "../http/middleware/security-headers.ts";
import type { Deps } from "../modules/deps.ts";
import { healthRoutes } from "./health-routes.ts";

/** Creates the HTTP application of a process without the role `api`: only its health. */
export function createProbes(deps: Deps, drain?: RequestDrain) {
  const app: Elysia = new Elysia({ normalize: "typebox" });
  app.use(securityHeaders(deps.config.publicUrl));
  app.use(requestLog(deps.log)).use(errorHandler(deps.log));
  if (drain) app.use(drain.plugin());
  return app.use(healthRoutes(deps));
}
