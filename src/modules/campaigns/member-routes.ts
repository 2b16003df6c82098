import { Elysia, t } from "elysia";
import { scanInSlices } from "../../db/sliced-scan.ts";
import { DEMO_IDS } from "../../http/openapi/example-ids.ts";
import { idCursor, parseCursor, toNextCursor } from "../../http/pagination.ts";
import { requestContext } from "../../http/request-context.ts";
import { CursorQuery, IdParams, Nullable, PageLimit } from "../../http/schemas.ts";
import { iso } from "../../lib/clock.ts";
import { timeSlices } from "../../lib/time-slices.ts";
import { toContact } from "../contacts/contacts.ts";
import { SEARCH_DESCRIPTION, SearchQuery } from "../contacts/model.ts";
import { assertCountry, parseContact } from "../contacts/parse-contact.ts";
import { searchContacts } from "../contacts/search.ts";
import { formatSearchCursor, parseSearchCursor } from "../contacts/search-cursor.ts";
import type { Deps } from "../deps.ts";
import { scheduleForNewMembers } from "./initial-messages.ts";
import { getCampaign } from "./lifecycle.ts";
import {
  addContacts,
  assertAcceptsContacts,
  findMembers,
  findSliceEnd,
  listMembers,
  type MemberOutcome,
  type Member as MemberRow,
  type ScheduleNewMembers,
} from "./members.ts";
import { AddContactsRequest, Member, MemberStatus } from "./model.ts";
import { mutateCampaign } from "./mutate-campaign.ts";

/** A thousand contacts with all standard fields at their longest and 2.7 KB of custom fields each. */
const CONTACTS_BODY_BYTES = 4_000_000;

/** Messages for results that have none of their own. */
const REASONS: Partial<Record<MemberOutcome["verdict"], string>> = {
  banned: "The contact is banned and must not be contacted",
};

function countResults(outcomes: readonly MemberOutcome[], verdict: MemberOutcome["verdict"]): number {
  return outcomes.filter((outcome) => outcome.verdict === verdict).length;
}

function toMember({ conversation, contact }: MemberRow) {
  const { id: conversationId, status, mode, createdAt } = conversation;
  return { conversationId, status, mode, joinedAt: iso(createdAt), contact: toContact(contact) };
}

function toSkipped(outcomes: readonly MemberOutcome[]) {
  return outcomes.flatMap(({ verdict, message }, index) =>
    verdict === "added" || verdict === "updated"
      ? []
      : [{ index, code: verdict.toUpperCase(), message: message ?? REASONS[verdict] ?? "Skipped" }],
  );
}

/** Routes for the contacts of a campaign. `schedule` schedules the first messages of those added after the launch. */
export function memberRoutes(deps: Deps, schedule: ScheduleNewMembers = scheduleForNewMembers) {
  const { store } = deps;
  return new Elysia({ prefix: "/api/campaigns", tags: ["Campaigns"] })
    .use(requestContext)
    .post(
      "/:id/add-contacts",
      async ({ params, body, context }) => {
        const { onDuplicate = "SKIP", allowActiveElsewhere = false } = body;
        const country = assertCountry(body.defaultCountry);
        const rows = body.contacts.map((contact, index) => parseContact(contact, `contacts.${index}.`, country));
        return mutateCampaign(deps, context, params.id, async (tx, campaign) => {
          assertAcceptsContacts(campaign);
          const options = { onDuplicate, allowActiveElsewhere };
          const { outcomes, enrolled } = await addContacts(tx, campaign, rows, options, schedule);
          return {
            success: true as const,
            added: countResults(outcomes, "added"),
            updated: countResults(outcomes, "updated"),
            enrolled,
            skipped: toSkipped(outcomes),
          };
        });
      },
      {
        params: IdParams,
        body: AddContactsRequest,
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
            parameters: { id: DEMO_IDS.draftCampaign },
            body: {
              contacts: [{ email: "kay@example.com", firstName: "Kay" }],
            },
          },
          summary: "Add contacts to a campaign",
          description:
            "Adds up to 1000 contacts in at most 4 MB. Each is added, updated or skipped with a code: DUPLICATE, BANNED, BAD_EMAIL, BAD_PHONE, NO_ADDRESS, ACTIVE_ELSEWHERE, QUOTA. Banned contacts are never added.",
        },
      },
    )
    .get(
      "/:id/contacts",
      async ({ params, query, context }) => {
        const { limit = 20 } = query;
        const campaign = await getCampaign(store.read, params.id, context.scope);
        const { status } = query;
        const place = parseCursor(query.cursor);
        const text = query.searchQuery?.trim();
        const pause = () => timeSlices.next(campaign.brandId);
        if (text) {
          const search = {
            scope: context.scopeOf(campaign.brandId),
            text,
            after: parseSearchCursor(place),
            limit,
            pause,
          };
          const found = await searchContacts(store.read, search, (rows) =>
            findMembers(store.read, campaign.id, status, rows),
          );
          return {
            success: true as const,
            data: found.items.map(toMember),
            nextCursor: toNextCursor(formatSearchCursor(found)),
          };
        }
        const page = await scanInSlices({
          after: place?.[1] ?? null,
          limit,
          pause,
          boundary: (after) => findSliceEnd(store.read, campaign.id, after),
          rows: (after, upTo, limit) => listMembers(store.read, campaign.id, { status, after, upTo, limit }),
          idOf: ({ conversation }) => conversation.id,
        });
        return { success: true as const, data: page.rows.map(toMember), nextCursor: toNextCursor(idCursor(page.next)) };
      },
      {
        params: IdParams,
        query: t.Object({
          cursor: CursorQuery,
          limit: PageLimit,
          status: t.Optional(MemberStatus),
          searchQuery: SearchQuery,
        }),
        response: t.Object({ success: t.Literal(true), data: t.Array(Member), nextCursor: Nullable(t.String()) }),
        detail: {
          access: "user",
          example: { parameters: { id: DEMO_IDS.campaign } },
          summary: "List the contacts of a campaign",
          description: `Lists the contacts in the order they were added, each with the status of the conversation. ${SEARCH_DESCRIPTION}`,
        },
      },
    );
}
