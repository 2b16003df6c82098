import { Elysia, t } from "elysia";
import { campaignOf } from "../campaigns/lifecycle.ts";
import type { Deps } from "../deps.ts";
import { callerOf } from "../http/access.ts";
import { cutPage, readCursor } from "../http/cursor.ts";
import { writeOnce } from "../http/idempotency.ts";
import { Id, IdParams, Nullable } from "../http/model.ts";
import { reachOf } from "../http/reach.ts";
import { storable } from "../http/storable.ts";
import { explain } from "./explain.ts";
import { CampaignCredits, Explanation, Message, MessageQuery, Stats } from "./model.ts";
import { resolveUnknown } from "./rescuer.ts";
import { listMessages, readCampaignCredits, readStats } from "./views.ts";

/** Routes for the messages of a campaign: their status, their statistics and why one has not been sent. */
export function deliveryRoutes(deps: Deps) {
  const { store } = deps;
  const campaignFor = (request: Request, id: string) => campaignOf(store.read, id, reachOf(callerOf(request)));

  return new Elysia({ prefix: "/api/campaigns", tags: ["Campaigns"] })
    .use(storable)
    .get(
      "/:id/messages",
      async ({ params, query, request }) => {
        const { limit = 20, status, stage, channel } = query;
        const { id } = await campaignFor(request, params.id);
        const after = readCursor(query.cursor)?.[1] ?? null;
        const rows = await listMessages(store.read, id, { status, stage, channel, after, limit: limit + 1 });
        return { success: true as const, ...cutPage(rows, limit, (row) => [null, row.id]) };
      },
      {
        params: IdParams,
        query: MessageQuery,
        response: t.Object({ success: t.Literal(true), data: t.Array(Message), nextCursor: Nullable(t.String()) }),
        detail: {
          access: "user",
          summary: "List the messages of a campaign",
          description:
            "In the order they were scheduled. A message whose outcome is unknown has the status PENDING with OUTCOME_UNKNOWN until it is resolved, and FAILED after 24 hours.",
        },
      },
    )
    .get(
      "/:id/stats",
      async ({ params, request }) => {
        const { id } = await campaignFor(request, params.id);
        return { success: true as const, ...(await readStats(store.read, id)) };
      },
      {
        params: IdParams,
        response: Stats,
        detail: {
          access: "user",
          summary: "Get campaign statistics",
          description:
            "Messages by status, for each stage and in total. A reply counts for the stage that was sent last before it. `contacts` counts conversations by status.",
        },
      },
    )
    .get(
      "/:id/credits",
      async ({ params, request }) => {
        const { id } = await campaignFor(request, params.id);
        return { success: true as const, ...(await readCampaignCredits(store.read, id)) };
      },
      {
        params: IdParams,
        response: CampaignCredits,
        detail: {
          access: "user",
          summary: "Get the credits of a campaign",
          description: "Credits held, used and given back, in total and by channel.",
        },
      },
    )
    .use(outcomeRoutes(deps));
}

/** Routes that explain why a message has not been sent, and resolve an unknown outcome. */
function outcomeRoutes(deps: Deps) {
  const { store, clock, wake } = deps;
  return new Elysia({ tags: ["Campaigns"] })
    .use(storable)
    .get(
      "/:id/explain",
      async ({ params, query, request }) => {
        const campaign = await campaignOf(store.read, params.id, reachOf(callerOf(request)));
        return { success: true as const, ...(await explain(store.read, campaign, query.contactId, clock.now())) };
      },
      {
        params: IdParams,
        query: t.Object({ contactId: Id }),
        response: Explanation,
        detail: {
          access: "user",
          summary: "Explain a contact's messages",
          description:
            "For each message still to be sent: the result of each gate now, when it may pass, and in one sentence what happens next.",
        },
      },
    )
    .post(
      "/outcome-unknown/:messageId/resolve",
      async ({ params, body, request }) => {
        const reach = reachOf(callerOf(request));
        const answer = await writeOnce(deps, request, async (tx) => {
          await resolveUnknown(tx, params.messageId, body.as, reach);
          return { success: true as const };
        });
        wake();
        return answer;
      },
      {
        params: t.Object({ messageId: Id }),
        body: t.Object({ as: t.Union([t.Literal("SENT"), t.Literal("NOT_SENT")]) }),
        response: t.Object({ success: t.Literal(true) }),
        detail: {
          access: "user",
          idempotent: true,
          summary: "Resolve an unknown outcome",
          description:
            "Says whether a message with OUTCOME_UNKNOWN was sent. SENT uses its credits and schedules the next stage; NOT_SENT sends it again now. 409 once its outcome is known.",
        },
      },
    );
}
