import { Elysia, t } from "elysia";
import type { Tx } from "../../../db/store.ts";
import { runIdempotent } from "../../../http/middleware/idempotency.ts";
import { parseOptionalBody } from "../../../http/middleware/request-body.ts";
import { type RequestContext, requestContext } from "../../../http/request-context.ts";
import { invalid } from "../../../lib/errors.ts";
import type { Deps } from "../../deps.ts";
import { toCredits, toThousandths } from "../amounts.ts";
import { type CreditType, EnrichmentWeightChange, LedgerReport, WeightChange, WeightsShape } from "../model.ts";
import { verifyLedger } from "../verify.ts";
import { getWeights, MAX_WEIGHT, updateWeight } from "../weights.ts";

const EmptyBody = t.Optional(t.Object({}));

const weightResult = {
  success: t.Boolean(),
  message: t.String({ examples: ["A unit of EMAIL costs 1.5 credits now"] }),
  weight: t.Number({ examples: [1.5] }),
  previousWeight: t.Number({ examples: [1] }),
};

async function setWeight(tx: Tx, creditType: CreditType, weight: number, context: RequestContext) {
  if (weight > MAX_WEIGHT) throw invalid("weight", `expected at most ${MAX_WEIGHT}`);
  const previous = await updateWeight(tx, creditType, toThousandths("weight", weight), context.principal.userId);
  const message = `A unit of ${creditType} costs ${weight} credits now`;
  return { success: true, message, creditType, weight, previousWeight: toCredits(previous) };
}

/** Registers the admin routes for prices and the verification of the ledger. */
export function creditAdminRoutes(deps: Deps) {
  return new Elysia().use(weightRoutes(deps)).use(verifyRoute(deps));
}

function weightRoutes(deps: Deps) {
  const { store } = deps;
  return new Elysia({ prefix: "/api/auth/admin" })
    .use(requestContext)
    .post(
      "/get-credit-weights",
      async () => {
        const weights = await getWeights(store.read);
        const { EMAIL, SKIPTRACE, SMS, VOICEMAIL } = weights;
        return {
          success: true,
          message: "Credits for one unit: a mail, a segment of an SMS, a voicemail, a look-up",
          weights: {
            EMAIL: toCredits(EMAIL),
            SKIPTRACE: toCredits(SKIPTRACE),
            SMS: toCredits(SMS),
            VOICEMAIL: toCredits(VOICEMAIL),
          },
        };
      },
      {
        body: EmptyBody,
        parse: parseOptionalBody,
        response: t.Object({ success: t.Boolean(), message: t.String(), weights: WeightsShape }),
        detail: {
          access: "admin",
          tags: ["Auth"],
          example: { body: {} },
          summary: "Get Credit Weights",
          description: "Get all credit type weights (Admin only)",
        },
      },
    )
    .post(
      "/update-credit-weight",
      ({ body, context }) => runIdempotent(deps, context, (tx) => setWeight(tx, body.creditType, body.weight, context)),
      {
        body: WeightChange,
        response: t.Object({ ...weightResult, creditType: t.String({ examples: ["EMAIL"] }) }),
        detail: {
          access: "admin",
          idempotent: true,
          tags: ["Auth"],
          example: { body: { creditType: "SMS", weight: 1.5 } },
          summary: "Update Credit Type Weight",
          description:
            "Update credit type weight (Admin only). Open holds keep their price. For SKIPTRACE use `update-enrichment-weight`.",
        },
      },
    )
    .post(
      "/update-enrichment-weight",
      ({ body, context }) =>
        runIdempotent(deps, context, async (tx) => {
          const { creditType: _, ...answer } = await setWeight(tx, "SKIPTRACE", body.weight, context);
          return answer;
        }),
      {
        body: EnrichmentWeightChange,
        response: t.Object(weightResult),
        detail: {
          access: "admin",
          idempotent: true,
          tags: ["Auth"],
          example: { body: { weight: 3 } },
          summary: "Update Enrichment Weight",
          description: "Update enrichment/skiptrace weight (Admin only)",
        },
      },
    );
}

function verifyRoute({ store }: Deps) {
  return new Elysia({ prefix: "/api/auth/admin" }).use(requestContext).post(
    "/verify-ledger",
    async () => {
      const report = await store.snapshot((read) => verifyLedger(read));
      const drifts = report.drifts.map((mismatch) => ({
        ...mismatch,
        expected: toCredits(mismatch.expected),
        found: toCredits(mismatch.found),
      }));
      const faults = report.faults.map(({ difference, ...fault }) => ({
        ...fault,
        difference: difference === null ? null : toCredits(difference),
      }));
      return { success: true as const, ...report, drifts, faults };
    },
    {
      body: EmptyBody,
      parse: parseOptionalBody,
      response: LedgerReport,
      detail: {
        access: "admin",
        limit: "costly",
        tags: ["Credits"],
        example: { body: {} },
        summary: "Verify the ledger",
        description:
          "Compares the sum of all ledger entries with every balance, lot, campaign and hold, and checks the MAC of each row. `drifts` lists the figures that differ, `faults` the rows that were tampered with. Admins only.",
      },
    },
  );
}
