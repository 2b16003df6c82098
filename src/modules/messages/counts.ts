import { eq, sql } from "drizzle-orm";
import { messageCounts } from "../../db/schema/messages.ts";
import { indexedBy, valuesTable } from "../../db/sql.ts";
import type { Reader, Tx } from "../../db/store.ts";
import { HOUR, type Instant } from "../../lib/clock.ts";
import type { MessageStatus } from "./model.ts";
import { type TallyChange, updateTallies } from "./tallies.ts";

/** A change of status; `from` is null for a new message. */
export interface StatusChange {
  campaignId: string;
  stage: number;
  scheduledTime: Instant;
  from: MessageStatus | null;
  to: MessageStatus;
}

/** Messages of one stage, scheduled in the same hour, that made the same change of status. */
type Group = StatusChange & { count: number };

/** Groups equal changes: a batch makes few different ones, and the counters are computed for each group, not for each message. */
function groupMoves(moves: readonly StatusChange[]): Group[] {
  const groups = new Map<string, Group>();
  for (const move of moves) {
    const { campaignId, stage, scheduledTime, from, to } = move;
    const key = `${campaignId} ${stage} ${from} ${to} ${Math.floor(scheduledTime / HOUR)}`;
    const group = groups.get(key);
    if (group) group.count++;
    else groups.set(key, { ...move, count: 1 });
  }
  return [...groups.values()];
}

/** Updates the counters of each campaign and stage and the tallies of the platform, in the transaction that changed the messages. */
export async function updateCounts(tx: Tx, moves: readonly StatusChange[]): Promise<void> {
  const deltas = new Map<string, { campaignId: string; stage: number; status: string; delta: number }>();
  const add = ({ campaignId, stage }: StatusChange, status: MessageStatus, delta: number) => {
    const key = `${campaignId} ${String(stage).padStart(4, "0")} ${status}`;
    const entry = deltas.get(key) ?? { campaignId, stage, status, delta: 0 };
    entry.delta += delta;
    deltas.set(key, entry);
  };
  const groups = groupMoves(moves);
  for (const group of groups) {
    if (group.from) add(group, group.from, -group.count);
    add(group, group.to, group.count);
  }
  // In one order everywhere, so that two transactions never deadlock.
  const rows = [...deltas].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, row]) => (row.delta === 0 ? [] : [row]));
  if (rows.length === 0) return;
  await tx.all(sql`insert into message_counts (campaign_id, stage, status, count)
    select n."campaignId", n.stage, n.status, n.delta from ${valuesTable("n", rows, { campaignId: "text", stage: "integer", status: "text", delta: "integer" })} where true
    on conflict (campaign_id, stage, status) do update set count = message_counts.count + excluded.count`);
  await updateTallies(
    tx,
    groups.flatMap(({ stage, scheduledTime, from, to, count }): TallyChange[] => [
      ...(from === null ? [] : [{ stage, scheduledTime, status: from, delta: -count }]),
      { stage, scheduledTime, status: to, delta: count },
    ]),
  );
}

export interface StageCount {
  stage: number;
  status: MessageStatus;
  count: number;
}

/** Counts the messages of a campaign by stage and status. */
export async function getCounts(read: Reader, campaignId: string): Promise<StageCount[]> {
  const rows = await read.select().from(messageCounts).where(eq(messageCounts.campaignId, campaignId));
  return rows.map(({ stage, status, count }) => ({ stage, status: status as MessageStatus, count }));
}

/**
 * Counts the messages of the platform by status. It costs the same with any number of campaigns: the tallies have the final
 * statuses and the others together, and of those only what is being sent, or unknown, is counted.
 */
export async function getPlatformCounts(read: Reader): Promise<Record<MessageStatus, number>> {
  const rows = await read.all<{ status: MessageStatus; count: unknown }>(
    sql`select status, sum(count) as count from message_tallies
        where span = 'ALL' and kind in ('OPENING', 'FOLLOW_UP') and start = 0 group by status
      union all select 'SENDING', count(*) from messages ${indexedBy("messages_lease")} where status = 'SENDING'
      union all select 'UNKNOWN', count(*) from messages ${indexedBy("messages_unknown")} where status = 'UNKNOWN'`,
  );
  const counts: Record<MessageStatus, number> = {
    PENDING: 0,
    SENDING: 0,
    SENT: 0,
    CANCELLED: 0,
    FAILED: 0,
    UNKNOWN: 0,
  };
  for (const { status, count } of rows) counts[status] = Number(count);
  // The tallies count these two as pending.
  counts.PENDING -= counts.SENDING + counts.UNKNOWN;
  return counts;
}
