import { eq } from "drizzle-orm";
import { Elysia, t } from "elysia";
import { brands } from "../../db/schema/brands.ts";
import { resolveBrandId } from "../../db/tenant-scope.ts";
import { runIdempotent } from "../../http/middleware/idempotency.ts";
import { DEMO_IDS } from "../../http/openapi/example-ids.ts";
import { requestContext } from "../../http/request-context.ts";
import { Id } from "../../http/schemas.ts";
import { notFound } from "../../lib/errors.ts";
import type { Deps } from "../deps.ts";
import type { Admission } from "./admission.ts";
import { AdminLimits, LimitChange, OwnLimits } from "./model.ts";
import { updateLimits } from "./overrides.ts";
import { reportLimits } from "./report.ts";

const OfBrand = t.Object({ brandId: t.Optional(Id) });

/** Limits of users and brands: shown to their owners, updated by admins. */
export function limitsModule(deps: Deps, { reload }: Pick<Admission, "reload">) {
  const { store } = deps;

  async function ofBrand(brandId: string) {
    const [brand] = await store.read.select({ id: brands.id }).from(brands).where(eq(brands.id, brandId));
    if (!brand) throw notFound("brand", brandId);
    return reportLimits(store.read, brandId);
  }

  return new Elysia({ tags: ["Brands"] })
    .use(requestContext)
    .get(
      "/api/limits",
      async ({ query, context }) => {
        const brandId = resolveBrandId(context.principal, query.brandId);
        const limits = (await ofBrand(brandId)).map(
          ({ default: _, platformValue: __, brandValue: ___, changedBy: ____, changedAt: _____, ...shown }) => shown,
        );
        return { success: true as const, brandId, limits };
      },
      {
        query: OfBrand,
        response: OwnLimits,
        detail: {
          access: "user",
          example: { parameters: { brandId: DEMO_IDS.brand } },
          summary: "Get the limits of a brand",
          description:
            "Returns the limits of the brand, with used and remaining amounts. For rates, the header `RateLimit` of every response has the remaining amount. Admins name the brand.",
        },
      },
    )
    .get(
      "/api/auth/admin/limits",
      async ({ query: { brandId } }) => ({
        success: true as const,
        brandId: brandId ?? null,
        limits: brandId === undefined ? await reportLimits(store.read, null) : await ofBrand(brandId),
      }),
      {
        query: OfBrand,
        response: AdminLimits,
        detail: {
          access: "admin",
          example: { parameters: { brandId: DEMO_IDS.brand } },
          summary: "List limits",
          description:
            "Returns the limits of a brand, or of the platform without `brandId`: effective and default values, the last change, and usage. For admins only.",
        },
      },
    )
    .post(
      "/api/auth/admin/update-limits",
      async ({ body, context }) => {
        const { brandId = null, limits } = body;
        const { userId: changedBy } = context.principal;
        const answer = await runIdempotent(deps, context, async (tx) => {
          await updateLimits(tx, { brandId, limits, changedBy });
          return { success: true as const, brandId, limits: await reportLimits(tx, brandId) };
        });
        await reload();
        return answer;
      },
      {
        body: LimitChange,
        response: AdminLimits,
        detail: {
          access: "admin",
          idempotent: true,
          example: { body: { brandId: DEMO_IDS.brand, limits: { contacts: 3_000_000, mailboxes: null } } },
          summary: "Update limits",
          description:
            "Sets limits of a brand, or of the platform without `brandId`; null restores the default. Existing rows stay. Other processes follow within ten seconds. For admins only.",
        },
      },
    );
}
