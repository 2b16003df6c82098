import { Elysia } from "elysia";
import { limitFormats } from "../http/formats.ts";
import { mountPipeline } from "../http/middleware/pipeline.ts";
import type { RequestDrain } from "../http/middleware/request-drain.ts";
import { apiDocs } from "../http/openapi/docs.ts";
import { version } from "../lib/version.ts";
import { brandsModule } from "../modules/brands/routes.ts";
import { campaignsModule } from "../modules/campaigns/routes.ts";
import { chargebeeModule } from "../modules/chargebee/routes.ts";
import { contactsModule } from "../modules/contacts/routes.ts";
import { creditsModule } from "../modules/credits/routes.ts";
import { deletionRoutes } from "../modules/deletion/routes.ts";
import { deliveryModule } from "../modules/delivery/routes.ts";
import type { Deps } from "../modules/deps.ts";
import type { Identity } from "../modules/identity/identity.ts";
import { identityModule } from "../modules/identity/routes.ts";
import { importsModule } from "../modules/imports/routes.ts";
import { conversationsModule } from "../modules/inbox/routes.ts";
import { invitationsModule } from "../modules/invitations/routes.ts";
import { createAdmission } from "../modules/limits/admission.ts";
import { admissionEnd, checkAdmission } from "../modules/limits/admission-check.ts";
import { limitsModule } from "../modules/limits/routes.ts";
import { paymentsModule } from "../modules/payments/routes.ts";
import { detectProxy } from "../modules/security/proxy-sighting.ts";
import { securityModule } from "../modules/security/routes.ts";
import { sendersModule } from "../modules/senders/routes.ts";
import { suppressionsModule } from "../modules/suppressions/routes.ts";
import { healthRoutes } from "./health-routes.ts";

limitFormats();

/**
 * Creates the HTTP application: the hooks of every request, then every module. It starts no timer and no listener;
 * `server/serve.ts` does.
 */
export function createApp(deps: Deps, identity: Identity, drain?: RequestDrain) {
  // Not the default normaliser: it copies anything with a length as an array before it is validated, so that a body of
  // {"length": 1e9} where a list belongs would eat the memory of the machine.
  const app: Elysia = new Elysia({ normalize: "typebox" });
  const limits = createAdmission(deps);
  const hooks = {
    findPrincipal: identity.findPrincipal,
    checkLimits: checkAdmission(limits),
    onRequestEnd: admissionEnd(limits),
  };
  app.use(detectProxy(deps));
  mountPipeline(app, deps, hooks, drain);
  app.use(apiDocs({ publicUrl: deps.config.publicUrl, version }));
  app.use(healthRoutes(deps));
  app.use(identityModule(deps, identity));
  app.use(invitationsModule(deps, identity));
  app.use(securityModule(deps));
  app.use(brandsModule(deps));
  app.use(sendersModule(deps));
  app.use(contactsModule(deps));
  app.use(suppressionsModule(deps));
  app.use(campaignsModule(deps));
  app.use(importsModule(deps));
  app.use(deliveryModule(deps));
  app.use(conversationsModule(deps));
  app.use(creditsModule(deps));
  app.use(paymentsModule(deps));
  app.use(chargebeeModule(deps));
  app.use(limitsModule(deps, limits));
  app.use(deletionRoutes(deps));
  return app;
}
