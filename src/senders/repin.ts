import { type SQL, sql } from "drizzle-orm";
import type { Instant } from "../clock.ts";
import { byPages, inSlices, SCAN_ROWS, yieldToEventLoop } from "../db/slices.ts";
import { equalsUnindexed, findByIndex, indexedBy, rowsOf } from "../db/sql.ts";
import type { Tx } from "../db/store.ts";

/** What a message waits for because of its mailbox: with another one it waits no longer. */
const SENDER_WAITS = sql.raw(
  "('NO_SENDER', 'SENDER_REASSIGNED', 'SENDER_INACTIVE', 'SENDER_PAUSED', 'SENDER_DISCONNECTED', 'SENDER_UNPROVED', 'DAILY_CAP')",
);

/** Due when it was meant to leave, or now. */
const ON_TIME = (tx: Tx) => sql`case when scheduled_time > ${tx.now} then scheduled_time else ${tx.now} end`;

/** Nobody of its own brand carries it: its mailbox is gone or another brand's, or it never had one. */
const STRANDED = sql`${equalsUnindexed("m.status", "PENDING")} and m.channel = 'EMAIL'
  and not exists (select 1 from email_accounts own where own.id = m.sender_id and own.brand_id = m.brand_id)`;

interface Stranded {
  id: string;
  runAt: Instant;
}

/** Where a walk through messages stands. */
type Place = Pick<Stranded, "id" | "runAt"> | null;

/**
 * Gives stranded messages another mailbox: one of their campaign's, of their own brand, switched on, dealt out evenly. Their
 * conversations go with them, so that what follows leaves from the same one. Where there is none, nothing changes.
 * `turn` is the place in the deal of the first. Returns the ids of those that have a mailbox now.
 */
async function deal(tx: Tx, messages: readonly { id: string }[], turn: number): Promise<string[]> {
  const rows = messages.map(({ id }) => ({ id }));
  const dealt = await tx.all<{ id: string; conversation_id: string; sender_id: string }>(sql`
    with stranded as (
      select m.id, m.campaign_id, row_number() over (partition by m.campaign_id order by m.id) + ${turn} as turn
      from ${rowsOf("n", rows, { id: "text" })} cross join messages m where m.id = n.id and ${STRANDED}
    ), boxes as (
      select s.campaign_id, s.sender_id, row_number() over (partition by s.campaign_id order by s.sender_id) - 1 as place,
        count(*) over (partition by s.campaign_id) as count
      from campaign_senders s join campaigns c on c.id = s.campaign_id join email_accounts e on e.id = s.sender_id
      where e.brand_id = c.brand_id and e.is_active and e.proved_at is not null and s.campaign_id in (select campaign_id from stranded)
    )
    update messages set sender_id = boxes.sender_id,
      run_at = case when error_message in ${SENDER_WAITS} then ${ON_TIME(tx)} else run_at end,
      error_message = case when error_message in ${SENDER_WAITS} then null else error_message end
    from stranded join boxes on boxes.campaign_id = stranded.campaign_id and boxes.place = stranded.turn % boxes.count
    where messages.id = stranded.id and ${equalsUnindexed("messages.status", "PENDING")}
    returning messages.id, messages.conversation_id, messages.sender_id`);
  const moved = dealt.map((row) => ({ id: row.conversation_id, sender: row.sender_id }));
  if (moved.length > 0)
    await tx.all(sql`update conversations set sender_id = n.sender
      from ${rowsOf("n", moved, { id: "text", sender: "text" })} where conversations.id = n.id and conversations.sender_id is not null`);
  return dealt.map(({ id }) => id);
}

/** Begins a deal anywhere: else all who come one at a time would get the same mailbox. */
const anyTurn = (tx: Tx) => Number.parseInt(tx.newId().slice(-6), 16);

/** Deals mailboxes to all stranded messages among those that `page` returns, a slice at a time. */
async function repin(tx: Tx, page: (after: string) => Promise<{ id: string }[]>): Promise<void> {
  let turn = anyTurn(tx);
  await findByIndex(tx);
  await byPages(page, (rows) =>
    inSlices(rows, async (slice) => {
      turn += (await deal(tx, slice, turn)).length;
    }),
  );
}

/** Those among these messages that are stranded and for which there is a mailbox. */
export async function repinMessages(tx: Tx, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  return new Set(
    await deal(
      tx,
      ids.map((id) => ({ id })),
      anyTurn(tx),
    ),
  );
}

/**
 * Changes messages that are pending, a slice at a time. Through the index of what is pending, in its order: there is none
 * by sender, since moves are rare and sends are not. `which` is a condition on `messages m`.
 */
async function changePending(tx: Tx, which: SQL, change: (ids: readonly { id: string }[]) => Promise<unknown>) {
  for (let at: Place = null; ; ) {
    const beyond: SQL = at === null ? sql.empty() : sql`and (m.run_at, m.id) > (${at.runAt}, ${at.id})`;
    const page: (Stranded & { found: unknown })[] = await tx.all(sql`select m.id, m.run_at as "runAt",
        case when ${which} then 1 else 0 end as found from messages m ${indexedBy("messages_due")}
      where m.status = 'PENDING' ${beyond} order by m.run_at, m.id limit ${SCAN_ROWS}`);
    const last = page.at(-1);
    if (!last) return;
    at = { id: last.id, runAt: Number(last.runAt) };
    await inSlices(
      page.filter(({ found }) => Number(found) === 1).map(({ id }) => ({ id })),
      change,
    );
    await yieldToEventLoop();
  }
}

/** What waited for a mailbox that was switched off, paused or not connected is looked at again, now that it works. */
export function freeWaiting(tx: Tx, senderId: string): Promise<void> {
  const waits = sql`m.sender_id = ${senderId} and m.error_message in ('SENDER_INACTIVE', 'SENDER_PAUSED', 'SENDER_DISCONNECTED', 'SENDER_UNPROVED')`;
  return changePending(tx, waits, (ids) => setWaiting(tx, ids, null));
}

/** Says of pending messages that they wait for a mailbox, or lets them wait no longer. */
async function setWaiting(tx: Tx, ids: readonly { id: string }[], reason: "SENDER_REASSIGNED" | null): Promise<void> {
  const due = reason === null ? sql`, run_at = ${ON_TIME(tx)}` : sql.empty();
  await tx.all(sql`update messages set error_message = ${reason} ${due}
    where id in (select n.id from ${rowsOf("n", ids, { id: "text" })}) and ${equalsUnindexed("status", "PENDING")}`);
}

/** All of a campaign, whose mailboxes have changed. */
export function repinCampaign(tx: Tx, campaignId: string): Promise<void> {
  return repin(tx, (after) =>
    tx.all(sql`select m.id from messages m where m.campaign_id = ${campaignId} and m.id > ${after}
      order by m.id limit ${SCAN_ROWS}`),
  );
}

/**
 * All that was to leave through mailboxes that have just been given to a brand, and all that waited for their coming. What
 * stays without a mailbox says why it waits.
 */
export async function repinMoved(tx: Tx, senderIds: readonly string[], brandId: string): Promise<void> {
  const moved = senderIds.map((id) => ({ id }));
  const these = sql`(select n.id from ${rowsOf("n", moved, { id: "text" })})`;
  const waits = sql`m.error_message in ${SENDER_WAITS}`;
  let turn = anyTurn(tx);
  await findByIndex(tx);
  await changePending(tx, sql`m.sender_id in ${these}`, async (ids) => {
    turn += (await deal(tx, ids, turn)).length;
  });
  await changePending(
    tx,
    sql`m.sender_id in ${these} and m.brand_id <> ${brandId} and (m.error_message is null or ${waits})`,
    (ids) => setWaiting(tx, ids, "SENDER_REASSIGNED"),
  );
  await changePending(tx, sql`m.sender_id in ${these} and m.brand_id = ${brandId} and ${waits}`, (ids) =>
    setWaiting(tx, ids, null),
  );
  const campaigns = await tx.all<{ id: string }>(sql`select distinct s.campaign_id as id from campaign_senders s
    join campaigns c on c.id = s.campaign_id where s.sender_id in ${these} and c.brand_id = ${brandId} order by 1`);
  for (const { id } of campaigns) await repinCampaign(tx, id);
}
