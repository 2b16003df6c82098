import { inArray, sql } from "drizzle-orm";
import { localDay } from "../calendar/zones.ts";
import { learnPlans, noPlans, type Plans } from "../campaigns/plans.ts";
import type { ChannelName } from "../channels/channel.ts";
import type { Instant } from "../clock.ts";
import { dialect } from "../db/dialect.ts";
import { brands, emailAccounts } from "../db/schema/brands.ts";
import { forUpdate, indexedBy, rowsOf, skipLocked } from "../db/sql.ts";
import type { Reader, Tx } from "../db/store.ts";
import { warmupOf } from "../senders/warmup.ts";

/** A message that may be due, with what only it has: its conversation and its contact. As the database gives it. */
export interface DueRow {
  id: string;
  brand_id: string;
  campaign_id: string;
  conversation_id: string;
  contact_id: string;
  stage: number;
  channel: ChannelName;
  run_at: Instant;
  scheduled_time: Instant;
  sender_id: string | null;
  fence: number;
  attempts: number;
  credits: number;
  held: number;
  message_key: string | null;
  mode: "AUTO" | "MANUAL";
  conversation_status: string;
  replied_at: Instant | null;
  email: string | null;
  phone: string | null;
  first_name: string | null;
  last_name: string | null;
  company: string | null;
  contact_zone: string | null;
  custom: string | Record<string, string>;
  email_bounced_at: Instant | null;
  /** 0 when nobody banned them. */
  banned: number;
}

/** What many messages share: their campaigns, steps, senders and brands, each read once in a transaction. */
export interface Surroundings extends Plans {
  senders: Map<string, Sender>;
  brands: Map<string, Brand>;
}

export const noSurroundings = (): Surroundings => ({ ...noPlans(), senders: new Map(), brands: new Map() });

export type Brand = typeof brands.$inferSelect;

export type Sender = typeof emailAccounts.$inferSelect & {
  /** The sender's local date at this moment. */
  today: string;
  sendsToday: number;
  /** `sendsToday` as the database had it; the claim adds the difference. */
  sendsBefore: number;
  /** What it may send today: less than its limit while it warms up. */
  cap: number;
  warming: boolean;
};

const ROW = sql`m.id, m.brand_id, m.campaign_id, m.conversation_id, m.contact_id, m.stage, m.channel, m.run_at, m.scheduled_time,
  m.sender_id, m.fence, m.attempts, m.credits, m.message_key, v.mode, v.status as conversation_status, v.replied_at,
  p.email, p.phone, p.first_name, p.last_name, p.company, p.timezone as contact_zone, p.custom, p.email_bounced_at,
  (select coalesce(sum(h.amount), 0) from credit_holds h where h.message_id = m.id) as held,
  (select count(*) from bans b where b.scope in (m.brand_id, 'platform') and b.email = p.email)
    + (select count(*) from bans b where b.scope in (m.brand_id, 'platform') and b.phone = p.phone) as banned`;

const JOINED = sql`join conversations v on v.id = m.conversation_id join contacts p on p.id = m.contact_id`;

/** How many more messages each sender may have on its way. */
export interface Room {
  left(senderId: string): number;
  /** The senders with none left. */
  busy: readonly string[];
}

/** As many in one look: what is looked at is locked, too. */
const LOOK = 200;

/** A message that is due. */
export interface Due {
  id: string;
  sender_id: string | null;
  run_at: Instant;
}

/**
 * The messages due longest whose senders have room, locked for this transaction; those that another replica is working on
 * are left to it. The choice is made on the index alone: a sender with a long queue holds nobody up, since the next look goes
 * on behind the last one and passes it over.
 */
export async function chooseDue(tx: Tx, limit: number, room: Room): Promise<Due[]> {
  const chosen: Due[] = [];
  const taken = new Map<string, number>();
  const busy = new Set(room.busy);
  let behind = sql.empty();
  while (chosen.length < limit) {
    const most = Math.min(LOOK, limit - chosen.length);
    const ids = [...busy].map((id) => ({ id }));
    const idle =
      ids.length === 0
        ? sql.empty()
        : sql`and (m.sender_id is null or m.sender_id not in (select n.id from ${rowsOf("n", ids, { id: "text" })}))`;
    const seen = await tx.all<Due>(sql`select m.id, m.sender_id, m.run_at from messages m ${indexedBy("messages_due")}
      where m.status = 'PENDING' and m.run_at <= ${tx.now} ${behind} ${idle} order by m.run_at, m.id limit ${most} ${skipLocked("m")}`);
    for (const due of seen) {
      const { sender_id: id } = due;
      if (id !== null) {
        if (busy.has(id)) continue;
        const count = (taken.get(id) ?? 0) + 1;
        taken.set(id, count);
        if (count >= room.left(id)) busy.add(id);
      }
      chosen.push(due);
    }
    const last = seen.at(-1);
    if (!last || seen.length < most) break;
    behind = sql`and (m.run_at, m.id) > (${last.run_at}, ${last.id})`;
  }
  return chosen;
}

/** What there is to know of messages that were chosen, the longest due first. */
export function dueRows(tx: Tx, chosen: readonly Due[]): Promise<DueRow[]> {
  const ids = chosen.map(({ id }) => ({ id }));
  return tx.all<DueRow>(sql`select ${ROW} from ${rowsOf("n", ids, { id: "text" })} cross join messages m
    cross join conversations v cross join contacts p
    where m.id = n.id and m.status = 'PENDING' and v.id = m.conversation_id and p.id = m.contact_id order by m.run_at, m.id`);
}

/** One message with the same facts, whether due or not; for explaining it. */
export async function rowOf(read: Reader, messageId: string): Promise<DueRow | null> {
  const [row] = await read.all<DueRow>(sql`select ${ROW} from messages m ${JOINED} where m.id = ${messageId}`);
  return row ?? null;
}

const distinct = <Row>(rows: readonly Row[], key: (row: Row) => string | null) =>
  [...new Set(rows.map(key))].filter((id) => id !== null);

/** Reads what surrounds these messages and is not known yet. */
export async function learnSurroundings(
  read: Reader,
  known: Surroundings,
  rows: readonly DueRow[],
  now: Instant,
): Promise<void> {
  const senderIds = distinct(rows, (row) => row.sender_id).filter((id) => !known.senders.has(id));
  const brandIds = distinct(rows, (row) => row.brand_id).filter((id) => !known.brands.has(id));
  const [senderRows, brandRows] = await Promise.all([
    senderIds.length === 0 ? [] : read.select().from(emailAccounts).where(inArray(emailAccounts.id, senderIds)),
    brandIds.length === 0 ? [] : read.select().from(brands).where(inArray(brands.id, brandIds)),
    learnPlans(
      read,
      known,
      rows.map((row) => row.campaign_id),
    ),
  ]);
  const senders = senderRows.map((row) => {
    const { status, cap } = warmupOf(row, now);
    const warming = status === "WARMING";
    return { ...row, today: localDay(row.timezone, now), sendsToday: 0, sendsBefore: 0, cap, warming };
  });
  await countToday(read, senders);
  for (const sender of senders) known.senders.set(sender.id, sender);
  for (const row of brandRows) known.brands.set(row.id, row);
}

/**
 * Two replicas claiming for one mailbox take turns, so that its daily cap is a cap. A turn locks all the senders it will
 * touch before anything else that two turns share, or each could hold what the other waits for. SQLite has one writer.
 */
export async function lockSenders(tx: Tx, senderIds: Iterable<string>): Promise<void> {
  const ids = [...new Set(senderIds)].map((id) => ({ id }));
  if (dialect === "sqlite" || ids.length === 0) return;
  await tx.all(sql`select s.id from email_accounts s where s.id in (select n.id from ${rowsOf("n", ids, { id: "text" })})
    order by s.id ${forUpdate("s")}`);
}

/**
 * The accounts that pay for these messages, after the senders: each brand's counters are then this turn's alone, whatever
 * it settles and claims first.
 */
export async function lockAccounts(tx: Tx, messageIds: readonly string[]): Promise<void> {
  if (dialect === "sqlite" || messageIds.length === 0) return;
  const ids = messageIds.map((id) => ({ id }));
  await tx.all(sql`select a.brand_id from credit_accounts a where a.brand_id in
    (select m.brand_id from ${rowsOf("n", ids, { id: "text" })} cross join messages m where m.id = n.id)
    order by a.brand_id ${forUpdate("a")}`);
}

async function countToday(read: Reader, senders: Sender[]): Promise<void> {
  if (senders.length === 0) return;
  const days = senders.map(({ id, today }) => ({ id, today }));
  const rows = await read.all<{ sender_id: string; sends: number }>(sql`select d.sender_id, d.sends
    from ${rowsOf("n", days, { id: "text", today: "text" })} cross join sender_days d where d.sender_id = n.id and d.day = n.today`);
  const sends = new Map(rows.map((row) => [row.sender_id, row.sends]));
  for (const sender of senders) sender.sendsToday = sender.sendsBefore = sends.get(sender.id) ?? 0;
}

/** What was sent before in these conversations, oldest first: a follow-up goes into the same thread under the same subject. */
export interface Thread {
  keys: string[];
  subject: string | null;
}

export async function threadsOf(read: Reader, rows: readonly DueRow[]): Promise<Map<string, Thread>> {
  const followUps = rows
    .filter((row) => row.stage > 0 && row.channel === "EMAIL")
    .map((row) => ({ id: row.conversation_id }));
  const threads = new Map<string, Thread>();
  if (followUps.length === 0) return threads;
  const sent = await read.all<{ conversation_id: string; message_key: string; subject: string | null }>(sql`
    select m.conversation_id, m.message_key, m.subject 
    from ${rowsOf("n", followUps, { id: "text" })} cross join messages m where m.conversation_id = n.id and m.status in ('SENT', 'UNKNOWN') and m.channel = 'EMAIL' and m.message_key is not null order by m.conversation_id, m.stage`);
  for (const { conversation_id, message_key, subject } of sent) {
    const thread = threads.get(conversation_id) ?? { keys: [], subject };
    thread.keys.push(message_key);
    threads.set(conversation_id, thread);
  }
  return threads;
}
