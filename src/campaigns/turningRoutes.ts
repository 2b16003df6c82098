import type { Tx } from "../db/store.ts";
import type { Deps } from "../deps.ts";
import { callerOf } from "../http/access.ts";
import { writeOnce } from "../http/idempotency.ts";
import { reachOf } from "../http/reach.ts";
import { type CampaignRow, holdCampaign } from "./campaigns.ts";

/**
 * Answers a POST that does something with a campaign within the caller's reach, and lets the engine see what came of it.
 * The campaign's row is held meanwhile, so that of two callers one comes first.
 */
export async function turn<Answer extends object>(
  deps: Deps,
  request: Request,
  campaignId: string,
  work: (tx: Tx, campaign: CampaignRow) => Promise<Answer>,
): Promise<Answer> {
  const reach = reachOf(callerOf(request));
  const answer = await writeOnce(deps, request, async (tx) => work(tx, await holdCampaign(tx, campaignId, reach)));
  deps.wake();
  return answer;
}
