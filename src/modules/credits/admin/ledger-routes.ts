import { desc, lt } from "drizzle-orm";
import { Elysia, t } from "elysia";
import { creditWeightChanges } from "../../../db/schema/credits.ts";
import { runIdempotent } from "../../../http/middleware/idempotency.ts";
import { DEMO_IDS } from "../../../http/openapi/example-ids.ts";
import { paginate, parseCursor } from "../../../http/pagination.ts";
import { requestContext } from "../../../http/request-context.ts";
import { iso } from "../../../lib/clock.ts";
import { invalid } from "../../../lib/errors.ts";
import { getBrand } from "../../brands/brands.ts";
import type { Deps } from "../../deps.ts";
import { toCredits, toThousandths } from "../amounts.ts";
import { getBalance } from "../balance.ts";
import { adjust } from "../ledger.ts";
import { Balance } from "../model.ts";
import { previewWeight } from "../weight-preview.ts";
import { MAX_WEIGHT } from "../weights.ts";
import { Adjustment, Preview, WeightChangesPage, WeightChangesQuery, WeightQuestion } from "./model.ts";

/** Registers the admin routes that correct credits and preview price changes. */
export function ledgerRoutes(deps: Deps) {
  return new Elysia().use(adjustmentRoute(deps)).use(weightHistoryRoutes(deps));
}

function adjustmentRoute(deps: Deps) {
  return new Elysia({ prefix: "/api/auth/admin", tags: ["Credits"] }).use(requestContext).post(
    "/adjust-credits",
    async ({ body, context }) => {
      const { userId: actorId } = context.principal;
      const amount = toThousandths("credits", body.credits);
      if (amount === 0) throw invalid("credits", "expected a number other than zero");
      const answer = await runIdempotent(deps, context, async (tx) => {
        const { id: brandId } = await getBrand(tx, body.brandId);
        await adjust(tx, { brandId, amount, reason: body.reason.trim(), actorId });
        return { success: true as const, balance: await getBalance(tx, brandId) };
      });
      deps.wake();
      return answer;
    },
    {
      body: Adjustment,
      response: t.Object({ success: t.Literal(true), balance: Balance }),
      detail: {
        access: "admin",
        idempotent: true,
        recentSignIn: "of sessions",
        example: { body: { brandId: DEMO_IDS.brand, credits: -25, reason: "Sent twice by mistake" } },
        summary: "Correct the credits",
        description:
          "Adds credits, or takes available ones back: 409 with `creditAvailable` when the brand has fewer. The ledger records the admin and the reason. Admins only.",
      },
    },
  );
}

function weightHistoryRoutes({ store }: Deps) {
  return new Elysia({ prefix: "/api/auth/admin", tags: ["Credits"] })
    .use(requestContext)
    .post(
      "/preview-credit-weight",
      async ({ body }) => {
        if (body.weight > MAX_WEIGHT) throw invalid("weight", `expected at most ${MAX_WEIGHT}`);
        const weight = toThousandths("weight", body.weight);
        const preview = await previewWeight(store.read, body.creditType, weight);
        return {
          success: true as const,
          creditType: body.creditType,
          weight: body.weight,
          currentWeight: toCredits(preview.weight),
          openHolds: { count: preview.openHolds, credits: toCredits(preview.held), affected: 0 },
          totalCampaigns: preview.total,
          campaigns: preview.campaigns.map(({ costNow, costThen, ...campaign }) => ({
            ...campaign,
            creditNow: toCredits(costNow),
            creditThen: toCredits(costThen),
          })),
        };
      },
      {
        body: WeightQuestion,
        response: Preview,
        detail: {
          access: "admin",
          limit: "costly",
          example: { body: { creditType: "EMAIL", weight: 1.5 } },
          summary: "Preview a price change",
          description:
            "Lists the newest 100 drafts with the cost of their launch at the current and at the new price. Open holds keep their price. Changes nothing. Admins only.",
        },
      },
    )
    .get(
      "/credit-weight-changes",
      async ({ query }) => {
        const { limit = 20 } = query;
        const before = parseCursor(query.cursor)?.[1];
        const rows = await store.read
          .select()
          .from(creditWeightChanges)
          .where(before === undefined ? undefined : lt(creditWeightChanges.id, before))
          .orderBy(desc(creditWeightChanges.id))
          .limit(limit + 1);
        const page = paginate(rows, limit, (row) => [null, row.id]);
        const data = page.data.map(({ previousWeight, weight, changedAt, ...row }) => ({
          ...row,
          previousWeight: toCredits(previousWeight),
          weight: toCredits(weight),
          changedAt: iso(changedAt),
        }));
        return { success: true as const, data, nextCursor: page.nextCursor };
      },
      {
        query: WeightChangesQuery,
        response: WeightChangesPage,
        detail: {
          access: "admin",
          summary: "List price changes",
          description: "Lists price changes with the admin, the previous and the new price, newest first. Admins only.",
        },
      },
    );
}
