import { inArray, type SQL, sql } from "drizzle-orm";
import type { ChannelName } from "../channels/channel.ts";
import type { Instant } from "../clock.ts";
import { hold } from "../credits/holds.ts";
import { readWeights } from "../credits/weights.ts";
import { messages } from "../db/schema/messages.ts";
import { SLICE_ROWS, untilNone } from "../db/slices.ts";
import { equalsUnindexed, findByIndex, rowsOf } from "../db/sql.ts";
import type { Tx } from "../db/store.ts";
import { countMoves } from "./counts.ts";
import { NEVER } from "./model.ts";

/** A message to be. */
export interface Draft {
  brandId: string;
  campaignId: string;
  conversationId: string;
  contactId: string;
  stage: number;
  channel: ChannelName;
  scheduledTime: Instant;
  senderId: string | null;
  /** How many units it is expected to cost: 1 for e-mail and voicemail, segments for SMS. */
  units: number;
}

export interface Scheduled {
  /** Ids of the messages that are new. A (conversation, stage) that had one already keeps it. */
  ids: string[];
  /** Those of them that wait because the brand is short of credits. */
  short: Set<string>;
}

/**
 * Writes messages as PENDING and holds their credits at today's price, in one transaction. A message that cannot be paid
 * for is written all the same: nothing accepted is lost. When it is due the gate asks for its credits once more.
 */
export async function schedule(tx: Tx, drafts: readonly Draft[]): Promise<Scheduled> {
  if (drafts.length === 0) return { ids: [], short: new Set() };
  const weights = await readWeights(tx);
  const rows = drafts.map((draft) => ({
    ...draft,
    id: tx.newId(),
    credits: Math.round(draft.units * weights[draft.channel]),
  }));
  const made = new Set((await tx.all<{ id: string }>(insertPending(tx, rows))).map((row) => row.id));
  const added = rows.filter((row) => made.has(row.id));

  const short = await hold(
    tx,
    added.map((row) => ({
      ...row,
      messageId: row.id,
      creditType: row.channel,
      amount: row.credits,
      weight: weights[row.channel],
    })),
  );
  if (short.size > 0) {
    await tx
      .update(messages)
      .set({ errorMessage: "INSUFFICIENT_CREDITS" })
      .where(inArray(messages.id, [...short]));
  }
  await countMoves(
    tx,
    added.map((row) => ({ ...row, from: null, to: "PENDING" as const })),
  );
  return { ids: added.map((row) => row.id), short };
}

function insertPending(tx: Tx, rows: readonly (Draft & { id: string; credits: number })[]): SQL {
  const types = {
    id: "text",
    brandId: "text",
    campaignId: "text",
    conversationId: "text",
    contactId: "text",
    stage: "integer",
    channel: "text",
    scheduledTime: "bigint",
    senderId: "text",
    credits: "bigint",
  } as const;
  const bare = rows.map(({ units: _, ...row }) => row);
  return sql`insert into messages (id, brand_id, campaign_id, conversation_id, contact_id, stage, channel, status, scheduled_time, run_at, sender_id, credits, created_at, fence, attempts)
    select n.id, n."brandId", n."campaignId", n."conversationId", n."contactId", n.stage, n.channel, 'PENDING', n."scheduledTime", n."scheduledTime", n."senderId", n.credits, ${tx.now}, 0, 0
    from ${rowsOf("n", bare, types)} where true
    on conflict (conversation_id, stage) do nothing returning id`;
}

/** The condition under which a message is parked, as the partial index `messages_parked` has it. */
export const PARKED = sql.raw(`status = 'PENDING' and run_at = ${NEVER}`);

/** Makes parked messages due again, a slice at a time: when they were meant to leave, or now. */
async function unpark(tx: Tx, which: SQL): Promise<void> {
  await findByIndex(tx);
  await byParked(tx, which, (rows) =>
    // Not by the condition of the index, through which Postgres would pass over all that was freed before.
    tx.all(sql`update messages set error_message = null,
        run_at = case when scheduled_time > ${tx.now} then scheduled_time else ${tx.now} end
      from ${rowsOf("n", idsOf(rows), { id: "text" })}
      where messages.id = n.id and ${equalsUnindexed("status", "PENDING")} and run_at + 0 = ${NEVER}`),
  );
}

const idsOf = (rows: readonly Parked[]) => rows.map(({ id }) => ({ id }));

/** A message that waits for a person or an event. */
export interface Parked {
  id: string;
  senderId: string | null;
  scheduledTime: Instant;
}

/**
 * Calls `work` with parked messages a slice at a time, in the order they were meant to leave. From where the last slice
 * ended: whatever a slice has freed, Postgres would pass over again in each of the next.
 */
export async function byParked(tx: Tx, which: SQL, work: (rows: readonly Parked[]) => Promise<unknown>): Promise<void> {
  let beyond = sql.empty();
  await untilNone(async () => {
    const rows = await tx.all<Parked>(sql`select id, sender_id as "senderId", scheduled_time as "scheduledTime"
      from messages where ${which} and ${PARKED} ${beyond} order by scheduled_time, id limit ${SLICE_ROWS}`);
    const last = rows.at(-1);
    if (!last) return 0;
    await work(rows);
    beyond = sql`and (scheduled_time, id) > (${Number(last.scheduledTime)}, ${last.id})`;
    return rows.length;
  });
}

/** Lets a conversation go on that was paused. */
export function unparkConversation(tx: Tx, conversationId: string): Promise<void> {
  return unpark(tx, sql`conversation_id = ${conversationId}`);
}

/** Lets a campaign go on that was paused. */
export function unparkCampaign(tx: Tx, campaignId: string): Promise<void> {
  return unpark(tx, sql`campaign_id = ${campaignId}`);
}
