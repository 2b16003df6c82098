import { Elysia } from "elysia";
import { requestContext } from "../../http/request-context.ts";
import { invalid } from "../../lib/errors.ts";
import type { Deps } from "../deps.ts";
import { listFollowUps } from "./follow-ups.ts";
import { FollowUpPage, FollowUpQuery, OwnFollowUpQuery } from "./model.ts";

function parseTime(field: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const time = Date.parse(text);
  if (!Number.isFinite(time)) throw invalid(field, "expected a time such as 2026-11-23T09:00:00Z");
  return time;
}

/** Routes that list follow-ups: of all brands, and of one. */
export function followUpRoutes({ store }: Deps) {
  return new Elysia()
    .use(requestContext)
    .get(
      "/api/auth/admin/scheduled-follow-ups",
      async ({ query, context: { scope } }) => {
        const { page = 1, limit = 20, status, includeOpening = false } = query;
        const fromStage = includeOpening ? 0 : 1;
        return listFollowUps(store.read, { fromStage, status, scope }, { page, limit });
      },
      {
        query: FollowUpQuery,
        response: FollowUpPage,
        detail: {
          access: "admin",
          tags: ["Auth"],
          summary: "Get scheduled follow-ups",
          description:
            "Get all scheduled follow-up messages with filtering and pagination (Admin only). The latest scheduled first; `errorMessage` is why a message was cancelled, or what it waits for.",
        },
      },
    )
    .get(
      "/api/campaigns/follow-ups",
      async ({ query, context }) => {
        const { page = 1, limit = 20, status, campaignId, contactId } = query;
        const scope = context.scopeOf(query.brandId);
        const from = parseTime("from", query.from);
        const to = parseTime("to", query.to);
        const filter = { fromStage: 1 as const, status, scope, campaignId, contactId, from, to };
        return listFollowUps(store.read, filter, { page, limit });
      },
      {
        query: OwnFollowUpQuery,
        response: FollowUpPage,
        detail: {
          access: "user",
          tags: ["Campaigns"],
          summary: "List follow-ups",
          description:
            "Lists the follow-ups of the brand, latest scheduled first; for admins all, or those of `brandId`.",
        },
      },
    );
}
