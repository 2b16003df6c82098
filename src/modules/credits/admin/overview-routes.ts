import { Elysia, t } from "elysia";
import { parseOptionalBody } from "../../../http/middleware/request-body.ts";
import { requestContext } from "../../../http/request-context.ts";
import type { Deps } from "../../deps.ts";
import { getCreditStats, listBrandCredits } from "../admin-stats.ts";
import { CreditsPage, CreditsQuery, Stats } from "../model.ts";

const formatBrandCount = (count: number) => (count === 1 ? "1 brand" : `${count} brands`);

/** Registers the admin routes for the credits of all brands. */
export function creditOverviewRoutes({ store, clock }: Deps) {
  return new Elysia({ prefix: "/api/auth/admin", tags: ["Auth"] })
    .use(requestContext)
    .post(
      "/all-credits",
      async ({ body }) => {
        const { page = 1, limit = 10 } = body;
        const { credits, total } = await listBrandCredits(store.read, clock.now(), { page, limit });
        const totalPages = Math.ceil(total / limit);
        const pagination = { currentPage: page, limit, totalItems: total, totalPages };
        return { success: true, message: `Credits of ${formatBrandCount(total)}`, credits, pagination };
      },
      {
        body: CreditsQuery,
        response: CreditsPage,
        detail: {
          access: "admin",
          example: { body: { limit: 10, page: 1 } },
          summary: "List All Credits",
          description:
            "Get all brand credits with campaign usage details (Admin only). The newest brands first, those without credits too.",
        },
      },
    )
    .post(
      "/credit-stats",
      async () => {
        const stats = await getCreditStats(store.read, clock.now());
        return { success: true, message: `Credits of ${formatBrandCount(stats.totalBrands)}`, stats };
      },
      {
        body: t.Optional(t.Object({})),
        parse: parseOptionalBody,
        response: Stats,
        detail: {
          access: "admin",
          example: { body: {} },
          summary: "Get Credit Statistics",
          description: "Get global credit statistics across all brands (Admin only)",
        },
      },
    );
}
