import { Elysia } from "elysia";
import type { Deps } from "../deps.ts";
import { accountListRoutes } from "./admin/account-routes.ts";
import { assignmentRoutes } from "./admin/assignment-routes.ts";
import { voicemailAdminRoutes } from "./admin/voicemail-routes.ts";
import { senderRoutes } from "./mailbox-routes.ts";
import { voicemailRoutes } from "./voicemail-routes.ts";

/** Mailboxes and phone numbers, and which brand each is assigned to. */
export function sendersModule(deps: Deps) {
  return new Elysia()
    .use(senderRoutes(deps))
    .use(voicemailRoutes(deps))
    .use(assignmentRoutes(deps))
    .use(voicemailAdminRoutes(deps))
    .use(accountListRoutes(deps));
}
