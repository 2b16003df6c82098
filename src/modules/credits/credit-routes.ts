import { Elysia, t } from "elysia";
import { getBrand } from "../brands/brands.ts";
import { brandOf } from "../db/tenant-scope.ts";
import type { Deps } from "../deps.ts";
import { EXEMPLARS } from "../exemplars.ts";
import { invalid } from "../fault.ts";
import { cutPage, type Place, readCursor } from "../http/cursor.ts";
import { Id, Nullable } from "../http/model.ts";
import { requestContext } from "../http/request-context.ts";
import { Balance, Entry, LedgerQuery, LowBalance } from "./model.ts";
import { balanceOf, listEntries, lowBalance, toEntry } from "./statement.ts";

function parseTime(field: string, text: string): number {
  const time = Date.parse(text);
  if (!Number.isFinite(time)) throw invalid(field, "expected a time such as 2026-11-23T09:00:00Z");
  return time;
}

/** Returns the entry number of a cursor. */
function parseSeq(place: Place | null): number | null {
  if (place === null) return null;
  if (typeof place[0] !== "number" || !Number.isSafeInteger(place[0]))
    throw invalid("cursor", "expected the nextCursor of an earlier page");
  return place[0];
}

/** Routes of a brand's balances and ledger. */
export function creditRoutes({ store, clock }: Deps) {
  return new Elysia({ prefix: "/api/credits", tags: ["Credits"] })
    .use(requestContext)
    .get(
      "/",
      async ({ query, context }) => {
        const { id } = await getBrand(store.read, brandOf(context.principal, query.brandId));
        return {
          success: true as const,
          balance: await balanceOf(store.read, id),
          lowBalance: await lowBalance(store.read, clock.now(), id),
        };
      },
      {
        query: t.Object({ brandId: t.Optional(Id) }),
        response: t.Object({ success: t.Literal(true), balance: Balance, lowBalance: LowBalance }),
        detail: {
          access: "user",
          example: { parameters: { brandId: EXEMPLARS.brand } },
          summary: "Get the credits",
          description:
            "Returns the brand's balances, and a warning when its credits will not last a week. Admins pass `brandId`.",
        },
      },
    )
    .get(
      "/ledger",
      async ({ query, context }) => {
        const { limit = 20, kind, campaignId, messageId } = query;
        const { id } = await getBrand(store.read, brandOf(context.principal, query.brandId));
        const before = parseSeq(readCursor(query.cursor));
        const rows = await listEntries(store.read, id, {
          kind,
          campaignId,
          messageId,
          from: query.from === undefined ? undefined : parseTime("from", query.from),
          to: query.to === undefined ? undefined : parseTime("to", query.to),
          before,
          limit: limit + 1,
        });
        const page = cutPage(rows, limit, (row) => [row.seq, row.id]);
        return { success: true as const, data: page.data.map(toEntry), nextCursor: page.nextCursor };
      },
      {
        query: LedgerQuery,
        response: t.Object({ success: t.Literal(true), data: t.Array(Entry), nextCursor: Nullable(t.String()) }),
        detail: {
          access: "user",
          example: { parameters: { brandId: EXEMPLARS.brand } },
          summary: "List ledger entries",
          description:
            "Lists the movements of the brand's credits, newest first. Filters: kind, campaign, message and time (`from` inclusive, `to` exclusive). Admins pass `brandId`.",
        },
      },
    );
}
