import { Elysia, t } from "elysia";
import { scanInSlices } from "../../db/sliced-scan.ts";
import { runIdempotent } from "../../http/middleware/idempotency.ts";
import { DEMO_IDS } from "../../http/openapi/example-ids.ts";
import { idCursor, parseCursor, toNextCursor } from "../../http/pagination.ts";
import { requestContext } from "../../http/request-context.ts";
import { IdParams, Nullable } from "../../http/schemas.ts";
import { timeSlices } from "../../lib/time-slices.ts";
import { toContact } from "../contacts/contacts.ts";
import type { Deps } from "../deps.ts";
import {
  findSliceEnd,
  getConversation,
  listConversations,
  listHistory,
  markRead,
  recordInbound,
  setMode,
  toConversation,
} from "./conversations.ts";
import {
  Conversation,
  ConversationQuery,
  InboundRecord,
  InboundRecorded,
  ModeChange,
  ModeChanged,
  OneConversation,
} from "./model.ts";

/** Holds a text of 100,000 characters in any alphabet. */
const INBOUND_BODY_BYTES = 512 * 1024;

const MODE_MESSAGES = {
  MANUAL: "A person has taken over: pending messages are cancelled and their credits are released",
  AUTO: "The engine may send here again; cancelled messages stay cancelled",
};

/** Routes for conversations between campaigns and contacts. */
export function conversationRoutes(deps: Deps) {
  const { store, config, log, wake } = deps;
  return new Elysia({ prefix: "/api/campaigns/conversations", tags: ["Conversations"] })
    .use(requestContext)
    .get(
      "/",
      async ({ query, context }) => {
        const { limit = 20, mode, status, unread, campaignId } = query;
        const scope = context.scopeOf(query.brandId);
        const owner = scope.kind === "brand" ? scope.brandId : context.principal.userId;
        const page = await scanInSlices({
          after: parseCursor(query.cursor)?.[1] ?? null,
          limit,
          pause: () => timeSlices.next(owner),
          boundary: (before) => findSliceEnd(store.read, { scope, campaignId }, before),
          rows: (before, downTo, limit) =>
            listConversations(store.read, { scope, mode, status, unread, campaignId, before, downTo, limit }),
          idOf: ({ conversation }) => conversation.id,
        });
        return {
          success: true as const,
          data: page.rows.map(toConversation),
          nextCursor: toNextCursor(idCursor(page.next)),
        };
      },
      {
        query: ConversationQuery,
        response: t.Object({ success: t.Literal(true), data: t.Array(Conversation), nextCursor: Nullable(t.String()) }),
        detail: {
          access: "user",
          summary: "List conversations",
          description:
            "Lists the conversations of the brand, newest first; for admins all, or those of `brandId`. With filters, some thousands are scanned for a page: it may be short or empty and still have a `nextCursor`.",
        },
      },
    )
    .get(
      "/:id",
      async ({ params, context }) => {
        const dialogue = await getConversation(store.read, params.id, context.scope);
        return {
          success: true as const,
          conversation: toConversation(dialogue),
          contact: toContact(dialogue.contact),
          messages: await listHistory(store.read, params.id),
        };
      },
      {
        params: IdParams,
        response: OneConversation,
        detail: {
          access: "user",
          example: { parameters: { id: DEMO_IDS.conversation } },
          summary: "Get a conversation",
          description:
            "Returns the conversation with the messages of both sides and the pending ones, in the order of time.",
        },
      },
    )
    .post(
      "/:id/set-mode",
      async ({ params, body, context }) => {
        const { mode, reason } = body;
        const scope = context.scope;
        const answer = await runIdempotent(deps, context, async (tx) => {
          const cancelledFollowUps = await setMode(tx, params.id, scope, mode);
          return { success: true as const, message: MODE_MESSAGES[mode], cancelledFollowUps };
        });
        log.info("conversations.mode_updated", { conversationId: params.id, mode, reason });
        wake();
        return answer;
      },
      {
        params: IdParams,
        body: ModeChange,
        response: ModeChanged,
        detail: {
          access: "user",
          idempotent: true,
          example: {
            parameters: { id: DEMO_IDS.conversation },
            body: {
              mode: "MANUAL",
              reason: "I call them",
            },
          },
          summary: "Set the mode of a conversation",
          description:
            "Sets the mode. MANUAL cancels pending messages (MANUAL_MODE) and releases their credits. AUTO lets the engine send again; cancelled messages stay cancelled.",
        },
      },
    )
    .post(
      "/:id/inbound",
      async ({ params, body, context }) => {
        const scope = context.scope;
        const answer = await runIdempotent(deps, context, async (tx) => {
          const { intent, cancelled } = await recordInbound(tx, params.id, scope, body, config);
          return { success: true as const, intent, cancelled };
        });
        wake();
        return answer;
      },
      {
        params: IdParams,
        body: InboundRecord,
        response: InboundRecorded,
        detail: {
          access: "user",
          idempotent: true,
          body: INBOUND_BODY_BYTES,
          example: {
            parameters: { id: DEMO_IDS.conversation },
            body: {
              channel: "EMAIL",
              text: "Gladly: call me tomorrow at ten",
            },
          },
          summary: "Record a message from another channel",
          description:
            "Records a message that the contact sent elsewhere. It is classified like any reply: a reply ends the follow-ups, an opt-out or a hostile reply puts the contact on the ban list. It never takes a contact off that list: a START lifts a STOP only when the provider delivers it.",
        },
      },
    )
    .post(
      "/:id/mark-read",
      async ({ params, context }) => {
        const scope = context.scope;
        await store.write((tx) => markRead(tx, params.id, scope));
        return { success: true as const };
      },
      {
        params: IdParams,
        response: t.Object({ success: t.Literal(true) }),
        detail: {
          access: "user",
          example: { parameters: { id: DEMO_IDS.conversation } },
          summary: "Mark a conversation as read",
          description: "Lists with `unread=true` no longer contain it.",
        },
      },
    );
}
