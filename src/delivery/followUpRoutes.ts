import { Elysia } from "elysia";
import type { Deps } from "../deps.ts";
import { invalid } from "../fault.ts";
import { requestContext } from "../http/request-context.ts";
import { readFollowUps } from "./followUps.ts";
import { FollowUpPage, FollowUpQuery, OwnFollowUpQuery } from "./model.ts";

function momentOf(field: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const moment = Date.parse(text);
  if (!Number.isFinite(moment)) throw invalid(field, "expected a moment such as 2026-11-23T09:00:00Z");
  return moment;
}

/** What is going to be sent next, and what became of it: for all brands and for one. */
export function followUpRoutes({ store }: Deps) {
  return new Elysia()
    .use(requestContext)
    .get(
      "/api/auth/admin/scheduled-follow-ups",
      async ({ query, context: { scope } }) => {
        const { page = 1, limit = 20, status, includeOpening = false } = query;
        const fromStage = includeOpening ? 0 : 1;
        return readFollowUps(store.read, { fromStage, status, scope }, { page, limit });
      },
      {
        query: FollowUpQuery,
        response: FollowUpPage,
        detail: {
          access: "admin",
          tags: ["Auth"],
          summary: "Get scheduled follow-ups",
          description:
            "Get all scheduled follow-up messages with filtering and pagination (Admin only). The latest scheduled first; `errorMessage` says why one was cancelled, or what it waits for.",
        },
      },
    )
    .get(
      "/api/campaigns/follow-ups",
      async ({ query, context }) => {
        const { page = 1, limit = 20, status, campaignId, contactId } = query;
        const scope = context.scopeOf(query.brandId);
        const from = momentOf("from", query.from);
        const to = momentOf("to", query.to);
        const filter = { fromStage: 1 as const, status, scope, campaignId, contactId, from, to };
        return readFollowUps(store.read, filter, { page, limit });
      },
      {
        query: OwnFollowUpQuery,
        response: FollowUpPage,
        detail: {
          access: "user",
          tags: ["Campaigns"],
          summary: "List follow-ups",
          description: "The brand's own, the latest scheduled first; for admins all, or those of `brandId`.",
        },
      },
    );
}
