import { Elysia } from "elysia";
import { runIdempotent } from "../../../http/middleware/idempotency.ts";
import { DEMO_IDS } from "../../../http/openapi/example-ids.ts";
import { requestContext } from "../../../http/request-context.ts";
import type { Deps } from "../../deps.ts";
import { createVoicemailAccount } from "../voicemail-accounts.ts";
import { VoicemailRequest, VoicemailResponse } from "./model.ts";

/** Creates voicemail numbers for brands, for admins. */
export function voicemailAdminRoutes(deps: Deps) {
  return new Elysia({ prefix: "/api/auth/admin", tags: ["Auth"] }).use(requestContext).post(
    "/create-voicemail-account",
    async ({ body, context }) =>
      runIdempotent(deps, context, async (tx) => {
        const { id, phoneNumber, displayName, provider } = await createVoicemailAccount(tx, body.brandId, body, {
          proved: true,
        });
        return {
          success: true,
          message: `${displayName} now leaves voicemails from ${phoneNumber}`,
          voicemailAccount: { id, phoneNumber, displayName, provider },
        };
      }),
    {
      body: VoicemailRequest,
      response: VoicemailResponse,
      detail: {
        access: "admin",
        idempotent: true,
        example: { body: { brandId: DEMO_IDS.brand, phoneNumber: "+1 202 555 0147" } },
        summary: "Create Voicemail Sender Account",
        description:
          "Create a new voicemail sender account for a brand (Admin only). The number is stored as E.164 and is proved: unproved accounts of other brands for it are switched off, and 409 is returned when it is proved already. Its name is the brand's name and its last four digits.",
      },
    },
  );
}
