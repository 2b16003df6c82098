import { Elysia } from "elysia";
import type { Deps } from "../deps.ts";
import { accountListRoutes } from "./admin/accountRoutes.ts";
import { assignmentRoutes } from "./admin/assignmentRoutes.ts";
import { voicemailAdminRoutes } from "./admin/voicemailRoutes.ts";
import { senderRoutes } from "./routes.ts";
import { voicemailRoutes } from "./voicemailRoutes.ts";

/** Mailboxes and phone numbers, and which brand each is assigned to. */
export function sendersModule(deps: Deps) {
  return new Elysia()
    .use(senderRoutes(deps))
    .use(voicemailRoutes(deps))
    .use(assignmentRoutes(deps))
    .use(voicemailAdminRoutes(deps))
    .use(accountListRoutes(deps));
}
