import { type SQL, sql } from "drizzle-orm";
import { forEachPage, forEachSlice, SCAN_ROWS, yieldToEventLoop } from "../../db/slices.ts";
import { equalsUnindexed, forceIndexScans, indexedBy, valuesTable } from "../../db/sql.ts";
import type { Tx } from "../../db/store.ts";
import type { Instant } from "../../lib/clock.ts";
import { reassignConversations } from "../conversations/status.ts";
import { reschedule, SENDER_WAITS } from "./reschedule.ts";

/** Pending, and no mailbox of its own brand carries it: its mailbox is gone or another brand's, or it never had one. */
const UNASSIGNED = sql`${equalsUnindexed("m.status", "PENDING")} and m.channel = 'EMAIL'
  and not exists (select 1 from email_accounts own where own.id = m.sender_id and own.brand_id = m.brand_id)`;

/**
 * Assigns those of these messages that are unassigned to mailboxes of their campaign that belong to their brand and are
 * switched on, in rotation. Their conversations get the same mailbox, so that the next stages leave from it too. Where there
 * is no such mailbox nothing changes. `offset` is the place in the rotation of the first. Returns the ids of those assigned.
 */
async function assign(tx: Tx, messages: readonly { id: string }[], offset: number): Promise<string[]> {
  const ids = messages.map(({ id }) => ({ id }));
  const chosen = await tx.all<{ id: string; conversationId: string; senderId: string }>(sql`
    with unassigned as (
      select m.id, m.campaign_id, m.conversation_id,
        row_number() over (partition by m.campaign_id order by m.id) + ${offset} as number
      from ${valuesTable("n", ids, { id: "text" })} cross join messages m where m.id = n.id and ${UNASSIGNED}
    ), mailboxes as (
      select s.campaign_id, s.sender_id, row_number() over (partition by s.campaign_id order by s.sender_id) - 1 as place,
        count(*) over (partition by s.campaign_id) as count
      from campaign_senders s join campaigns c on c.id = s.campaign_id join email_accounts e on e.id = s.sender_id
      where e.brand_id = c.brand_id and e.is_active and e.proved_at is not null
        and s.campaign_id in (select campaign_id from unassigned)
    )
    select u.id, u.conversation_id as "conversationId", b.sender_id as "senderId"
    from unassigned u join mailboxes b on b.campaign_id = u.campaign_id and b.place = u.number % b.count`);
  const assigned = await reschedule(tx, "reassign", chosen);
  const conversations = chosen.flatMap(({ id, conversationId, senderId }) =>
    assigned.has(id) ? [{ id: conversationId, senderId }] : [],
  );
  await reassignConversations(tx, conversations);
  return [...assigned];
}

/** Starts a rotation at a random place: else all messages that come one at a time would get the same mailbox. */
const randomOffset = (tx: Tx) => Number.parseInt(tx.newId().slice(-6), 16);

/** Assigns mailboxes to those of these messages that are unassigned. Returns the ids of those that have one now. */
export async function reassignMessages(tx: Tx, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = ids.map((id) => ({ id }));
  return new Set(await assign(tx, rows, randomOffset(tx)));
}

/** Assigns mailboxes to the unassigned messages of a campaign whose mailboxes have changed, a slice at a time. */
export async function reassignCampaign(tx: Tx, campaignId: string): Promise<void> {
  let offset = randomOffset(tx);
  await forceIndexScans(tx);
  const page = (after: string) =>
    tx.all<{ id: string }>(sql`select m.id from messages m where m.campaign_id = ${campaignId} and m.id > ${after}
      order by m.id limit ${SCAN_ROWS}`);
  await forEachPage(page, (rows) =>
    forEachSlice(rows, async (slice) => {
      offset += (await assign(tx, slice, offset)).length;
    }),
  );
}

interface PendingRow {
  id: string;
  runAt: Instant;
  matches: unknown;
}

/**
 * Calls `work` with the pending messages that `which`, a condition on `messages m`, holds for, a slice at a time. Reads the
 * index of what is pending in its order: there is none by mailbox, since mailboxes rarely move and every send would pay for it.
 */
async function forEachPending(
  tx: Tx,
  which: SQL,
  work: (ids: readonly { id: string }[]) => Promise<unknown>,
): Promise<void> {
  for (let after: Pick<PendingRow, "id" | "runAt"> | null = null; ; ) {
    const beyond: SQL = after === null ? sql.empty() : sql`and (m.run_at, m.id) > (${after.runAt}, ${after.id})`;
    const page: PendingRow[] = await tx.all(sql`select m.id, m.run_at as "runAt",
        case when ${which} then 1 else 0 end as matches from messages m ${indexedBy("messages_due")}
      where m.status = 'PENDING' ${beyond} order by m.run_at, m.id limit ${SCAN_ROWS}`);
    const last = page.at(-1);
    if (!last) return;
    after = { id: last.id, runAt: Number(last.runAt) };
    const matching = page.filter(({ matches }) => Number(matches) === 1).map(({ id }) => ({ id }));
    await forEachSlice(matching, work);
    await yieldToEventLoop();
  }
}

/**
 * Makes messages due again that waited for a mailbox that was switched off, paused, unproved or not connected, and works
 * now.
 */
export function releaseWaitingMessages(tx: Tx, senderId: string): Promise<void> {
  const waits = sql`m.sender_id = ${senderId}
    and m.error_message in ('SENDER_INACTIVE', 'SENDER_PAUSED', 'SENDER_DISCONNECTED', 'SENDER_UNPROVED')`;
  return forEachPending(tx, waits, (ids) => reschedule(tx, "recheck", ids));
}

/**
 * Reassigns the pending messages of mailboxes that have just been given to a brand, and the messages that waited for them.
 * Messages that stay without a mailbox get that as their reason to wait.
 */
export async function reassignAfterMove(tx: Tx, senderIds: readonly string[], brandId: string): Promise<void> {
  const moved = senderIds.map((id) => ({ id }));
  const these = sql`(select n.id from ${valuesTable("n", moved, { id: "text" })})`;
  const waits = sql`m.error_message in ${SENDER_WAITS}`;
  let offset = randomOffset(tx);
  await forceIndexScans(tx);
  await forEachPending(tx, sql`m.sender_id in ${these}`, async (ids) => {
    offset += (await assign(tx, ids, offset)).length;
  });
  await forEachPending(
    tx,
    sql`m.sender_id in ${these} and m.brand_id <> ${brandId} and (m.error_message is null or ${waits})`,
    (ids) =>
      reschedule(
        tx,
        "postpone",
        ids.map(({ id }) => ({ id, reason: "SENDER_REASSIGNED" })),
      ),
  );
  await forEachPending(tx, sql`m.sender_id in ${these} and m.brand_id = ${brandId} and ${waits}`, (ids) =>
    reschedule(tx, "recheck", ids),
  );
  const campaigns = await tx.all<{ id: string }>(sql`select distinct s.campaign_id as id from campaign_senders s
    join campaigns c on c.id = s.campaign_id where s.sender_id in ${these} and c.brand_id = ${brandId} order by 1`);
  for (const { id } of campaigns) await reassignCampaign(tx, id);
}
