import { Elysia, t } from "elysia";
import { toContact } from "../contacts/contacts.ts";
import { scanInSlices } from "../db/slicedScan.ts";
import type { Deps } from "../deps.ts";
import { EXEMPLARS } from "../exemplars.ts";
import { afterId, cursorAt, readCursor } from "../http/cursor.ts";
import { writeOnce } from "../http/idempotency.ts";
import { IdParams, Nullable } from "../http/model.ts";
import { requestContext } from "../http/request-context.ts";
import { timeSlices } from "../timeSlices.ts";
import {
  conversationBelow,
  getDialogue,
  listConversations,
  markRead,
  readHistory,
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

/** A text of 100,000 characters, in any alphabet. */
const INBOUND_BODY_BYTES = 512 * 1024;

const OUTCOME = {
  MANUAL: "A person took over: what was still to be sent is cancelled and its credits are back",
  AUTO: "The engine may send here again; nothing that was cancelled is sent after all",
};

/** What campaigns and contacts said to each other. */
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
          after: readCursor(query.cursor)?.[1] ?? null,
          limit,
          pause: () => timeSlices.next(owner),
          boundary: (before) => conversationBelow(store.read, { scope, campaignId }, before),
          rows: (before, downTo, limit) =>
            listConversations(store.read, { scope, mode, status, unread, campaignId, before, downTo, limit }),
          idOf: ({ conversation }) => conversation.id,
        });
        return {
          success: true as const,
          data: page.rows.map(toConversation),
          nextCursor: cursorAt(afterId(page.next)),
        };
      },
      {
        query: ConversationQuery,
        response: t.Object({ success: t.Literal(true), data: t.Array(Conversation), nextCursor: Nullable(t.String()) }),
        detail: {
          access: "user",
          summary: "List conversations",
          description:
            "The brand's own, the newest first; for admins all, or those of `brandId`. With filters it looks at some thousands at a time: a page may be short or empty and still have a `nextCursor`.",
        },
      },
    )
    .get(
      "/:id",
      async ({ params, context }) => {
        const dialogue = await getDialogue(store.read, params.id, context.scope);
        return {
          success: true as const,
          conversation: toConversation(dialogue),
          contact: toContact(dialogue.contact),
          messages: await readHistory(store.read, params.id),
        };
      },
      {
        params: IdParams,
        response: OneConversation,
        detail: {
          access: "user",
          example: { parameters: { id: EXEMPLARS.conversation } },
          summary: "Get a conversation",
          description: "With what both sides said, and what is still to be said, in the order of time.",
        },
      },
    )
    .post(
      "/:id/set-mode",
      async ({ params, body, context }) => {
        const { mode, reason } = body;
        const scope = context.scope;
        const answer = await writeOnce(deps, context, async (tx) => {
          const cancelledFollowUps = await setMode(tx, params.id, scope, mode);
          return { success: true as const, message: OUTCOME[mode], cancelledFollowUps };
        });
        log.info("conversation mode set", { conversationId: params.id, mode, reason });
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
            parameters: { id: EXEMPLARS.conversation },
            body: {
              mode: "MANUAL",
              reason: "I call them",
            },
          },
          summary: "Take over a conversation, or give it back",
          description:
            "MANUAL cancels what was still to be sent (MANUAL_MODE) and gives its credits back. AUTO only lets the engine in again: nothing that was cancelled is created anew.",
        },
      },
    )
    .post(
      "/:id/inbound",
      async ({ params, body, context }) => {
        const scope = context.scope;
        const answer = await writeOnce(deps, context, async (tx) => {
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
            parameters: { id: EXEMPLARS.conversation },
            body: {
              channel: "EMAIL",
              text: "Gladly: call me tomorrow at ten",
            },
          },
          summary: "Record what a contact wrote elsewhere",
          description:
            "It is understood like any answer: a reply ends the follow-ups, a wish to be left alone or a hostile answer puts the contact on the ban list. It never takes a contact off that list: a START lifts a STOP only when the provider delivers it.",
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
          example: { parameters: { id: EXEMPLARS.conversation } },
          summary: "Mark a conversation as read",
          description: "It leaves the list of those with `unread=true`.",
        },
      },
    );
}
