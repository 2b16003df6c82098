import { Elysia, t } from "elysia";
import { runIdempotent } from "../../http/middleware/idempotency.ts";
import { DEMO_IDS } from "../../http/openapi/example-ids.ts";
import { requestContext } from "../../http/request-context.ts";
import { iso } from "../../lib/clock.ts";
import { timeSlices } from "../../lib/time-slices.ts";
import type { Deps } from "../deps.ts";
import { listBrandVoicemails, listDirectory } from "./directory.ts";
import { Directory, DirectoryQuery, TwilioSettings } from "./model.ts";
import { updateTwilio } from "./twilio.ts";

/** Lists and configures all brands, for admins. */
export function brandAdminRoutes(deps: Deps) {
  const { store, vault } = deps;
  return new Elysia({ prefix: "/api/auth", tags: ["Auth"] })
    .use(requestContext)
    .post(
      "/admin/brands",
      async ({ body, context }) => {
        const { limit = 10, offset = 0, searchQuery } = body;
        const pause = () => timeSlices.next(context.principal.userId);
        const { rows, total } = await listDirectory(store.read, { limit, offset, search: searchQuery, pause });
        const numbers = await listBrandVoicemails(
          store.read,
          rows.map(({ id }) => id),
        );
        return {
          success: true,
          message: total === 1 ? "1 brand" : `${total} brands`,
          brands: rows.map(({ id, name, ownerId, createdAt, ...row }) => ({
            ...row,
            brandId: id,
            brandName: name,
            userId: ownerId,
            voicemailSenderAccounts: numbers.get(id) ?? [],
            createdAt: iso(createdAt),
          })),
          hasMore: offset + rows.length < total,
          total,
        };
      },
      {
        body: DirectoryQuery,
        response: Directory,
        detail: {
          access: "admin",
          example: { body: { limit: 10, offset: 0, searchQuery: "" } },
          summary: "List All Brands",
          description:
            "Get all brands with their mSID and user info (Admin only), newest first. A page past the end is empty.",
        },
      },
    )
    .post(
      "/update-twillio-messaging-service-sid",
      async ({ body, context }) => {
        const { brandId, ...change } = body;
        return runIdempotent(deps, context, async (tx) => {
          await updateTwilio(tx, vault, brandId, change);
          return { success: true, message: "The brand's Twilio settings were updated" };
        });
      },
      {
        body: TwilioSettings,
        response: t.Object({
          success: t.Boolean(),
          message: t.String({ examples: ["The brand's Twilio settings were updated"] }),
        }),
        detail: {
          access: "admin",
          idempotent: true,
          example: {
            body: {
              brandId: DEMO_IDS.brand,
              twilioAccountSid: "AC0123456789abcdef0123456789abcdef",
              twilioAuthToken: "0123456789abcdef0123456789abcdef",
              twillioMessagingServiceSid: "MG0123456789abcdef0123456789abcdef",
            },
          },
          summary: "Assign Messaging Service",
          description:
            "Update Twilio Messaging Service SID for a brand (Admin only). Absent fields stay unchanged, null clears a field. An empty text clears a SID and keeps the token, which is stored encrypted and never returned.",
        },
      },
    );
}
