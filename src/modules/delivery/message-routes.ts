import { Elysia, t } from "elysia";
import { runIdempotent } from "../../http/middleware/idempotency.ts";
import { DEMO_IDS } from "../../http/openapi/example-ids.ts";
import { paginate, parseCursor } from "../../http/pagination.ts";
import { type RequestContext, requestContext } from "../../http/request-context.ts";
import { Id, IdParams, Nullable } from "../../http/schemas.ts";
import { getCampaign } from "../campaigns/lifecycle.ts";
import type { Deps } from "../deps.ts";
import { explain } from "./explain.ts";
import { getCampaignCredits, getStats, listMessages } from "./message-list.ts";
import { CampaignCredits, Explanation, Message, MessageQuery, Stats } from "./model.ts";
import { resolveUnknown } from "./rescuer.ts";

/** Routes for the messages of a campaign: their status, their statistics and why one has not been sent. */
export function deliveryRoutes(deps: Deps) {
  const { store } = deps;
  const campaignFor = (context: RequestContext, id: string) => getCampaign(store.read, id, context.scope);

  return new Elysia({ prefix: "/api/campaigns", tags: ["Campaigns"] })
    .use(requestContext)
    .get(
      "/:id/messages",
      async ({ params, query, context }) => {
        const { limit = 20, status, stage, channel } = query;
        const { id } = await campaignFor(context, params.id);
        const after = parseCursor(query.cursor)?.[1] ?? null;
        const rows = await listMessages(store.read, id, { status, stage, channel, after, limit: limit + 1 });
        return { success: true as const, ...paginate(rows, limit, (row) => [null, row.id]) };
      },
      {
        params: IdParams,
        query: MessageQuery,
        response: t.Object({ success: t.Literal(true), data: t.Array(Message), nextCursor: Nullable(t.String()) }),
        detail: {
          access: "user",
          example: { parameters: { id: DEMO_IDS.campaign } },
          summary: "List the messages of a campaign",
          description:
            "Lists the messages in the order they were scheduled. A message whose outcome is unknown has the status PENDING with OUTCOME_UNKNOWN until it is resolved, and FAILED after 24 hours.",
        },
      },
    )
    .get(
      "/:id/stats",
      async ({ params, context }) => {
        const { id } = await campaignFor(context, params.id);
        return { success: true as const, ...(await getStats(store.read, id)) };
      },
      {
        params: IdParams,
        response: Stats,
        detail: {
          access: "user",
          example: { parameters: { id: DEMO_IDS.campaign } },
          summary: "Get campaign statistics",
          description:
            "Returns the messages by status, for each stage and in total. A reply counts for the stage that was sent last before it. `contacts` counts conversations by status.",
        },
      },
    )
    .get(
      "/:id/credits",
      async ({ params, context }) => {
        const { id } = await campaignFor(context, params.id);
        return { success: true as const, ...(await getCampaignCredits(store.read, id)) };
      },
      {
        params: IdParams,
        response: CampaignCredits,
        detail: {
          access: "user",
          example: { parameters: { id: DEMO_IDS.campaign } },
          summary: "Get the credits of a campaign",
          description: "Returns the credits held, used and released, in total and by channel.",
        },
      },
    )
    .use(outcomeRoutes(deps));
}

/** Routes that explain why a message has not been sent, and resolve an unknown outcome. */
function outcomeRoutes(deps: Deps) {
  const { store, clock, wake } = deps;
  return new Elysia({ tags: ["Campaigns"] })
    .use(requestContext)
    .get(
      "/:id/explain",
      async ({ params, query, context }) => {
        const campaign = await getCampaign(store.read, params.id, context.scope);
        return { success: true as const, ...(await explain(store.read, campaign, query.contactId, clock.now())) };
      },
      {
        params: IdParams,
        query: t.Object({ contactId: Id }),
        response: Explanation,
        detail: {
          access: "user",
          example: { parameters: { id: DEMO_IDS.runningCampaign, contactId: DEMO_IDS.contact } },
          summary: "Explain a contact's messages",
          description:
            "Returns for each pending message the result of each gate, the time when it may pass, and the next step in one sentence.",
        },
      },
    )
    .post(
      "/outcome-unknown/:messageId/resolve",
      async ({ params, body, context }) => {
        const scope = context.scope;
        const answer = await runIdempotent(deps, context, async (tx) => {
          await resolveUnknown(tx, params.messageId, body.as, scope);
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
          example: {
            parameters: { messageId: DEMO_IDS.message },
            body: { as: "SENT" },
          },
          summary: "Resolve an unknown outcome",
          description:
            "Records whether a message with OUTCOME_UNKNOWN was sent. SENT uses its credits and schedules the next stage; NOT_SENT sends it again now. 409 once its outcome is known.",
        },
      },
    );
}
