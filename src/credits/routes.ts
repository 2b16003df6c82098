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

function momentOf(field: string, text: string): number {
  const moment = Date.parse(text);
  if (!Number.isFinite(moment)) throw invalid(field, "expected a moment such as 2026-11-23T09:00:00Z");
  return moment;
}

/** Returns the number of the entry that a cursor stands before. */
function numberOf(place: Place | null): number | null {
  if (place === null) return null;
  if (typeof place[0] !== "number" || !Number.isSafeInteger(place[0]))
    throw invalid("cursor", "expected the nextCursor of an earlier page");
  return place[0];
}

/** What a brand has to spend, and the books about it. */
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
          description: "The brand's own balance, and a warning when it will not last a week; admins name a `brandId`.",
        },
      },
    )
    .get(
      "/ledger",
      async ({ query, context }) => {
        const { limit = 20, kind, campaignId, messageId } = query;
        const { id } = await getBrand(store.read, brandOf(context.principal, query.brandId));
        const before = numberOf(readCursor(query.cursor));
        const rows = await listEntries(store.read, id, {
          kind,
          campaignId,
          messageId,
          from: query.from === undefined ? undefined : momentOf("from", query.from),
          to: query.to === undefined ? undefined : momentOf("to", query.to),
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
            "Every movement of the brand's credits, newest first, by kind, campaign, message and time (`from` included, `to` not); admins name a `brandId`.",
        },
      },
    );
}
