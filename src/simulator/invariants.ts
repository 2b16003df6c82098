import { sql } from "drizzle-orm";
import type { Store } from "../db/store.ts";
import { verifyLedger } from "../modules/credits/verify.ts";
import type { MessageStatus } from "../modules/messages/model.ts";
import { findTallyMismatches } from "../modules/messages/tally-mismatches.ts";
import type { World } from "./world.ts";

/**
 * Counts the results of a run and each violation of an invariant. Printed as the last line of `demo --json` and `simulate
 * --json`.
 */
export interface InvariantReport {
  contacts: number;
  sent: number;
  followUpsSent: number;
  cancelled: number;
  failed: number;
  pending: number;
  unknown: number;
  replies: number;
  bans: number;
  /** Messages that a recipient received more than once. */
  duplicates: number;
  /** Messages whose sending began after a ban of the recipient was committed. */
  sentAfterBan: number;
  /** Messages whose sending began after a reply in their conversation was committed. */
  sentAfterReply: number;
  /** Messages that were received and are not recorded as sent, and the reverse. */
  lost: number;
  /** Messages sent from the mailbox of another brand. */
  foreignSends: number;
  ledger: "ok" | "drift";
  drifts: string[];
  /** Counters of list pages that differ from the rows. */
  tallyDrifts: string[];
}

/** Positions in the order of events from which on an address or a conversation must receive nothing. */
export interface StopEvents {
  /** Positions by `<brand id> <address>`. */
  banned: Map<string, number>;
  /** Positions by conversation. */
  replied: Map<string, number>;
}

interface Row {
  id: string;
  brand_id: string;
  conversation_id: string;
  status: MessageStatus;
  error_message: string | null;
  sender_brand: string | null;
}

/** Compares the messages that the simulated recipients received with the database. */
export async function checkInvariants(store: Store, world: World, stopEvents: StopEvents): Promise<InvariantReport> {
  const { read } = store;
  const rows =
    await read.all<Row>(sql`select m.id, m.brand_id, m.conversation_id, m.status, m.error_message, s.brand_id as sender_brand
    from messages m left join email_accounts s on s.id = m.sender_id where m.attempts > 0`);
  const rowByMessage = new Map(rows.map((row) => [row.id, row]));
  const arrivals = Map.groupBy(world.deliveries, (delivery) => delivery.messageId);

  let duplicates = 0;
  let sentAfterBan = 0;
  let sentAfterReply = 0;
  let lost = 0;
  let foreignSends = 0;
  for (const [messageId, deliveries] of arrivals) {
    duplicates += deliveries.length - 1;
    const row = rowByMessage.get(messageId);
    // A received message is SENT, or its outcome is shown as unknown. In any other status it is lost.
    if (
      !row ||
      !(
        row.status === "SENT" ||
        row.status === "SENDING" ||
        row.status === "UNKNOWN" ||
        row.error_message === "OUTCOME_UNKNOWN"
      )
    )
      lost++;
    if (!row) continue;
    if (row.sender_brand !== null && row.sender_brand !== row.brand_id) foreignSends++;
    for (const { order, to } of deliveries) {
      if (order > (stopEvents.banned.get(`${row.brand_id} ${to}`) ?? Number.POSITIVE_INFINITY)) sentAfterBan++;
      if (order > (stopEvents.replied.get(row.conversation_id) ?? Number.POSITIVE_INFINITY)) sentAfterReply++;
    }
  }
  // The reverse: a message recorded as SENT was received.
  for (const row of rows) if (row.status === "SENT" && !arrivals.has(row.id)) lost++;

  const one = async (query: ReturnType<typeof sql>) => Number((await read.all<{ n: unknown }>(query))[0]?.n ?? 0);
  const inStatus = (status: MessageStatus) =>
    one(sql`select coalesce(sum(count), 0) as n from message_counts where status = ${status}`);
  const [ledger, tallies] = await store.snapshot(async (read) => {
    return [await verifyLedger(read), await findTallyMismatches(read)] as const;
  });
  return {
    contacts: await one(sql`select count(*) as n from contacts`),
    sent: await inStatus("SENT"),
    followUpsSent: await one(
      sql`select coalesce(sum(count), 0) as n from message_counts where status = 'SENT' and stage > 0`,
    ),
    cancelled: await inStatus("CANCELLED"),
    failed: await inStatus("FAILED"),
    pending: (await inStatus("PENDING")) + (await inStatus("SENDING")),
    unknown: await inStatus("UNKNOWN"),
    replies: await one(sql`select count(*) as n from inbound_messages where intent = 'REPLY'`),
    bans: await one(sql`select count(*) as n from bans`),
    duplicates,
    sentAfterBan,
    sentAfterReply,
    lost,
    foreignSends,
    ledger: ledger.ok ? "ok" : "drift",
    drifts: ledger.drifts.map(
      ({ brandId, what, expected, found }) => `${brandId}: ${what}: expected ${expected}, found ${found}`,
    ),
    tallyDrifts: tallies,
  };
}

/** Describes each violated invariant in one line. */
export function describeViolations(report: InvariantReport): string[] {
  const { duplicates, sentAfterBan, sentAfterReply, lost, foreignSends, drifts, tallyDrifts: tallies } = report;
  return [
    ...(duplicates > 0 ? [`${duplicates} messages were received twice`] : []),
    ...(sentAfterBan > 0 ? [`${sentAfterBan} messages were sent after a ban`] : []),
    ...(sentAfterReply > 0 ? [`${sentAfterReply} messages were sent after a reply`] : []),
    ...(lost > 0 ? [`${lost} messages were received and not recorded, or recorded and not received`] : []),
    ...(foreignSends > 0 ? [`${foreignSends} messages were sent from another brand's mailbox`] : []),
    ...drifts.map((drift) => `ledger: ${drift}`),
    ...tallies.map((drift) => `list counter: ${drift}`),
  ];
}
