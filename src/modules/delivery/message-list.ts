import { and, asc, eq, gt, inArray, sql } from "drizzle-orm";
import { campaignCredits } from "../../db/schema/credits.ts";
import { messages } from "../../db/schema/messages.ts";
import type { Reader } from "../../db/store.ts";
import { iso, isoOrNull } from "../../lib/clock.ts";
import type { ConversationStatus } from "../conversations/status.ts";
import { toCredits } from "../credits/amounts.ts";
import { getCounts } from "../messages/counts.ts";
import { type MessageStatus, toWireStatus } from "../messages/model.ts";
import type { Message, StageStats, WireStatus } from "./model.ts";

/** The statuses in the database for each of the API. */
export const INTERNAL_STATUSES: Record<WireStatus, MessageStatus[]> = {
  PENDING: ["PENDING", "SENDING", "UNKNOWN"],
  SENT: ["SENT"],
  CANCELLED: ["CANCELLED"],
  FAILED: ["FAILED"],
};

const shown = {
  id: messages.id,
  contactId: messages.contactId,
  stage: messages.stage,
  channel: messages.channel,
  status: messages.status,
  scheduledTime: messages.scheduledTime,
  processedAt: messages.processedAt,
  attempts: messages.attempts,
  credits: messages.credits,
  providerId: messages.providerId,
  errorMessage: messages.errorMessage,
  subject: messages.subject,
  text: messages.text,
};

/** Lists the messages of a campaign in the order they were scheduled, after the one with id `after`. */
export async function listMessages(
  read: Reader,
  campaignId: string,
  options: {
    status: WireStatus | undefined;
    stage: number | undefined;
    channel: Message["channel"] | undefined;
    after: string | null;
    limit: number;
  },
): Promise<Message[]> {
  const { status, stage, channel, after } = options;
  const rows = await read
    .select(shown)
    .from(messages)
    .where(
      and(
        eq(messages.campaignId, campaignId),
        status === undefined ? undefined : inArray(messages.status, INTERNAL_STATUSES[status]),
        stage === undefined ? undefined : eq(messages.stage, stage),
        channel === undefined ? undefined : eq(messages.channel, channel),
        after === null ? undefined : gt(messages.id, after),
      ),
    )
    .orderBy(asc(messages.id))
    .limit(options.limit);
  return rows.map((row) => ({
    ...row,
    status: toWireStatus(row.status),
    scheduledTime: iso(row.scheduledTime),
    processedAt: isoOrNull(row.processedAt),
    credits: toCredits(row.credits),
  }));
}

const NONE = { queued: 0, sent: 0, cancelled: 0, failed: 0, unknown: 0, replied: 0, optedOut: 0, bounced: 0 };
type Figure = keyof typeof NONE;

const FIGURE_BY_STATUS: Record<MessageStatus, Figure> = {
  PENDING: "queued",
  SENDING: "queued",
  SENT: "sent",
  CANCELLED: "cancelled",
  FAILED: "failed",
  UNKNOWN: "unknown",
};
const FIGURE_BY_ENDING: Partial<Record<ConversationStatus, Figure>> = {
  REPLIED: "replied",
  OPTED_OUT: "optedOut",
  BOUNCED: "bounced",
};
const NO_CONTACTS: Record<ConversationStatus, number> = {
  QUEUED: 0,
  ACTIVE: 0,
  PAUSED: 0,
  REPLIED: 0,
  COMPLETED: 0,
  BOUNCED: 0,
  OPTED_OUT: 0,
  FAILED: 0,
  REMOVED: 0,
};

/**
 * Counts the messages of a campaign by status, for each stage and in total, and its contacts by status. A reply counts for the
 * stage that was sent last before it; one that came before anything was sent counts in the total only.
 */
export async function getStats(read: Reader, campaignId: string) {
  const stages = new Map<number, StageStats>();
  const total = { ...NONE };
  const contacts = { ...NO_CONTACTS };
  const add = (stage: number | null, figure: Figure, count: number) => {
    total[figure] += count;
    if (stage === null) return;
    const row = stages.get(stage) ?? { stage, ...NONE };
    row[figure] += count;
    stages.set(stage, row);
  };
  for (const { stage, status, count } of await getCounts(read, campaignId)) add(stage, FIGURE_BY_STATUS[status], count);
  for (const { stage, status, count } of await countConversations(read, campaignId)) {
    contacts[status] += Number(count);
    const figure = FIGURE_BY_ENDING[status];
    if (figure) add(stage, figure, Number(count));
  }
  const { creditReserved, creditUsed } = await getCampaignCredits(read, campaignId);
  return {
    stages: [...stages.values()].sort((a, b) => a.stage - b.stage),
    total: { ...total, creditReserved, creditUsed },
    contacts,
  };
}

/** Counts conversations by status, and those that a reply, an opt-out or a bounce ended by the stage after which it came. */
function countConversations(read: Reader, campaignId: string) {
  return read.all<{ status: ConversationStatus; stage: number | null; count: unknown }>(sql`
    select v.status, case when v.status in ('REPLIED', 'OPTED_OUT', 'BOUNCED') then (select max(m.stage) from messages m
      where m.conversation_id = v.id and m.status in ('SENT', 'FAILED')) end as stage, count(*) as count
    from conversations v where v.campaign_id = ${campaignId} group by 1, 2`);
}

/** Returns the held, used and released credits of a campaign's messages. */
export async function getCampaignCredits(read: Reader, campaignId: string) {
  const rows = await read
    .select()
    .from(campaignCredits)
    .where(eq(campaignCredits.campaignId, campaignId))
    .orderBy(asc(campaignCredits.creditType));
  const sum = (balance: "reserved" | "used" | "released") =>
    toCredits(rows.reduce((total, row) => total + row[balance], 0));
  return {
    creditReserved: sum("reserved"),
    creditUsed: sum("used"),
    creditReleased: sum("released"),
    byType: rows.map(({ creditType, reserved, used, released }) => ({
      creditType,
      creditReserved: toCredits(reserved),
      creditUsed: toCredits(used),
      creditReleased: toCredits(released),
    })),
  };
}
