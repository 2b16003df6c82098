import { Elysia, t } from "elysia";
import { iso } from "../clock.ts";
import type { Deps } from "../deps.ts";
import { callerOf } from "../http/access.ts";
import { writeOnce } from "../http/idempotency.ts";
import { storable } from "../http/storable.ts";
import { timeSlices } from "../timeSlices.ts";
import { listDirectory, voicemailsOf } from "./directory.ts";
import { Directory, DirectoryQuery, TwilioSettings } from "./model.ts";
import { changeTwilio } from "./twilio.ts";

/** What admins see and set of all brands. */
export function brandAdminRoutes(deps: Deps) {
  const { store, vault } = deps;
  return new Elysia({ prefix: "/api/auth", tags: ["Auth"] })
    .use(storable)
    .post(
      "/admin/brands",
      async ({ body, request }) => {
        const { limit = 10, offset = 0, searchQuery } = body;
        const pause = () => timeSlices.next(callerOf(request).userId);
        const { rows, total } = await listDirectory(store.read, { limit, offset, search: searchQuery, pause });
        const numbers = await voicemailsOf(
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
          summary: "List All Brands",
          description:
            "Get all brands with their mSID and user info (Admin only). The newest first. A page beyond the end is empty.",
        },
      },
    )
    .post(
      "/update-twillio-messaging-service-sid",
      async ({ body, request }) => {
        const { brandId, ...change } = body;
        return writeOnce(deps, request, async (tx) => {
          await changeTwilio(tx, vault, brandId, change);
          return { success: true, message: "The brand's Twilio settings are as you sent them" };
        });
      },
      {
        body: TwilioSettings,
        response: t.Object({
          success: t.Boolean(),
          message: t.String({ examples: ["The brand's Twilio settings are as you sent them"] }),
        }),
        detail: {
          access: "admin",
          idempotent: true,
          summary: "Assign Messaging Service",
          description:
            "Update Twilio Messaging Service SID for a brand (Admin only). What is absent stays as it is and null clears it. An empty text clears a SID and keeps the token, which is sealed and never shown.",
        },
      },
    );
}
