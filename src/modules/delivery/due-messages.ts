import { sql } from "drizzle-orm";
import { indexedBy, skipLocked, valuesTable } from "../../db/sql.ts";
import type { Reader, Tx } from "../../db/store.ts";
import type { ChannelName } from "../../lib/channel-name.ts";
import type { Instant } from "../../lib/clock.ts";
import type { ConversationStatus } from "../conversations/status.ts";

/** The number of messages that may be started now, in total and for each mailbox. */
export interface Capacity {
  /** Messages of all mailboxes together. */
  total: number;
  left(senderId: string): number;
  /** The mailboxes with nothing left. */
  busySenders: readonly string[];
}

/** Messages that one select chooses and locks. */
const CHOSEN_PER_SELECT = 200;

/** A message that is due. */
export interface DueMessage {
  id: string;
  sender_id: string | null;
  run_at: Instant;
}

/**
 * Chooses the messages that have been due longest and whose mailboxes have capacity, and locks them for this transaction;
 * those that another replica has locked are skipped. Reads the index alone. A mailbox with a long queue does not delay the
 * others: each select continues behind the last one and passes over the mailboxes that are full by then.
 */
export async function chooseDue(tx: Tx, capacity: Capacity): Promise<DueMessage[]> {
  const chosen: DueMessage[] = [];
  const taken = new Map<string, number>();
  const busy = new Set(capacity.busySenders);
  let behind = sql.empty();
  while (chosen.length < capacity.total) {
    const limit = Math.min(CHOSEN_PER_SELECT, capacity.total - chosen.length);
    const ids = [...busy].map((id) => ({ id }));
    const idle =
      ids.length === 0
        ? sql.empty()
        : sql`and (m.sender_id is null or m.sender_id not in (select n.id from ${valuesTable("n", ids, { id: "text" })}))`;
    const due =
      await tx.all<DueMessage>(sql`select m.id, m.sender_id, m.run_at from messages m ${indexedBy("messages_due")}
      where m.status = 'PENDING' and m.run_at <= ${tx.now} ${behind} ${idle} order by m.run_at, m.id limit ${limit} ${skipLocked("m")}`);
    for (const message of due) {
      const { sender_id: id } = message;
      if (id !== null) {
        if (busy.has(id)) continue;
        const count = (taken.get(id) ?? 0) + 1;
        taken.set(id, count);
        if (count >= capacity.left(id)) busy.add(id);
      }
      chosen.push(message);
    }
    const last = due.at(-1);
    if (!last || due.length < limit) break;
    behind = sql`and (m.run_at, m.id) > (${last.run_at}, ${last.id})`;
  }
  return chosen;
}

/** A message with its conversation and its contact, as the database returns it. */
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
  conversation_status: ConversationStatus;
  replied_at: Instant | null;
  email: string | null;
  phone: string | null;
  first_name: string | null;
  last_name: string | null;
  company: string | null;
  contact_zone: string | null;
  custom: string | Record<string, string>;
  email_bounced_at: Instant | null;
  /** Number of bans that name the contact. */
  banned: number;
}

const ROW = sql`m.id, m.brand_id, m.campaign_id, m.conversation_id, m.contact_id, m.stage, m.channel, m.run_at, m.scheduled_time,
  m.sender_id, m.fence, m.attempts, m.credits, m.message_key, v.mode, v.status as conversation_status, v.replied_at,
  p.email, p.phone, p.first_name, p.last_name, p.company, p.timezone as contact_zone, p.custom, p.email_bounced_at,
  (select coalesce(sum(h.amount), 0) from credit_holds h where h.message_id = m.id) as held,
  (select count(*) from bans b where b.scope in (m.brand_id, 'platform') and b.email = p.email)
    + (select count(*) from bans b where b.scope in (m.brand_id, 'platform') and b.phone = p.phone) as banned`;

/** Loads the rows of messages that were chosen, the longest due first. */
export function loadDueRows(tx: Tx, chosen: readonly DueMessage[]): Promise<DueRow[]> {
  const ids = chosen.map(({ id }) => ({ id }));
  return tx.all<DueRow>(sql`select ${ROW} from ${valuesTable("n", ids, { id: "text" })} cross join messages m
    cross join conversations v cross join contacts p
    where m.id = n.id and m.status = 'PENDING' and v.id = m.conversation_id and p.id = m.contact_id order by m.run_at, m.id`);
}

/** Finds one message with the same columns, whether due or not. */
export async function findRow(read: Reader, messageId: string): Promise<DueRow | null> {
  const [row] =
    await read.all<DueRow>(sql`select ${ROW} from messages m join conversations v on v.id = m.conversation_id
    join contacts p on p.id = m.contact_id where m.id = ${messageId}`);
  return row ?? null;
}

/** The mails sent before in a conversation, the oldest first: a follow-up goes into the same thread under the same subject. */
export interface Thread {
  keys: string[];
  subject: string | null;
}

/** Loads the threads that the follow-ups among these messages continue, by conversation. */
export async function loadThreads(read: Reader, rows: readonly DueRow[]): Promise<Map<string, Thread>> {
  const followUps = rows
    .filter((row) => row.stage > 0 && row.channel === "EMAIL")
    .map((row) => ({ id: row.conversation_id }));
  const threads = new Map<string, Thread>();
  if (followUps.length === 0) return threads;
  const sent = await read.all<{ conversation_id: string; message_key: string; subject: string | null }>(sql`
    select m.conversation_id, m.message_key, m.subject
    from ${valuesTable("n", followUps, { id: "text" })} cross join messages m where m.conversation_id = n.id
      and m.status in ('SENT', 'UNKNOWN') and m.channel = 'EMAIL' and m.message_key is not null
    order by m.conversation_id, m.stage`);
  for (const { conversation_id, message_key, subject } of sent) {
    const thread = threads.get(conversation_id) ?? { keys: [], subject };
    thread.keys.push(message_key);
    threads.set(conversation_id, thread);
  }
  return threads;
}
