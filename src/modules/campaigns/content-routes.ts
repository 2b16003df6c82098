import { Elysia, t } from "elysia";
import { DEMO_IDS } from "../../http/openapi/example-ids.ts";
import { requestContext } from "../../http/request-context.ts";
import { Id, IdParams, Nullable } from "../../http/schemas.ts";
import type { Deps } from "../deps.ts";
import { toEmailAccount } from "../senders/email-accounts.ts";
import { EmailAccount } from "../senders/model.ts";
import { getCampaign } from "./lifecycle.ts";
import { CountsShape, PreviewRequest, StepShape } from "./model.ts";
import { previewMessage } from "./preview.ts";
import { listSenders, replaceSenders } from "./senders.ts";
import { checkTemplates, listStepsWithCounts, replaceSteps } from "./steps.ts";

/** All templates of a campaign (256 KB) escaped as JSON, with the other fields. */
const STEPS_BODY_BYTES = 640_000;

const Steps = t.Object({
  success: t.Literal(true),
  version: t.Integer(),
  steps: t.Array(t.Composite([StepShape, t.Object({ counts: CountsShape })])),
});
const Senders = t.Object({ success: t.Literal(true), emailAccounts: t.Array(EmailAccount) });

/** Routes for the steps, senders and previews of a campaign. `config.channels` decides which channels steps may use. */
export function campaignContentRoutes({ store, clock, config, wake }: Deps) {
  const channels = config.channels === "simulator" ? (["EMAIL", "SMS", "VOICEMAIL"] as const) : (["EMAIL"] as const);
  return new Elysia({ prefix: "/api/campaigns", tags: ["Campaigns"] })
    .use(requestContext)
    .put(
      "/:id/steps",
      async ({ params, body, context }) => {
        const { steps, version } = body;
        const scope = context.scope;
        const { brandId } = await getCampaign(store.read, params.id, scope);
        await checkTemplates(steps, brandId);
        const row = await store.write((tx) => replaceSteps(tx, params.id, scope, steps, { channels, version }));
        wake();
        return {
          success: true as const,
          version: row.version,
          steps: await listStepsWithCounts(store.read, params.id),
        };
      },
      {
        params: IdParams,
        body: t.Object({
          steps: t.Array(StepShape, { minItems: 1, maxItems: 20 }),
          version: t.Optional(t.Integer({ minimum: 1, description: "The current version; 409 when it is another" })),
        }),
        response: Steps,
        detail: {
          access: "user",
          body: STEPS_BODY_BYTES,
          example: {
            parameters: { id: DEMO_IDS.draftCampaign },
            body: {
              steps: [
                {
                  stage: 0,
                  channel: "EMAIL",
                  delay: { value: 0, unit: "DAYS" },
                  subject: "A plant for {{ company | default: 'your desk' }}",
                  body: "Hello {{ firstName | default: 'there' }}, may we bring you a plant?",
                },
                {
                  stage: 1,
                  channel: "EMAIL",
                  delay: { value: 4, unit: "DAYS" },
                  body: "Hello again. It is a very small plant.",
                },
              ],
            },
          },
          summary: "Set the steps of a campaign",
          description:
            "Replaces all steps: stage 0 is the first message, stages 1 and above are follow-ups. After the launch only stages that no contact has reached may change (409 names the `stage`). A template has at most 64 KB, 500 outputs and tags and 5,000 words of code; all together have at most 256 KB. Channels: e-mail; with the simulator also SMS and voicemail.",
        },
      },
    )
    .get(
      "/:id/steps",
      async ({ params, context }) => {
        const row = await getCampaign(store.read, params.id, context.scope);
        const steps = await listStepsWithCounts(store.read, row.id);
        return { success: true as const, version: row.version, steps };
      },
      {
        params: IdParams,
        response: Steps,
        detail: {
          access: "user",
          example: { parameters: { id: DEMO_IDS.campaign } },
          summary: "Get the steps of a campaign",
          description: "Returns each step with the number of its messages by status.",
        },
      },
    )
    .put(
      "/:id/senders",
      async ({ params, body, context }) => {
        const scope = context.scope;
        const rows = await store.write((tx) => replaceSenders(tx, params.id, scope, body.emailAccountIds));
        wake();
        return { success: true as const, emailAccounts: rows.map((row) => toEmailAccount(row, clock.now())) };
      },
      {
        params: IdParams,
        body: t.Object({ emailAccountIds: t.Array(Id, { maxItems: 1000 }) }),
        response: Senders,
        detail: {
          access: "user",
          example: {
            parameters: { id: DEMO_IDS.draftCampaign },
            body: { emailAccountIds: [DEMO_IDS.unusedEmailAccount] },
          },
          summary: "Set the senders of a campaign",
          description:
            "Sets the mailboxes, all of the campaign's brand; 404 lists `unknownIds`. Contacts are distributed evenly.",
        },
      },
    )
    .get(
      "/:id/senders",
      async ({ params, context }) => {
        const row = await getCampaign(store.read, params.id, context.scope);
        const senders = await listSenders(store.read, row);
        return { success: true as const, emailAccounts: senders.map((row) => toEmailAccount(row, clock.now())) };
      },
      {
        params: IdParams,
        response: Senders,
        detail: {
          access: "user",
          example: { parameters: { id: DEMO_IDS.campaign } },
          summary: "Get the senders of a campaign",
          description: "Lists the mailboxes that the campaign sends from.",
        },
      },
    )
    .post(
      "/:id/preview-message",
      async ({ params, body, context }) => {
        const row = await getCampaign(store.read, params.id, context.scope);
        const person = body.contactId ?? body.sample ?? {};
        return {
          success: true as const,
          ...(await previewMessage(store.read, row, body.stage, person, config.publicUrl)),
        };
      },
      {
        params: IdParams,
        body: PreviewRequest,
        response: t.Object({
          success: t.Literal(true),
          subject: Nullable(t.String()),
          text: t.String(),
          html: Nullable(t.String()),
          segments: Nullable(t.Number()),
          missingVariables: t.Array(t.String()),
        }),
        detail: {
          access: "user",
          limit: "costly",
          example: {
            parameters: { id: DEMO_IDS.draftCampaign },
            body: { stage: 0, contactId: DEMO_IDS.draftContact },
          },
          summary: "Preview a message",
          description:
            "Renders a step for a contact of the brand (`contactId`) or for made-up values (`sample`). Sends nothing; the unsubscribe link is an example.",
        },
      },
    );
}
