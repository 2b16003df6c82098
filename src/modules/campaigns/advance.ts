import { sql } from "drizzle-orm";
import { forUpdate, valuesTable } from "../../db/sql.ts";
import type { Tx } from "../../db/store.ts";
import { resumeFundedCampaigns } from "./resume-after-topup.ts";

const CAMPAIGNS_PER_TRANSACTION = 200;

/** Running, with nothing left to send. */
const FINISHED = sql`campaigns.status = 'RUNNING' and not exists (select 1 from message_counts c
  where c.campaign_id = campaigns.id and c.status in ('PENDING', 'SENDING', 'UNKNOWN') and c.count > 0)`;

/**
 * Advances campaigns whose time or event has come: those without credits resume when their brand can pay again, scheduled ones
 * run once their start has passed, and running ones with nothing left to send are completed, at most a slice of them. Returns
 * how many were completed; call again until there are none.
 */
export async function advanceCampaigns(tx: Tx): Promise<number> {
  await resumeFundedCampaigns(tx);
  await tx.all(
    sql`update campaigns set status = 'RUNNING', updated_at = ${tx.now} where status = 'SCHEDULED' and start_at <= ${tx.now}`,
  );
  // Asked twice: contacts may be joining a campaign until this transaction has locked it.
  const done = await tx.all<{ id: string }>(
    sql`select campaigns.id from campaigns where ${FINISHED} order by campaigns.id limit ${CAMPAIGNS_PER_TRANSACTION} ${forUpdate("campaigns")}`,
  );
  if (done.length === 0) return 0;
  const completed =
    await tx.all(sql`update campaigns set status = 'COMPLETED', completed_at = ${tx.now}, updated_at = ${tx.now}
    where ${FINISHED} and campaigns.id in (select n.id from ${valuesTable("n", done, { id: "text" })}) returning id`);
  return completed.length;
}

/** Pauses campaigns whose brand is short of credits for a message that is due. A top-up resumes them. */
export async function pauseUnfunded(tx: Tx, campaignIds: Iterable<string>): Promise<void> {
  const ids = [...new Set(campaignIds)].map((id) => ({ id }));
  if (ids.length === 0) return;
  await tx.all(sql`update campaigns set status = 'AUTO_PAUSED', status_reason = 'NO_CREDITS', updated_at = ${tx.now}
    where status in ('RUNNING', 'SCHEDULED') and id in (select n.id from ${valuesTable("n", ids, { id: "text" })})`);
}
