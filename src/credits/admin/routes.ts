import { Elysia, t } from "elysia";
import { getBrand } from "../../brands/brands.ts";
import { freeze } from "../../db/sql.ts";
import type { Tx } from "../../db/store.ts";
import type { Deps } from "../../deps.ts";
import { invalid } from "../../fault.ts";
import { callerOf } from "../../http/access.ts";
import { optionalBody } from "../../http/optionalBody.ts";
import { storable } from "../../http/storable.ts";
import { toCredits, toThousandths } from "../amounts.ts";
import { grant } from "../ledger.ts";
import {
  Balance,
  type CreditType,
  EnrichmentWeightChange,
  Grant,
  Verdict,
  WeightChange,
  WeightsShape,
} from "../model.ts";
import { balanceOf } from "../statement.ts";
import { verifyLedger } from "../verify.ts";
import { changeWeight, readWeights } from "../weights.ts";

/** The highest price of a unit: far beyond any real one, and far below where sums lose exactness. Credits. */
const HIGHEST_WEIGHT = 1_000_000;

const Nothing = t.Optional(t.Object({}));

const changed = {
  success: t.Boolean(),
  message: t.String({ examples: ["A unit of EMAIL costs 1.5 credits now"] }),
  weight: t.Number({ examples: [1.5] }),
  previousWeight: t.Number({ examples: [1] }),
};

async function setWeight(tx: Tx, creditType: CreditType, weight: number) {
  if (weight > HIGHEST_WEIGHT) throw invalid("weight", `expected at most ${HIGHEST_WEIGHT}`);
  const previous = await changeWeight(tx, creditType, toThousandths("weight", weight));
  const message = `A unit of ${creditType} costs ${weight} credits now`;
  return { success: true, message, creditType, weight, previousWeight: toCredits(previous) };
}

function futureMoment(tx: Tx, field: string, text: string): number {
  const moment = Date.parse(text);
  if (!(moment > tx.now)) throw invalid(field, "expected a moment in the future");
  return moment;
}

/** Prices, gifts and the proof of the books: for admins. */
export function creditAdminRoutes({ store, wake }: Deps) {
  return new Elysia({ prefix: "/api/auth/admin" })
    .use(storable)
    .post(
      "/get-credit-weights",
      async () => {
        const weights = await readWeights(store.read);
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
        body: Nothing,
        parse: optionalBody,
        response: t.Object({ success: t.Boolean(), message: t.String(), weights: WeightsShape }),
        detail: {
          access: "admin",
          tags: ["Auth"],
          summary: "Get Credit Weights",
          description: "Get all credit type weights (Admin only)",
        },
      },
    )
    .post(
      "/update-credit-weight",
      async ({ body }) => store.write((tx) => setWeight(tx, body.creditType, body.weight)),
      {
        body: WeightChange,
        response: t.Object({ ...changed, creditType: t.String({ examples: ["EMAIL"] }) }),
        detail: {
          access: "admin",
          tags: ["Auth"],
          summary: "Update Credit Type Weight",
          description:
            "Update credit type weight (Admin only). Credits that are held keep the price they were held at. SKIPTRACE has a door of its own.",
        },
      },
    )
    .post(
      "/update-enrichment-weight",
      async ({ body }) => {
        const { creditType: _, ...answer } = await store.write((tx) => setWeight(tx, "SKIPTRACE", body.weight));
        return answer;
      },
      {
        body: EnrichmentWeightChange,
        response: t.Object(changed),
        detail: {
          access: "admin",
          tags: ["Auth"],
          summary: "Update Enrichment Weight",
          description: "Update enrichment/skiptrace weight (Admin only)",
        },
      },
    )
    .post(
      "/grant-credits",
      async ({ body, request }) => {
        const { userId } = callerOf(request);
        const amount = toThousandths("credits", body.credits);
        const balance = await store.write(async (tx) => {
          const { id: brandId } = await getBrand(tx, body.brandId);
          const expiresAt = body.expiresAt ? futureMoment(tx, "expiresAt", body.expiresAt) : null;
          const { kind = "PURCHASED" } = body;
          await grant(tx, { brandId, amount, kind, expiresAt, reason: body.reason.trim(), actorId: userId });
          return balanceOf(tx, brandId);
        });
        wake();
        return { success: true as const, balance };
      },
      {
        body: Grant,
        response: t.Object({ success: t.Literal(true), balance: Balance }),
        detail: {
          access: "admin",
          tags: ["Credits"],
          summary: "Grant credits",
          description:
            "Gives a brand credits, PURCHASED unless said otherwise, which expire only if `expiresAt` says when. Campaigns that ran out of credits go on within seconds. Admins only.",
        },
      },
    )
    .post(
      "/verify-ledger",
      async () => {
        const verdict = await store.write(async (tx) => {
          await freeze(tx);
          return verifyLedger(tx);
        });
        const drifts = verdict.drifts.map((drift) => ({
          ...drift,
          expected: toCredits(drift.expected),
          found: toCredits(drift.found),
        }));
        return { success: true as const, ...verdict, drifts };
      },
      {
        body: Nothing,
        parse: optionalBody,
        response: Verdict,
        detail: {
          access: "admin",
          tags: ["Credits"],
          summary: "Prove the books",
          description:
            "Folds every entry of the ledger and holds the result against every balance, lot and hold. `drifts` names each figure that differs, in credits. Admins only.",
        },
      },
    );
}
