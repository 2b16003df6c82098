import { Elysia } from "elysia";
import { brandRoutes } from "./brands/routes.ts";
import type { Deps } from "./deps.ts";
import { type Caller, guard } from "./http/access.ts";
import { faults } from "./http/faults.ts";

/**
 * The map: every room, mounted on one page. The order matters: faults and the guard reach only what comes after them.
 * Nothing here ticks or listens; `main.ts` does that.
 */
export function createApp(deps: Deps, identify: (request: Request) => Promise<Caller | null>) {
  const app: Elysia = new Elysia({ normalize: true });
  app.use(faults(deps.log));
  app.use(guard(identify, () => app.routes));
  app.use(brandRoutes(deps));
  return app;
}
