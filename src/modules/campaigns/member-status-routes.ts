import { Elysia, t } from "elysia";
import type { Tx } from "../../db/store.ts";
import { DEMO_IDS } from "../../http/openapi/example-ids.ts";
import { type RequestContext, requestContext } from "../../http/request-context.ts";
import { Id, IdParams } from "../../http/schemas.ts";
import type { Deps } from "../deps.ts";
import type { CampaignRow } from "./campaigns.ts";
import { pauseMember, removeMember, resumeMember } from "./member-status.ts";
import type { ConversationRow } from "./members.ts";
import { MemberStatus } from "./model.ts";
import { mutateCampaign } from "./mutate-campaign.ts";

const OneContact = t.Object({
  contactId: Id,
  reason: t.Optional(t.String({ maxLength: 300, description: "For the log", examples: ["on holiday until June"] })),
});

const memberStatusFields = {
  success: t.Literal(true),
  contactId: Id,
  conversationId: Id,
  status: MemberStatus,
};
const MemberStatusResponse = t.Object(memberStatusFields);
type MemberStatusBody = typeof MemberStatusResponse.static;
const MemberRemoved = t.Object({ ...memberStatusFields, cancelledMessages: t.Integer({ examples: [1] }) });

function toMemberStatus({ id, contactId, status }: ConversationRow): MemberStatusBody {
  return { success: true, contactId, conversationId: id, status };
}

/** Routes that pause, resume and remove one contact of a campaign. */
export function memberStatusRoutes(deps: Deps) {
  const { log } = deps;
  /** Changes one contact of a campaign, and logs the reason. */
  async function mutateMember<Answer extends MemberStatusBody>(
    context: RequestContext,
    campaignId: string,
    reason: string | undefined,
    work: (tx: Tx, campaign: CampaignRow) => Promise<Answer>,
  ): Promise<Answer> {
    const answer = await mutateCampaign(deps, context, campaignId, work);
    log.info("campaign_contact.status_changed", {
      conversationId: answer.conversationId,
      status: answer.status,
      reason,
    });
    return answer;
  }

  return new Elysia({ prefix: "/api/campaigns", tags: ["Campaigns"] })
    .use(requestContext)
    .post(
      "/:id/pause-contact",
      ({ params, body, context }) =>
        mutateMember(context, params.id, body.reason, async (tx, campaign) =>
          toMemberStatus(await pauseMember(tx, campaign, body.contactId)),
        ),
      {
        params: IdParams,
        body: OneContact,
        response: MemberStatusResponse,
        detail: {
          access: "user",
          idempotent: true,
          example: {
            parameters: { id: DEMO_IDS.runningCampaign },
            body: { contactId: DEMO_IDS.contact, reason: "on holiday" },
          },
          summary: "Pause a contact",
          description:
            "Pauses a contact: their messages are postponed, with the credits held, until the contact is resumed.",
        },
      },
    )
    .post(
      "/:id/resume-contact",
      ({ params, body, context }) =>
        mutateMember(context, params.id, body.reason, async (tx, campaign) =>
          toMemberStatus(await resumeMember(tx, campaign, body.contactId)),
        ),
      {
        params: IdParams,
        body: OneContact,
        response: MemberStatusResponse,
        detail: {
          access: "user",
          idempotent: true,
          example: { parameters: { id: DEMO_IDS.runningCampaign }, body: { contactId: DEMO_IDS.contact } },
          summary: "Resume a contact",
          description: "Resumes a contact: postponed messages are due at their scheduled time, or now.",
        },
      },
    )
    .post(
      "/:id/remove-contact",
      ({ params, body, context }) =>
        mutateMember(context, params.id, body.reason, async (tx, campaign) => {
          const { conversation, cancelled } = await removeMember(tx, campaign, body.contactId);
          return { ...toMemberStatus(conversation), cancelledMessages: cancelled };
        }),
      {
        params: IdParams,
        body: OneContact,
        response: MemberRemoved,
        detail: {
          access: "user",
          idempotent: true,
          example: {
            parameters: { id: DEMO_IDS.runningCampaign },
            body: { contactId: DEMO_IDS.contact, reason: "moved away" },
          },
          summary: "Remove a contact from a campaign",
          description:
            "Removes the contact permanently: pending messages are cancelled (CONTACT_REMOVED) and their credits released. The brand keeps the contact.",
        },
      },
    );
}
