import { Elysia, t } from "elysia";
import type { Tx } from "../../db/store.ts";
import { runIdempotent } from "../../http/middleware/idempotency.ts";
import { DEMO_IDS } from "../../http/openapi/example-ids.ts";
import { requestContext } from "../../http/request-context.ts";
import { invalid } from "../../lib/errors.ts";
import { getBrand } from "../brands/brands.ts";
import { toThousandths } from "../credits/amounts.ts";
import { getBalance } from "../credits/balance.ts";
import { grant } from "../credits/ledger.ts";
import { Balance } from "../credits/model.ts";
import type { Deps } from "../deps.ts";
import { Grant, type PaymentDetails } from "./model.ts";
import { parseCurrency, toMinorUnits } from "./money.ts";
import { createPayment } from "./payments.ts";

function parseFutureTime(tx: Tx, field: string, text: string): number {
  const time = Date.parse(text);
  if (!(time > tx.now)) throw invalid(field, "expected a time in the future");
  return time;
}

function parsePastTime(tx: Tx, field: string, text: string): number {
  const time = Date.parse(text);
  if (!(time <= tx.now)) throw invalid(field, "expected a time that is not in the future");
  return time;
}

/** Records the payment of a grant. */
async function createGrantPayment(
  tx: Tx,
  details: PaymentDetails,
  granted: { brandId: string; kind: "SUBSCRIPTION" | "PURCHASED"; amount: number },
): Promise<void> {
  const currency = parseCurrency("payment.currency", details.currency);
  await createPayment(tx, {
    brandId: granted.brandId,
    type: granted.kind === "SUBSCRIPTION" ? "SUBSCRIPTION" : "CREDIT_PURCHASE",
    status: "SUCCESS",
    amountMinor: toMinorUnits("payment.amount", details.amount, currency),
    currency,
    creditsAdded: granted.amount,
    planName: details.planName?.trim() || null,
    description: details.description?.trim() || null,
    transactionDate: details.paidAt === undefined ? tx.now : parsePastTime(tx, "payment.paidAt", details.paidAt),
  });
}

/** Grants of credits by admins, with or without a payment. */
export function grantRoutes(deps: Deps) {
  return new Elysia({ prefix: "/api/auth/admin", tags: ["Credits"] }).use(requestContext).post(
    "/grant-credits",
    async ({ body, context }) => {
      const { userId } = context.principal;
      const amount = toThousandths("credits", body.credits);
      const answer = await runIdempotent(deps, context, async (tx) => {
        const { id: brandId } = await getBrand(tx, body.brandId);
        const expiresAt = body.expiresAt ? parseFutureTime(tx, "expiresAt", body.expiresAt) : null;
        const { kind = "PURCHASED" } = body;
        await grant(tx, { brandId, amount, kind, expiresAt, reason: body.reason.trim(), actorId: userId });
        if (body.payment) await createGrantPayment(tx, body.payment, { brandId, kind, amount });
        return { success: true as const, balance: await getBalance(tx, brandId) };
      });
      deps.wake();
      return answer;
    },
    {
      body: Grant,
      response: t.Object({ success: t.Literal(true), balance: Balance }),
      detail: {
        access: "admin",
        idempotent: true,
        recentSignIn: "of sessions",
        example: {
          body: {
            brandId: DEMO_IDS.brand,
            credits: 100,
            kind: "PURCHASED",
            reason: "Welcome credits",
          },
        },
        summary: "Grant credits",
        description:
          "Grants credits to a brand, by default of the kind PURCHASED. They expire only if `expiresAt` is given. Campaigns that were paused for lack of credits resume within seconds. `payment` records a payment for them, e.g. a bank transfer. Admins only.",
      },
    },
  );
}
