import { inArray, type SQL, sql } from "drizzle-orm";
import type { ChannelName } from "../../channels/channel.ts";
import { messages } from "../../db/schema/messages.ts";
import { repeatUntilNone, SLICE_ROWS } from "../../db/slices.ts";
import { forceIndexScans, valuesTable } from "../../db/sql.ts";
import type { Tx } from "../../db/store.ts";
import type { Instant } from "../../lib/clock.ts";
import { hold } from "../credits/holds.ts";
import { getWeights } from "../credits/weights.ts";
import { updateCounts } from "./counts.ts";
import { NEVER } from "./model.ts";
import { reschedule } from "./reschedule.ts";

/** A message to schedule. */
export interface NewMessage {
  brandId: string;
  campaignId: string;
  conversationId: string;
  contactId: string;
  stage: number;
  channel: ChannelName;
  scheduledTime: Instant;
  senderId: string | null;
  /** The units it is expected to cost: 1 for e-mail and voicemail, segments for SMS. */
  units: number;
}

export interface CreatedMessages {
  /** Ids of the new messages. A (conversation, stage) that had one already keeps it. */
  ids: string[];
  /** Number of them that wait because the brand is short of credits. */
  underfunded: Set<string>;
}

/**
 * Creates messages as PENDING and holds their credits at today's price, in one transaction. A message that the brand cannot pay
 * is created all the same, since nothing accepted is lost; when it is due, the claim tries to hold its credits once more.
 */
export async function createMessages(tx: Tx, drafts: readonly NewMessage[]): Promise<CreatedMessages> {
  if (drafts.length === 0) return { ids: [], underfunded: new Set() };
  const weights = await getWeights(tx);
  const rows = drafts.map((draft) => ({
    ...draft,
    id: tx.newId(),
    credits: Math.round(draft.units * weights[draft.channel]),
  }));
  const created = new Set((await tx.all<{ id: string }>(insertPending(tx, rows))).map((row) => row.id));
  const added = rows.filter((row) => created.has(row.id));

  const underfunded = await hold(
    tx,
    added.map((row) => ({
      ...row,
      messageId: row.id,
      creditType: row.channel,
      amount: row.credits,
      weight: weights[row.channel],
    })),
  );
  if (underfunded.size > 0) {
    await tx
      .update(messages)
      .set({ errorMessage: "INSUFFICIENT_CREDITS" })
      .where(inArray(messages.id, [...underfunded]));
  }
  await updateCounts(
    tx,
    added.map((row) => ({ ...row, from: null, to: "PENDING" as const })),
  );
  return { ids: added.map((row) => row.id), underfunded };
}

function insertPending(tx: Tx, rows: readonly (NewMessage & { id: string; credits: number })[]): SQL {
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
  const values = rows.map(({ units: _, ...row }) => row);
  return sql`insert into messages (id, brand_id, campaign_id, conversation_id, contact_id, stage, channel, status, scheduled_time, run_at, sender_id, credits, created_at, fence, attempts)
    select n.id, n."brandId", n."campaignId", n."conversationId", n."contactId", n.stage, n.channel, 'PENDING', n."scheduledTime", n."scheduledTime", n."senderId", n.credits, ${tx.now}, 0, 0
    from ${valuesTable("n", values, types)} where true
    on conflict (conversation_id, stage) do nothing returning id`;
}

/** The condition of a parked message, as the partial index `messages_parked` has it. */
export const PARKED = sql.raw(`status = 'PENDING' and run_at = ${NEVER}`);

/** Makes parked messages due again, a slice at a time: when they were planned, or now. */
async function releasePostponed(tx: Tx, which: SQL): Promise<void> {
  await forceIndexScans(tx);
  await forEachPostponed(tx, which, (rows) =>
    reschedule(
      tx,
      "release",
      rows.map(({ id }) => ({ id })),
    ),
  );
}

/** A message that waits for a person or an event. */
export interface ParkedMessage {
  id: string;
  senderId: string | null;
  scheduledTime: Instant;
}

/**
 * Calls `work` with parked messages a slice at a time, in the order they were planned. Each slice begins where the last one
 * ended: Postgres would pass over the rows that were freed before again in each of the next.
 */
export async function forEachPostponed(
  tx: Tx,
  which: SQL,
  work: (rows: readonly ParkedMessage[]) => Promise<unknown>,
): Promise<void> {
  let beyond = sql.empty();
  await repeatUntilNone(async () => {
    const rows = await tx.all<ParkedMessage>(sql`select id, sender_id as "senderId", scheduled_time as "scheduledTime"
      from messages where ${which} and ${PARKED} ${beyond} order by scheduled_time, id limit ${SLICE_ROWS}`);
    const last = rows.at(-1);
    if (!last) return 0;
    await work(rows);
    beyond = sql`and (scheduled_time, id) > (${Number(last.scheduledTime)}, ${last.id})`;
    return rows.length;
  });
}

/** Makes the parked messages of a resumed conversation due again. */
export function releaseConversationMessages(tx: Tx, conversationId: string): Promise<void> {
  return releasePostponed(tx, sql`conversation_id = ${conversationId}`);
}

/** Makes the parked messages of a resumed campaign due again. */
export function releaseCampaignMessages(tx: Tx, campaignId: string): Promise<void> {
  return releasePostponed(tx, sql`campaign_id = ${campaignId}`);
}
