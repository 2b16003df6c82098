import { sql } from "drizzle-orm";
import { verifyLedger } from "../credits/verify.ts";
import type { Store } from "../db/store.ts";
import type { MessageStatus } from "../messages/model.ts";
import { tallyDrifts } from "../messages/tallyProof.ts";
import type { World } from "./world.ts";

/** What a run came to, and whether the promises held. The last line of `demo --json` and `simulate --json`. */
export interface Census {
  contacts: number;
  sent: number;
  followUpsSent: number;
  cancelled: number;
  failed: number;
  pending: number;
  unknown: number;
  replies: number;
  bans: number;
  /** Messages that reached somebody more than once. */
  duplicates: number;
  /** Messages that set out after a ban of their addressee had committed. */
  sentAfterBan: number;
  /** Messages that set out after an answer in their conversation had committed. */
  sentAfterReply: number;
  /** Messages that reached somebody, of which the books know nothing. */
  lost: number;
  /** Messages that left through another brand's mailbox. */
  foreignSends: number;
  ledger: "ok" | "drift";
  drifts: string[];
  /** Tallies that lead to pages of lists, and lead astray. */
  tallyDrifts: string[];
}

/** When an address or a conversation fell silent, as a place in the world's order of events. */
export interface Silences {
  /** By `<brand id> <address>`. */
  banned: Map<string, number>;
  /** By conversation. */
  answered: Map<string, number>;
}

interface Row {
  id: string;
  brand_id: string;
  conversation_id: string;
  status: MessageStatus;
  error_message: string | null;
  sender_brand: string | null;
}

/** Holds what the simulated world received against what the database says. */
export async function takeCensus(store: Store, world: World, silences: Silences): Promise<Census> {
  const { read } = store;
  const rows =
    await read.all<Row>(sql`select m.id, m.brand_id, m.conversation_id, m.status, m.error_message, s.brand_id as sender_brand
    from messages m left join email_accounts s on s.id = m.sender_id where m.attempts > 0`);
  const messageOf = new Map(rows.map((row) => [row.id, row]));
  const arrivals = Map.groupBy(world.deliveries, (delivery) => delivery.messageId);

  let duplicates = 0;
  let sentAfterBan = 0;
  let sentAfterReply = 0;
  let lost = 0;
  let foreignSends = 0;
  for (const [messageId, deliveries] of arrivals) {
    duplicates += deliveries.length - 1;
    const row = messageOf.get(messageId);
    // What arrived is SENT, or its outcome is shown as unknown. Anything else has been forgotten.
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
      if (order > (silences.banned.get(`${row.brand_id} ${to}`) ?? Number.POSITIVE_INFINITY)) sentAfterBan++;
      if (order > (silences.answered.get(row.conversation_id) ?? Number.POSITIVE_INFINITY)) sentAfterReply++;
    }
  }
  // The other way round: what the books call SENT did arrive.
  for (const row of rows) if (row.status === "SENT" && !arrivals.has(row.id)) lost++;

  const one = async (query: ReturnType<typeof sql>) => Number((await read.all<{ n: unknown }>(query))[0]?.n ?? 0);
  const inStatus = (status: MessageStatus) =>
    one(sql`select coalesce(sum(count), 0) as n from message_counts where status = ${status}`);
  const [ledger, tallies] = await store.snapshot(async (read) => {
    return [await verifyLedger(read), await tallyDrifts(read)] as const;
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

/** The promises that a run broke, in words; none is what we live for. */
export function brokenPromises(census: Census): string[] {
  const { duplicates, sentAfterBan, sentAfterReply, lost, foreignSends, drifts, tallyDrifts: tallies } = census;
  return [
    ...(duplicates > 0 ? [`${duplicates} messages reached somebody twice`] : []),
    ...(sentAfterBan > 0 ? [`${sentAfterBan} messages set out after a ban`] : []),
    ...(sentAfterReply > 0 ? [`${sentAfterReply} messages set out after an answer`] : []),
    ...(lost > 0 ? [`${lost} messages are not where the books say`] : []),
    ...(foreignSends > 0 ? [`${foreignSends} messages left through another brand's mailbox`] : []),
    ...drifts.map((drift) => `the ledger drifts: ${drift}`),
    ...tallies.map((drift) => `a tally drifts: ${drift}`),
  ];
}
