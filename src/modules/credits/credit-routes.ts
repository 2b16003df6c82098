import { Elysia, t } from "elysia";
import { resolveBrandId } from "../../db/tenant-scope.ts";
import { DEMO_IDS } from "../../http/openapi/example-ids.ts";
import { type PageCursor, paginate, parseCursor } from "../../http/pagination.ts";
import { requestContext } from "../../http/request-context.ts";
import { Id, Nullable } from "../../http/schemas.ts";
import { invalid } from "../../lib/errors.ts";
import { getBrand } from "../brands/brands.ts";
import type { Deps } from "../deps.ts";
import { getBalance, getLowBalance, listEntries, toEntry } from "./balance.ts";
import { Balance, Entry, LedgerQuery, LowBalance } from "./model.ts";

function parseTime(field: string, text: string): number {
  const time = Date.parse(text);
  if (!Number.isFinite(time)) throw invalid(field, "expected a time such as 2026-11-23T09:00:00Z");
  return time;
}

/** Returns the entry number of a cursor. */
function parseSeq(place: PageCursor | null): number | null {
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
        const { id } = await getBrand(store.read, resolveBrandId(context.principal, query.brandId));
        return {
          success: true as const,
          balance: await getBalance(store.read, id),
          lowBalance: await getLowBalance(store.read, clock.now(), id),
        };
      },
      {
        query: t.Object({ brandId: t.Optional(Id) }),
        response: t.Object({ success: t.Literal(true), balance: Balance, lowBalance: LowBalance }),
        detail: {
          access: "user",
          example: { parameters: { brandId: DEMO_IDS.brand } },
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
        const { id } = await getBrand(store.read, resolveBrandId(context.principal, query.brandId));
        const before = parseSeq(parseCursor(query.cursor));
        const rows = await listEntries(store.read, id, {
          kind,
          campaignId,
          messageId,
          from: query.from === undefined ? undefined : parseTime("from", query.from),
          to: query.to === undefined ? undefined : parseTime("to", query.to),
          before,
          limit: limit + 1,
        });
        const page = paginate(rows, limit, (row) => [row.seq, row.id]);
        return { success: true as const, data: page.data.map(toEntry), nextCursor: page.nextCursor };
      },
      {
        query: LedgerQuery,
        response: t.Object({ success: t.Literal(true), data: t.Array(Entry), nextCursor: Nullable(t.String()) }),
        detail: {
          access: "user",
          example: { parameters: { brandId: DEMO_IDS.brand } },
          summary: "List ledger entries",
          description:
            "Lists the movements of the brand's credits, newest first. Filters: kind, campaign, message and time (`from` inclusive, `to` exclusive). Admins pass `brandId`.",
        },
      },
    );
}
