import { Elysia, t } from "elysia";
import type { Tx } from "../db/store.ts";
import type { Deps } from "../deps.ts";
import { callerOf } from "../http/access.ts";
import { Id, IdParams } from "../http/model.ts";
import { reachOf } from "../http/reach.ts";
import { storable } from "../http/storable.ts";
import { type CampaignRow, holdCampaign } from "./campaigns.ts";
import { pauseMember, removeMember, resumeMember } from "./memberState.ts";
import type { ConversationRow } from "./members.ts";
import { MemberStatus } from "./model.ts";

const OneContact = t.Object({
  contactId: Id,
  reason: t.Optional(t.String({ maxLength: 300, description: "For the log", examples: ["on holiday until June"] })),
});

const standing = {
  success: t.Literal(true),
  contactId: Id,
  conversationId: Id,
  status: MemberStatus,
};
const MemberStanding = t.Object(standing);
const MemberRemoved = t.Object({ ...standing, cancelledMessages: t.Integer({ examples: [1] }) });

/** Lets one contact of a campaign wait, go on, or leave it. */
export function memberStateRoutes({ store, log, wake }: Deps) {
  async function turn<T>(
    request: Request,
    campaignId: string,
    work: (tx: Tx, campaign: CampaignRow) => Promise<T>,
  ): Promise<T> {
    const reach = reachOf(callerOf(request));
    const result = await store.write(async (tx) => work(tx, await holdCampaign(tx, campaignId, reach)));
    wake();
    return result;
  }

  function answer({ id, contactId, status }: ConversationRow, reason: string | undefined) {
    log.info("contact turned", { conversationId: id, status, reason });
    return { success: true as const, contactId, conversationId: id, status };
  }

  return new Elysia({ prefix: "/api/campaigns", tags: ["Campaigns"] })
    .use(storable)
    .post(
      "/:id/pause-contact",
      async ({ params, body, request }) =>
        answer(
          await turn(request, params.id, (tx, campaign) => pauseMember(tx, campaign, body.contactId)),
          body.reason,
        ),
      {
        params: IdParams,
        body: OneContact,
        response: MemberStanding,
        detail: {
          access: "user",
          summary: "Pause a contact",
          description: "What is scheduled for them waits, with its credits, until they are resumed.",
        },
      },
    )
    .post(
      "/:id/resume-contact",
      async ({ params, body, request }) =>
        answer(
          await turn(request, params.id, (tx, campaign) => resumeMember(tx, campaign, body.contactId)),
          body.reason,
        ),
      {
        params: IdParams,
        body: OneContact,
        response: MemberStanding,
        detail: {
          access: "user",
          summary: "Resume a contact",
          description: "What waited is due when it was meant to leave, or now.",
        },
      },
    )
    .post(
      "/:id/remove-contact",
      async ({ params, body, request }) => {
        const { conversation, cancelled } = await turn(request, params.id, (tx, campaign) =>
          removeMember(tx, campaign, body.contactId),
        );
        return { ...answer(conversation, body.reason), cancelledMessages: cancelled };
      },
      {
        params: IdParams,
        body: OneContact,
        response: MemberRemoved,
        detail: {
          access: "user",
          summary: "Remove a contact from a campaign",
          description:
            "For good: what was still to be sent to them is cancelled (CONTACT_REMOVED) and its credits come back. The brand keeps the contact.",
        },
      },
    );
}
