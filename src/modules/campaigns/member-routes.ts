import { Elysia, t } from "elysia";
import { iso } from "../clock.ts";
import { toContact } from "../contacts/contacts.ts";
import { SEARCH_RULES, SearchQuery } from "../contacts/model.ts";
import { checkCountry, judgeContact } from "../contacts/person.ts";
import { searchContacts } from "../contacts/search.ts";
import { keptPlace, searchPlace } from "../contacts/searchPage.ts";
import { scanInSlices } from "../db/slicedScan.ts";
import type { Deps } from "../deps.ts";
import { EXEMPLARS } from "../exemplars.ts";
import { afterId, cursorAt, readCursor } from "../http/cursor.ts";
import { Cursor, IdParams, Limit, Nullable } from "../http/model.ts";
import { requestContext } from "../http/request-context.ts";
import { timeSlices } from "../timeSlices.ts";
import { campaignOf } from "./lifecycle.ts";
import {
  addContacts,
  listMembers,
  type MemberOutcome,
  type Member as MemberRow,
  memberBeyond,
  membersOf,
  mustTakeContacts,
  type Schedule,
} from "./members.ts";
import { AddContactsOrder, Member, MemberStatus } from "./model.ts";
import { openNewcomers } from "./opening.ts";
import { turn } from "./turningRoutes.ts";

/** A thousand contacts with all standard fields at their longest and 2.7 KB of custom fields each. */
const CONTACTS_BODY_BYTES = 4_000_000;

/** Messages for results that have none of their own. */
const REASONS: Partial<Record<MemberOutcome["verdict"], string>> = {
  banned: "The contact is banned and must not be contacted",
};

function countOf(outcomes: readonly MemberOutcome[], verdict: MemberOutcome["verdict"]): number {
  return outcomes.filter((outcome) => outcome.verdict === verdict).length;
}

function toMember({ conversation, contact }: MemberRow) {
  const { id: conversationId, status, mode, createdAt } = conversation;
  return { conversationId, status, mode, joinedAt: iso(createdAt), contact: toContact(contact) };
}

function skippedOf(outcomes: readonly MemberOutcome[]) {
  return outcomes.flatMap(({ verdict, message }, index) =>
    verdict === "added" || verdict === "updated"
      ? []
      : [{ index, code: verdict.toUpperCase(), message: message ?? REASONS[verdict] ?? "Skipped" }],
  );
}

/** Routes for the contacts of a campaign. `schedule` schedules the first messages of those added after the launch. */
export function memberRoutes(deps: Deps, schedule: Schedule = openNewcomers) {
  const { store } = deps;
  return new Elysia({ prefix: "/api/campaigns", tags: ["Campaigns"] })
    .use(requestContext)
    .post(
      "/:id/add-contacts",
      async ({ params, body, context }) => {
        const { onDuplicate = "SKIP", allowActiveElsewhere = false } = body;
        const country = checkCountry(body.defaultCountry);
        const rows = body.contacts.map((contact, index) => judgeContact(contact, `contacts.${index}.`, country));
        return turn(deps, context, params.id, async (tx, campaign) => {
          mustTakeContacts(campaign);
          const options = { onDuplicate, allowActiveElsewhere };
          const { outcomes, enrolled } = await addContacts(tx, campaign, rows, options, schedule);
          return {
            success: true as const,
            added: countOf(outcomes, "added"),
            updated: countOf(outcomes, "updated"),
            enrolled,
            skipped: skippedOf(outcomes),
          };
        });
      },
      {
        params: IdParams,
        body: AddContactsOrder,
        response: t.Object({
          success: t.Literal(true),
          added: t.Integer({ description: "New to the campaign" }),
          updated: t.Integer({ description: "Existed in the brand and were updated" }),
          enrolled: t.Integer({
            description: "New conversations: contacts added, and contacts updated that were not in the campaign",
          }),
          skipped: t.Array(
            t.Object({ index: t.Integer(), code: t.String({ examples: ["BANNED"] }), message: t.String() }),
          ),
        }),
        detail: {
          access: "user",
          idempotent: true,
          body: CONTACTS_BODY_BYTES,
          example: {
            parameters: { id: EXEMPLARS.draftCampaign },
            body: {
              contacts: [{ email: "kay@example.com", firstName: "Kay" }],
            },
          },
          summary: "Add contacts to a campaign",
          description:
            "Up to 1000 contacts in at most 4 MB. Each is added, updated or skipped with a code: DUPLICATE, BANNED, BAD_EMAIL, BAD_PHONE, NO_ADDRESS, ACTIVE_ELSEWHERE, QUOTA. Banned contacts are never added.",
        },
      },
    )
    .get(
      "/:id/contacts",
      async ({ params, query, context }) => {
        const { limit = 20 } = query;
        const campaign = await campaignOf(store.read, params.id, context.scope);
        const { status } = query;
        const place = readCursor(query.cursor);
        const text = query.searchQuery?.trim();
        const pause = () => timeSlices.next(campaign.brandId);
        if (text) {
          const search = { scope: context.scopeOf(campaign.brandId), text, after: searchPlace(place), limit, pause };
          const found = await searchContacts(store.read, search, (rows) =>
            membersOf(store.read, campaign.id, status, rows),
          );
          return { success: true as const, data: found.items.map(toMember), nextCursor: cursorAt(keptPlace(found)) };
        }
        const page = await scanInSlices({
          after: place?.[1] ?? null,
          limit,
          pause,
          boundary: (after) => memberBeyond(store.read, campaign.id, after),
          rows: (after, upTo, limit) => listMembers(store.read, campaign.id, { status, after, upTo, limit }),
          idOf: ({ conversation }) => conversation.id,
        });
        return { success: true as const, data: page.rows.map(toMember), nextCursor: cursorAt(afterId(page.next)) };
      },
      {
        params: IdParams,
        query: t.Object({
          cursor: Cursor,
          limit: Limit,
          status: t.Optional(MemberStatus),
          searchQuery: SearchQuery,
        }),
        response: t.Object({ success: t.Literal(true), data: t.Array(Member), nextCursor: Nullable(t.String()) }),
        detail: {
          access: "user",
          example: { parameters: { id: EXEMPLARS.campaign } },
          summary: "List the contacts of a campaign",
          description: `In the order they were added, each with the status of their conversation. ${SEARCH_RULES}`,
        },
      },
    );
}
