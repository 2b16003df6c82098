import { Elysia } from "elysia";
import { banRoutes } from "./bans/routes.ts";
import { brandAdminRoutes } from "./brands/adminRoutes.ts";
import { brandRoutes } from "./brands/routes.ts";
import { campaignContentRoutes } from "./campaigns/contentRoutes.ts";
import { costRoutes } from "./campaigns/costRoutes.ts";
import { lifecycleRoutes } from "./campaigns/lifecycleRoutes.ts";
import { memberRoutes } from "./campaigns/memberRoutes.ts";
import { memberStateRoutes } from "./campaigns/memberStateRoutes.ts";
import { campaignRoutes } from "./campaigns/routes.ts";
import { chargebeeAdminRoutes } from "./chargebee/admin/routes.ts";
import { chargebeeRoutes } from "./chargebee/routes.ts";
import { contactRoutes } from "./contacts/routes.ts";
import { conversationRoutes } from "./conversations/routes.ts";
import { unsubscribeRoutes } from "./conversations/unsubscribeRoutes.ts";
import { ledgerRoutes } from "./credits/admin/ledgerRoutes.ts";
import { creditOverviewRoutes } from "./credits/admin/overviewRoutes.ts";
import { creditAdminRoutes } from "./credits/admin/routes.ts";
import { creditRoutes } from "./credits/routes.ts";
import { followUpRoutes } from "./delivery/followUpRoutes.ts";
import { deliveryRoutes } from "./delivery/routes.ts";
import type { Deps } from "./deps.ts";
import { healthRoutes } from "./health/routes.ts";
import { guard } from "./http/access.ts";
import { admission, endAdmission } from "./http/admission.ts";
import { answerTime } from "./http/answerTime.ts";
import { bodyAdmission } from "./http/bodyAdmission.ts";
import { credentialRules } from "./http/credentialRules.ts";
import { docs } from "./http/docs.ts";
import { faults } from "./http/faults.ts";
import { boundFormats } from "./http/formats.ts";
import { idempotency } from "./http/idempotency.ts";
import { inputLengths } from "./http/inputLengths.ts";
import type { RequestDrain } from "./http/requestDrain.ts";
import { requestLog } from "./http/requestLog.ts";
import { securityHeaders } from "./http/securityHeaders.ts";
import type { Identity } from "./identity/identity.ts";
import { profileRoutes } from "./identity/profile/routes.ts";
import { identityRoutes } from "./identity/routes.ts";
import { importRoutes } from "./imports/routes.ts";
import { invitationRoutes } from "./invitations/routes.ts";
import { createAdmission } from "./limits/admission.ts";
import { limitRoutes } from "./limits/routes.ts";
import { grantRoutes } from "./payments/grantRoutes.ts";
import { paymentRoutes } from "./payments/routes.ts";
import { proxySighting } from "./security/proxySighting.ts";
import { securityRoutes } from "./security/routes.ts";
import { accountListRoutes } from "./senders/admin/accountRoutes.ts";
import { assignmentRoutes } from "./senders/admin/assignmentRoutes.ts";
import { voicemailAdminRoutes } from "./senders/admin/voicemailRoutes.ts";
import { senderRoutes } from "./senders/routes.ts";
import { voicemailRoutes } from "./senders/voicemailRoutes.ts";
import { version } from "./version.ts";

const IMPORT = "/api/campaigns/:id/import-contacts";
const IMAGE = "/api/auth/upload-profile-image";
/** Routes whose body is a file: they say themselves what they were asked. */
const FILE_ROUTES = new Set([IMPORT, IMAGE]);

boundFormats();

/** What a process answers that is no `api`: how it is. */
export function createProbes(deps: Deps, drain?: RequestDrain) {
  const app: Elysia = new Elysia({ normalize: "typebox" });
  app.use(securityHeaders(deps.config.publicUrl));
  app.use(requestLog(deps.log)).use(faults(deps.log));
  if (drain) app.use(drain.plugin());
  return app.use(healthRoutes(deps));
}

/**
 * The map: every room, mounted on one page. The order matters: faults and the guard reach only what comes after them.
 * Nothing here ticks or listens; `cli/serve.ts` does that.
 */
export function createApp(deps: Deps, identity: Identity, drain?: RequestDrain) {
  // Not the default normaliser: it copies whatever calls itself an array before anything is checked, so that a body of
  // {"length": 1e9} where a list belongs would eat the memory of the machine.
  const app: Elysia = new Elysia({ normalize: "typebox" });
  app.use(securityHeaders(deps.config.publicUrl));
  const limits = createAdmission(deps);
  app.use(requestLog(deps.log, endAdmission(limits)));
  app.use(proxySighting(deps));
  const bodies = bodyAdmission({
    settings: deps.config.bodies,
    clientAddressHeader: deps.config.clientAddressHeader,
    routes: () => app.routes,
    server: () => app.server,
    stopping: deps.background.signal,
  });
  app.use(bodies.settle);
  app.use(faults(deps.log));
  if (drain) app.use(drain.plugin());
  app.use(bodies.before);
  app.use(guard(identity.identify, () => app.routes, bodies.identified, credentialRules(deps), admission(limits)));
  app.use(bodies.after);
  app.use(inputLengths(() => app.routes));
  app.use(
    idempotency(
      deps,
      () => app.routes,
      (route) => FILE_ROUTES.has(route),
    ),
  );
  app.use(answerTime(() => app.server));
  app.use(docs({ publicUrl: deps.config.publicUrl, version }));
  app.use(healthRoutes(deps));
  app.use(identityRoutes(deps, identity));
  app.use(profileRoutes(deps));
  app.use(invitationRoutes(deps, identity));
  app.use(securityRoutes(deps));
  app.use(brandRoutes(deps));
  app.use(brandAdminRoutes(deps));
  app.use(senderRoutes(deps));
  app.use(voicemailRoutes(deps));
  app.use(assignmentRoutes(deps));
  app.use(voicemailAdminRoutes(deps));
  app.use(accountListRoutes(deps));
  app.use(contactRoutes(deps));
  app.use(banRoutes(deps));
  app.use(campaignRoutes(deps));
  app.use(campaignContentRoutes(deps));
  app.use(memberRoutes(deps));
  app.use(memberStateRoutes(deps));
  app.use(importRoutes(deps));
  app.use(lifecycleRoutes(deps));
  app.use(costRoutes(deps));
  app.use(deliveryRoutes(deps));
  app.use(followUpRoutes(deps));
  app.use(conversationRoutes(deps));
  app.use(unsubscribeRoutes(deps));
  app.use(creditRoutes(deps));
  app.use(creditAdminRoutes(deps));
  app.use(ledgerRoutes(deps));
  app.use(creditOverviewRoutes(deps));
  app.use(grantRoutes(deps));
  app.use(paymentRoutes(deps));
  app.use(chargebeeRoutes(deps));
  app.use(chargebeeAdminRoutes(deps));
  app.use(limitRoutes(deps, limits));
  return app;
}
