import { and, asc, eq, gt } from "drizzle-orm";
import { campaignSteps, type campaigns } from "../../db/schema/campaigns.ts";
import { conversations } from "../../db/schema/conversations.ts";
import { forEachPage, SCAN_ROWS } from "../../db/slices.ts";
import type { Reader } from "../../db/store.ts";
import { AppError } from "../../lib/errors.ts";
import { toCredits } from "../credits/amounts.ts";
import { getFunds } from "../credits/ledger.ts";
import type { CreditType } from "../credits/model.ts";
import { countUnits } from "../credits/units.ts";
import { getWeights } from "../credits/weights.ts";
import type { Cost } from "./model.ts";

type Campaign = typeof campaigns.$inferSelect;

/** The cost of a launch, in thousandths of a credit. */
export interface LaunchCost {
  contacts: number;
  /** The cost of the first stage, which is held at launch. */
  needed: number;
  /** Null while the campaign has no steps. */
  creditType: CreditType | null;
  /** The cost of all stages by type, if there are no replies. */
  allStages: Partial<Record<CreditType, number>>;
  available: number;
  /** Refunded credits that were already spent; a launch needs them paid back first. */
  debt: number;
}

/** Counts the contacts without a sent message, page by page: a campaign may have millions. */
async function countQueued(read: Reader, campaignId: string): Promise<number> {
  let queued = 0;
  await forEachPage(
    (after) =>
      read
        .select({ id: conversations.id, status: conversations.status })
        .from(conversations)
        .where(and(eq(conversations.campaignId, campaignId), gt(conversations.id, after)))
        .orderBy(asc(conversations.id))
        .limit(SCAN_ROWS),
    async (rows) => {
      queued += rows.filter(({ status }) => status === "QUEUED").length;
    },
  );
  return queued;
}

/** Computes the cost of a launch at current prices, and the credits to pay it. */
export async function computeLaunchCost(read: Reader, campaign: Campaign): Promise<LaunchCost> {
  const steps = await read
    .select()
    .from(campaignSteps)
    .where(eq(campaignSteps.campaignId, campaign.id))
    .orderBy(asc(campaignSteps.stage));
  const [opening] = steps;
  const contacts = await countQueued(read, campaign.id);
  const weights = await getWeights(read);
  const allStages: LaunchCost["allStages"] = {};
  for (const step of steps) {
    const cost = contacts * Math.round(countUnits(step) * weights[step.channel]);
    allStages[step.channel] = (allStages[step.channel] ?? 0) + cost;
  }
  const needed = opening ? contacts * Math.round(countUnits(opening) * weights[opening.channel]) : 0;
  return {
    contacts,
    needed,
    creditType: opening?.channel ?? null,
    allStages,
    ...(await getFunds(read, campaign.brandId)),
  };
}

/** Returns the credits to add before the campaign can be launched, in thousandths. */
function missingCredits({ needed, available, debt }: LaunchCost): number {
  return Math.max(0, needed - available) + debt;
}

export function isUnderfunded(cost: LaunchCost): boolean {
  return missingCredits(cost) > 0;
}

/** Converts the cost to credits for the wire. */
export function toCost(cost: LaunchCost): Cost {
  const { contacts, needed, creditType, allStages, available, debt } = cost;
  return {
    contacts,
    creditNeeded: toCredits(needed),
    creditAvailable: toCredits(available),
    creditMissing: toCredits(missingCredits(cost)),
    creditDebt: toCredits(debt),
    byType: creditType === null ? {} : { [creditType]: toCredits(needed) },
    creditsForAllStages: Object.fromEntries(
      Object.entries(allStages).map(([type, credits]) => [type, toCredits(credits)]),
    ),
  };
}

export function insufficientCredits(cost: LaunchCost): AppError {
  const { creditNeeded, creditMissing, creditDebt } = toCost(cost);
  const message =
    cost.debt > 0
      ? `The brand owes ${creditDebt} credits for refunds of credits it had spent; with the ${creditNeeded} that the opening stage needs, ${creditMissing} are missing`
      : `The opening stage needs ${creditNeeded} credits; ${creditMissing} are missing`;
  return new AppError("INSUFFICIENT_CREDITS", message, { meta: { ...toCost(cost) } });
}
