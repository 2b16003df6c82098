import { type SQL, sql } from "drizzle-orm";
import { indexedBy, rowsOf } from "../db/sql.ts";
import type { Tx } from "../db/store.ts";

/** What a message waits for because of its mailbox: with another one it waits no longer. */
const SENDER_WAITS = sql.raw(
  "('NO_SENDER', 'SENDER_REASSIGNED', 'SENDER_INACTIVE', 'SENDER_PAUSED', 'SENDER_DISCONNECTED', 'SENDER_UNPROVED', 'DAILY_CAP')",
);

/** Due when it was meant to leave, or now. */
const ON_TIME = (tx: Tx) => sql`case when scheduled_time > ${tx.now} then scheduled_time else ${tx.now} end`;

/** Nobody of its own brand carries it: its mailbox is gone or another brand's, or it never had one. */
const STRANDED = sql`m.status = 'PENDING' and m.channel = 'EMAIL'
  and not exists (select 1 from email_accounts own where own.id = m.sender_id and own.brand_id = m.brand_id)`;

/** As many conversations in one statement. */
const CHUNK = 5000;

/**
 * Gives stranded messages another mailbox: one of their campaign's, of their own brand, switched on, dealt out evenly. Their
 * conversations go with them, so that what follows leaves from the same one. Where there is none, nothing changes. One
 * statement, however many there are. Returns the ids of those that have a mailbox now.
 */
async function repin(tx: Tx, stranded: SQL): Promise<string[]> {
  // The deal begins anywhere: else all who come one at a time would get the same mailbox.
  const first = Number.parseInt(tx.newId().slice(-6), 16);
  const dealt = await tx.all<{ id: string; conversation_id: string; sender_id: string }>(sql`
    with stranded as (
      select m.id, m.campaign_id, row_number() over (partition by m.campaign_id order by m.id) + ${first} as turn ${stranded} and ${STRANDED}
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
    where messages.id = stranded.id and messages.status = 'PENDING'
    returning messages.id, messages.conversation_id, messages.sender_id`);
  for (let at = 0; at < dealt.length; at += CHUNK) {
    const rows = dealt.slice(at, at + CHUNK).map((row) => ({ id: row.conversation_id, sender: row.sender_id }));
    await tx.all(sql`update conversations set sender_id = n.sender
      from ${rowsOf("n", rows, { id: "text", sender: "text" })} where conversations.id = n.id and conversations.sender_id is not null`);
  }
  return dealt.map(({ id }) => id);
}

/** Those among these messages that are stranded and for which there is a mailbox. */
export async function repinMessages(tx: Tx, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const named = rowsOf(
    "n",
    ids.map((id) => ({ id })),
    { id: "text" },
  );
  return new Set(await repin(tx, sql`from ${named} cross join messages m where m.id = n.id`));
}

/** What waited for a mailbox that was switched off, paused or not connected is looked at again, now that it works. */
export async function freeWaiting(tx: Tx, senderId: string): Promise<void> {
  await tx.all(sql`update messages ${indexedBy("messages_due")} set error_message = null, run_at = ${ON_TIME(tx)}
    where status = 'PENDING' and sender_id = ${senderId}
    and error_message in ('SENDER_INACTIVE', 'SENDER_PAUSED', 'SENDER_DISCONNECTED', 'SENDER_UNPROVED')`);
}

/** All of a campaign, whose mailboxes have changed. */
export async function repinCampaign(tx: Tx, campaignId: string): Promise<void> {
  await repin(tx, sql`from messages m where m.campaign_id = ${campaignId}`);
}

/**
 * All that was to leave through mailboxes that have just been given to a brand, and all that waited for their coming. What
 * stays without a mailbox says why it waits.
 */
export async function repinMoved(tx: Tx, senderIds: readonly string[], brandId: string): Promise<void> {
  const moved = senderIds.map((id) => ({ id }));
  const these = sql`(select n.id from ${rowsOf("n", moved, { id: "text" })})`;
  // Through the index of what is pending: there is none by sender, since moves are rare and sends are not.
  const pinned = sql`messages ${indexedBy("messages_due")}`;
  await repin(tx, sql`from messages m ${indexedBy("messages_due")} where m.sender_id in ${these}`);
  await tx.all(sql`update ${pinned} set error_message = 'SENDER_REASSIGNED'
    where status = 'PENDING' and sender_id in ${these} and brand_id <> ${brandId}
    and (error_message is null or error_message in ${SENDER_WAITS})`);
  await tx.all(sql`update ${pinned} set error_message = null, run_at = ${ON_TIME(tx)}
    where status = 'PENDING' and sender_id in ${these} and brand_id = ${brandId} and error_message in ${SENDER_WAITS}`);
  await repin(
    tx,
    sql`from messages m where m.campaign_id in (select s.campaign_id from campaign_senders s
      join campaigns c on c.id = s.campaign_id where s.sender_id in ${these} and c.brand_id = ${brandId})`,
  );
}
