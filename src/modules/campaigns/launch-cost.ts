import { and, asc, eq, gt } from "drizzle-orm";
import { toCredits } from "../credits/amounts.ts";
import { fundsOf } from "../credits/ledger.ts";
import type { CreditType } from "../credits/model.ts";
import { unitsOf } from "../credits/units.ts";
import { readWeights } from "../credits/weights.ts";
import { campaignSteps, type campaigns } from "../db/schema/campaigns.ts";
import { conversations } from "../db/schema/conversations.ts";
import { byPages, SCAN_ROWS } from "../db/slices.ts";
import type { Reader } from "../db/store.ts";
import { Fault } from "../fault.ts";
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
  await byPages(
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
export async function launchCost(read: Reader, campaign: Campaign): Promise<LaunchCost> {
  const steps = await read
    .select()
    .from(campaignSteps)
    .where(eq(campaignSteps.campaignId, campaign.id))
    .orderBy(asc(campaignSteps.stage));
  const [opening] = steps;
  const contacts = await countQueued(read, campaign.id);
  const weights = await readWeights(read);
  const allStages: LaunchCost["allStages"] = {};
  for (const step of steps) {
    const cost = contacts * Math.round(unitsOf(step) * weights[step.channel]);
    allStages[step.channel] = (allStages[step.channel] ?? 0) + cost;
  }
  const needed = opening ? contacts * Math.round(unitsOf(opening) * weights[opening.channel]) : 0;
  return {
    contacts,
    needed,
    creditType: opening?.channel ?? null,
    allStages,
    ...(await fundsOf(read, campaign.brandId)),
  };
}

/** Returns the credits to add before the campaign can be launched, in thousandths. */
function missing({ needed, available, debt }: LaunchCost): number {
  return Math.max(0, needed - available) + debt;
}

export function isShort(cost: LaunchCost): boolean {
  return missing(cost) > 0;
}

/** Converts the cost to credits for the wire. */
export function toCost(cost: LaunchCost): Cost {
  const { contacts, needed, creditType, allStages, available, debt } = cost;
  return {
    contacts,
    creditNeeded: toCredits(needed),
    creditAvailable: toCredits(available),
    creditMissing: toCredits(missing(cost)),
    creditDebt: toCredits(debt),
    byType: creditType === null ? {} : { [creditType]: toCredits(needed) },
    creditsForAllStages: Object.fromEntries(
      Object.entries(allStages).map(([type, credits]) => [type, toCredits(credits)]),
    ),
  };
}

export function shortOf(cost: LaunchCost): Fault {
  const { creditNeeded, creditMissing, creditDebt } = toCost(cost);
  const message =
    cost.debt > 0
      ? `The brand owes ${creditDebt} credits for refunds of credits it had spent; with the ${creditNeeded} that the opening stage needs, ${creditMissing} are missing`
      : `The opening stage needs ${creditNeeded} credits; ${creditMissing} are missing`;
  return new Fault("INSUFFICIENT_CREDITS", message, { facts: { ...toCost(cost) } });
}
