import { Elysia } from "elysia";
import { banRoutes } from "./bans/routes.ts";
import { brandsModule } from "./brands/module-routes.ts";
import { campaignsModule } from "./campaigns/module-routes.ts";
import { chargebeeModule } from "./chargebee/module-routes.ts";
import { contactRoutes } from "./contacts/routes.ts";
import { conversationsModule } from "./conversations/module-routes.ts";
import { creditsModule } from "./credits/module-routes.ts";
import { deletionRoutes } from "./deletion/routes.ts";
import { deliveryModule } from "./delivery/module-routes.ts";
import type { Deps } from "./deps.ts";
import { healthRoutes } from "./health/routes.ts";
import { admission, endAdmission } from "./http/admission.ts";
import { docs } from "./http/docs.ts";
import { boundFormats } from "./http/formats.ts";
import { mountPipeline } from "./http/pipeline.ts";
import type { RequestDrain } from "./http/requestDrain.ts";
import type { Identity } from "./identity/identity.ts";
import { identityModule } from "./identity/module-routes.ts";
import { importRoutes } from "./imports/routes.ts";
import { invitationRoutes } from "./invitations/routes.ts";
import { createAdmission } from "./limits/admission.ts";
import { limitRoutes } from "./limits/routes.ts";
import { paymentsModule } from "./payments/module-routes.ts";
import { proxySighting } from "./security/proxySighting.ts";
import { securityRoutes } from "./security/routes.ts";
import { sendersModule } from "./senders/module-routes.ts";
import { version } from "./version.ts";

boundFormats();

/**
 * Creates the HTTP application: what every request passes, then every module. Nothing here ticks or listens;
 * `cli/serve.ts` does that.
 */
export function createApp(deps: Deps, identity: Identity, drain?: RequestDrain) {
  // Not the default normaliser: it copies anything with a length as an array before it is validated, so that a body of
  // {"length": 1e9} where a list belongs would eat the memory of the machine.
  const app: Elysia = new Elysia({ normalize: "typebox" });
  const limits = createAdmission(deps);
  const hooks = { identify: identity.identify, checkLimits: admission(limits), onRequestEnd: endAdmission(limits) };
  app.use(proxySighting(deps));
  mountPipeline(app, deps, hooks, drain);
  app.use(docs({ publicUrl: deps.config.publicUrl, version }));
  app.use(healthRoutes(deps));
  app.use(identityModule(deps, identity));
  app.use(invitationRoutes(deps, identity));
  app.use(securityRoutes(deps));
  app.use(brandsModule(deps));
  app.use(sendersModule(deps));
  app.use(contactRoutes(deps));
  app.use(banRoutes(deps));
  app.use(campaignsModule(deps));
  app.use(importRoutes(deps));
  app.use(deliveryModule(deps));
  app.use(conversationsModule(deps));
  app.use(creditsModule(deps));
  app.use(paymentsModule(deps));
  app.use(chargebeeModule(deps));
  app.use(limitRoutes(deps, limits));
  app.use(deletionRoutes(deps));
  return app;
}
