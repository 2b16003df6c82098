import type { Tx } from "../../db/store.ts";
import { runIdempotent } from "../../http/middleware/idempotency.ts";
import type { RequestContext } from "../../http/request-context.ts";
import type { Deps } from "../deps.ts";
import { type CampaignRow, lockCampaign } from "./campaigns.ts";

/**
 * Runs an idempotent change of a campaign within the scope of the caller, and wakes the engine afterwards. The row of the
 * campaign is locked meanwhile, so that two callers are served one after the other.
 */
export async function mutateCampaign<Answer extends object>(
  deps: Deps,
  context: RequestContext,
  campaignId: string,
  work: (tx: Tx, campaign: CampaignRow) => Promise<Answer>,
): Promise<Answer> {
  const { scope } = context;
  const answer = await runIdempotent(deps, context, async (tx) => work(tx, await lockCampaign(tx, campaignId, scope)));
  deps.wake();
  return answer;
}
