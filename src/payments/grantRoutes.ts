import { Elysia, t } from "elysia";
import { getBrand } from "../brands/brands.ts";
import { toThousandths } from "../credits/amounts.ts";
import { grant } from "../credits/ledger.ts";
import { Balance } from "../credits/model.ts";
import { balanceOf } from "../credits/statement.ts";
import type { Tx } from "../db/store.ts";
import type { Deps } from "../deps.ts";
import { EXEMPLARS } from "../exemplars.ts";
import { invalid } from "../fault.ts";
import { writeOnce } from "../http/idempotency.ts";
import { requestContext } from "../http/request-context.ts";
import { type Booking, Grant } from "./model.ts";
import { readCurrency, toMinor } from "./money.ts";
import { recordPayment } from "./payments.ts";

function futureMoment(tx: Tx, field: string, text: string): number {
  const moment = Date.parse(text);
  if (!(moment > tx.now)) throw invalid(field, "expected a moment in the future");
  return moment;
}

function pastMoment(tx: Tx, field: string, text: string): number {
  const moment = Date.parse(text);
  if (!(moment <= tx.now)) throw invalid(field, "expected a moment that is not in the future");
  return moment;
}

/** Books the money that came for a grant. */
async function book(
  tx: Tx,
  booking: Booking,
  granted: { brandId: string; kind: "SUBSCRIPTION" | "PURCHASED"; amount: number },
): Promise<void> {
  const currency = readCurrency("payment.currency", booking.currency);
  await recordPayment(tx, {
    brandId: granted.brandId,
    type: granted.kind === "SUBSCRIPTION" ? "SUBSCRIPTION" : "CREDIT_PURCHASE",
    status: "SUCCESS",
    amountMinor: toMinor("payment.amount", booking.amount, currency),
    currency,
    creditsAdded: granted.amount,
    planName: booking.planName?.trim() || null,
    description: booking.description?.trim() || null,
    transactionDate: booking.paidAt === undefined ? tx.now : pastMoment(tx, "payment.paidAt", booking.paidAt),
  });
}

/** Credits that an admin gives, with or without money for them. */
export function grantRoutes(deps: Deps) {
  return new Elysia({ prefix: "/api/auth/admin", tags: ["Credits"] }).use(requestContext).post(
    "/grant-credits",
    async ({ body, context }) => {
      const { userId } = context.principal;
      const amount = toThousandths("credits", body.credits);
      const answer = await writeOnce(deps, context, async (tx) => {
        const { id: brandId } = await getBrand(tx, body.brandId);
        const expiresAt = body.expiresAt ? futureMoment(tx, "expiresAt", body.expiresAt) : null;
        const { kind = "PURCHASED" } = body;
        await grant(tx, { brandId, amount, kind, expiresAt, reason: body.reason.trim(), actorId: userId });
        if (body.payment) await book(tx, body.payment, { brandId, kind, amount });
        return { success: true as const, balance: await balanceOf(tx, brandId) };
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
            brandId: EXEMPLARS.brand,
            credits: 100,
            kind: "PURCHASED",
            reason: "Welcome credits",
          },
        },
        summary: "Grant credits",
        description:
          "Gives a brand credits, PURCHASED unless said otherwise, which expire only if `expiresAt` says when. Campaigns that ran out of credits go on within seconds. `payment` books what was paid for them, e.g. by bank transfer. Admins only.",
      },
    },
  );
}
