import { Elysia, t } from "elysia";
import { parseOptionalBody } from "../../http/middleware/request-body.ts";
import { DEMO_IDS } from "../../http/openapi/example-ids.ts";
import { requestContext } from "../../http/request-context.ts";
import { Id, IdParams, Nullable, Timestamp } from "../../http/schemas.ts";
import { isoOrNull } from "../../lib/clock.ts";
import { toCredits } from "../credits/amounts.ts";
import type { Deps } from "../deps.ts";
import { toCampaign } from "./campaigns.ts";
import { toCost } from "./launch-cost.ts";
import { archive, cancel, launch, pause, resume } from "./lifecycle.ts";
import { Campaign, cost } from "./model.ts";
import { mutateCampaign } from "./mutate-campaign.ts";

const Reason = t.Optional(t.String({ maxLength: 300, examples: ["new prices from Monday"] }));
const WithReason = t.Optional(t.Object({ reason: Reason }));
const OneCampaign = t.Object({ success: t.Literal(true), campaign: Campaign });

const Launched = t.Object({
  success: t.Literal(true),
  reservationId: Id,
  creditReserved: t.Number({ description: "For the first stage", examples: [250] }),
  creditAvailable: t.Number({ description: "Credits left to spend", examples: [490] }),
  byType: cost.byType,
  creditsForAllStages: cost.creditsForAllStages,
  firstSendAt: Nullable(Timestamp),
});

const InsufficientCredits = t.Object(
  {
    success: t.Literal(false),
    message: t.String({ examples: ["The first stage needs 250 credits; 50 are missing"] }),
    code: t.Literal("INSUFFICIENT_CREDITS"),
    ...cost,
  },
  { additionalProperties: true },
);

/** Routes that launch, pause, resume, cancel and archive a campaign. Each locks its row, so that of two callers one wins. */
export function lifecycleRoutes(deps: Deps) {
  return new Elysia({ prefix: "/api/campaigns", tags: ["Campaigns"] })
    .use(requestContext)
    .post(
      "/:id/launch",
      ({ params, body, context }) =>
        mutateCampaign(deps, context, params.id, async (tx, campaign) => {
          const launched = await launch(tx, campaign, body.confirmContacts);
          const shown = toCost(launched.cost);
          return {
            success: true as const,
            reservationId: params.id,
            creditReserved: shown.creditNeeded,
            creditAvailable: toCredits(launched.cost.available - launched.cost.needed),
            byType: shown.byType,
            creditsForAllStages: shown.creditsForAllStages,
            firstSendAt: isoOrNull(launched.firstSendAt),
          };
        }),
      {
        params: IdParams,
        body: t.Object({
          confirmContacts: t.Integer({
            minimum: 0,
            description: "The number of contacts that you expect to write to",
            examples: [250],
          }),
        }),
        response: { 200: Launched, 402: InsufficientCredits },
        detail: {
          access: "user",
          idempotent: true,
          example: { parameters: { id: DEMO_IDS.draftCampaign }, body: { confirmContacts: DEMO_IDS.draftContacts } },
          summary: "Launch a campaign",
          description:
            "Schedules the first message of every contact and holds its credits, all or nothing. 409 when `confirmContacts` is not the number of contacts, which is in `contacts` of the response; 402 when credits are missing.",
        },
      },
    )
    .post(
      "/:id/pause",
      ({ params, body, context }) =>
        mutateCampaign(deps, context, params.id, async (tx, campaign) => {
          const row = await pause(tx, campaign, body?.reason?.trim() || null);
          return { success: true as const, campaign: toCampaign(row) };
        }),
      {
        params: IdParams,
        body: WithReason,
        parse: parseOptionalBody,
        response: OneCampaign,
        detail: {
          access: "user",
          idempotent: true,
          example: { parameters: { id: DEMO_IDS.runningCampaign }, body: { reason: "new prices from Monday" } },
          summary: "Pause a campaign",
          description:
            "Stops sending. Messages already handed to a provider arrive; scheduled messages keep their credits.",
        },
      },
    )
    .post(
      "/:id/resume",
      ({ params, context }) =>
        mutateCampaign(deps, context, params.id, async (tx, campaign) => {
          const row = await resume(tx, campaign);
          return { success: true as const, campaign: toCampaign(row) };
        }),
      {
        params: IdParams,
        response: OneCampaign,
        detail: {
          access: "user",
          idempotent: true,
          example: { parameters: { id: DEMO_IDS.runningCampaign } },
          summary: "Resume a campaign",
          description:
            "Resumes sending: messages are due at their scheduled time, or now, within send windows and daily limits.",
        },
      },
    )
    .post(
      "/:id/cancel",
      ({ params, body, context }) =>
        mutateCampaign(deps, context, params.id, async (tx, campaign) => {
          const { creditReleased, cancelledMessages } = await cancel(tx, campaign, body?.reason?.trim() || null);
          return { success: true as const, creditReleased: toCredits(creditReleased), cancelledMessages };
        }),
      {
        params: IdParams,
        body: WithReason,
        parse: parseOptionalBody,
        response: t.Object({
          success: t.Literal(true),
          creditReleased: t.Number({ examples: [120] }),
          cancelledMessages: t.Integer({ examples: [120] }),
        }),
        detail: {
          access: "user",
          idempotent: true,
          example: { parameters: { id: DEMO_IDS.runningCampaign }, body: { reason: "sold out" } },
          summary: "Cancel a campaign",
          description:
            "Cancels the campaign permanently: pending messages are cancelled (CAMPAIGN_STOPPED) and their credits released. A message that is being sent cannot be stopped.",
        },
      },
    )
    .post(
      "/:id/archive",
      ({ params, context }) =>
        mutateCampaign(deps, context, params.id, async (tx, campaign) => {
          const row = await archive(tx, campaign);
          return { success: true as const, campaign: toCampaign(row) };
        }),
      {
        params: IdParams,
        response: OneCampaign,
        detail: {
          access: "user",
          idempotent: true,
          example: { parameters: { id: DEMO_IDS.campaign } },
          summary: "Archive a campaign",
          description: "Hides a completed or cancelled campaign from lists. Statistics are kept.",
        },
      },
    );
}
