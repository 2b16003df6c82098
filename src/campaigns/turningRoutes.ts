import type { Tx } from "../db/store.ts";
import type { Deps } from "../deps.ts";
import { writeOnce } from "../http/idempotency.ts";
import type { RequestContext } from "../http/request-context.ts";
import { type CampaignRow, holdCampaign } from "./campaigns.ts";

/**
 * Answers a POST that does something with a campaign within the caller's scope, and lets the engine see what came of it.
 * The campaign's row is held meanwhile, so that of two callers one comes first.
 */
export async function turn<Answer extends object>(
  deps: Deps,
  context: RequestContext,
  campaignId: string,
  work: (tx: Tx, campaign: CampaignRow) => Promise<Answer>,
): Promise<Answer> {
  const { scope } = context;
  const answer = await writeOnce(deps, context, async (tx) => work(tx, await holdCampaign(tx, campaignId, scope)));
  deps.wake();
  return answer;
}
