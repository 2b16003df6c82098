import { and, eq, inArray, type SQL, sql } from "drizzle-orm";
import type { ChannelName } from "../channels/channel.ts";
import type { Instant } from "../clock.ts";
import { hold, release } from "../credits/holds.ts";
import { readWeights } from "../credits/weights.ts";
import { contacts } from "../db/schema/brands.ts";
import { messages } from "../db/schema/messages.ts";
import { rowsOf } from "../db/sql.ts";
import type { Tx } from "../db/store.ts";
import { countMoves } from "./counts.ts";
import { type CancelReason, NEVER } from "./model.ts";

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

/** Makes messages due again that waited for a person or an event: when they were meant to leave, or now. */
async function unpark(tx: Tx, which: SQL): Promise<void> {
  const { scheduledTime } = messages;
  await tx
    .update(messages)
    .set({
      runAt: sql`case when ${scheduledTime} > ${tx.now} then ${scheduledTime} else ${tx.now} end`,
      errorMessage: null,
    })
    .where(and(which, eq(messages.status, "PENDING"), eq(messages.runAt, NEVER)));
}

/** Lets a conversation go on that was paused. */
export function unparkConversation(tx: Tx, conversationId: string): Promise<void> {
  return unpark(tx, eq(messages.conversationId, conversationId));
}

/** Lets a campaign go on that was paused. */
export function unparkCampaign(tx: Tx, campaignId: string): Promise<void> {
  return unpark(tx, eq(messages.campaignId, campaignId));
}

/**
 * Cancels what is still to be sent and gives its credits back. A message being sent at this moment cannot be called back;
 * it is marked, and is cancelled if it turns out that it did not leave. Returns how many were cancelled.
 */
async function cancel(tx: Tx, which: SQL | undefined, reason: CancelReason): Promise<number> {
  const cancelled = await tx
    .update(messages)
    .set({ status: "CANCELLED", errorMessage: reason, processedAt: tx.now })
    .where(and(which, eq(messages.status, "PENDING")))
    .returning({
      id: messages.id,
      campaignId: messages.campaignId,
      stage: messages.stage,
      scheduledTime: messages.scheduledTime,
    });
  await tx
    .update(messages)
    .set({ cancelReason: reason })
    .where(and(which, eq(messages.status, "SENDING")));
  await release(
    tx,
    cancelled.map((row) => row.id),
    reason,
  );
  await countMoves(
    tx,
    cancelled.map((row) => ({ ...row, from: "PENDING" as const, to: "CANCELLED" as const })),
  );
  return cancelled.length;
}

/** Cancels all that a conversation still had to send. */
export function cancelConversation(tx: Tx, conversationId: string, reason: CancelReason): Promise<number> {
  return cancel(tx, eq(messages.conversationId, conversationId), reason);
}

/** Cancels all that a campaign still had to send. */
export function cancelCampaign(tx: Tx, campaignId: string, reason: CancelReason): Promise<number> {
  return cancel(tx, eq(messages.campaignId, campaignId), reason);
}

/** Cancels all that anybody (or one brand) still had to send to a person, whom an e-mail address or a phone number names. */
export function cancelPerson(
  tx: Tx,
  person: { email: string | null; phone: string | null; brandId: string | null },
  reason: CancelReason,
): Promise<number> {
  const named = [
    person.email ? eq(contacts.email, person.email) : undefined,
    person.phone ? eq(contacts.phone, person.phone) : undefined,
  ].filter((part) => part !== undefined);
  const someone = tx
    .select({ id: sql`v.id` })
    .from(contacts)
    .innerJoin(sql`conversations v`, sql`v.contact_id = ${contacts.id}`)
    .where(
      and(sql`(${sql.join(named, sql` or `)})`, person.brandId ? eq(contacts.brandId, person.brandId) : undefined),
    );
  return cancel(tx, inArray(messages.conversationId, someone), reason);
}
