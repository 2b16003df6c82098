import { and, desc, eq, gte, inArray, lt, type SQL, sql } from "drizzle-orm";
import { type Instant, iso, isoOrNull } from "../clock.ts";
import { brands, contacts } from "../db/schema/brands.ts";
import { campaigns, conversations } from "../db/schema/campaigns.ts";
import { messages } from "../db/schema/messages.ts";
import type { Reader } from "../db/store.ts";
import { wireStatus } from "../messages/model.ts";
import type { FollowUp, WireStatus } from "./model.ts";
import { INSIDE } from "./views.ts";

export interface FollowUpFilter {
  /** 1 leaves the opening messages out. */
  fromStage: 0 | 1;
  status?: WireStatus | undefined;
  /** Null means any (an admin). */
  brandId: string | null;
  campaignId?: string | undefined;
  contactId?: string | undefined;
  /** By scheduled time. */
  from?: Instant | undefined;
  to?: Instant | undefined;
}

export interface Paging {
  page: number;
  limit: number;
}

/** One page of follow-ups, the latest scheduled first, and how many there are in all. */
export async function readFollowUps(read: Reader, filter: FollowUpFilter, { page, limit }: Paging) {
  const total = await countFollowUps(read, filter);
  const offset = (page - 1) * limit;
  // A page beyond the end is empty however large its number: the database need not be told it.
  const items = offset < total ? await pageOf(read, matching(filter), offset, limit) : [];
  return { items, pagination: { limit, page, total, totalPages: Math.ceil(total / limit) } };
}

function matching({ fromStage, status, brandId, campaignId, contactId, from, to }: FollowUpFilter): SQL | undefined {
  return and(
    fromStage === 0 ? undefined : gte(messages.stage, fromStage),
    status === undefined ? undefined : inArray(messages.status, INSIDE[status]),
    brandId === null ? undefined : eq(messages.brandId, brandId),
    campaignId === undefined ? undefined : eq(messages.campaignId, campaignId),
    contactId === undefined ? undefined : eq(messages.contactId, contactId),
    from === undefined ? undefined : gte(messages.scheduledTime, from),
    to === undefined ? undefined : lt(messages.scheduledTime, to),
  );
}

/** Exact. The counters answer wherever they can: counting ten million rows takes a second, and the counters none. */
async function countFollowUps(read: Reader, filter: FollowUpFilter): Promise<number> {
  const { fromStage, status, brandId, campaignId, contactId, from, to } = filter;
  if (contactId !== undefined || from !== undefined || to !== undefined) return read.$count(messages, matching(filter));
  const statuses = status === undefined ? undefined : INSIDE[status];
  const [row] = await read.all<{ total: unknown }>(sql`select coalesce(sum(n.count), 0) as total from message_counts n
    where ${and(
      sql`n.stage >= ${fromStage}`,
      statuses && sql`n.status in ${statuses}`,
      campaignId === undefined ? undefined : sql`n.campaign_id = ${campaignId}`,
      brandId === null ? undefined : sql`n.campaign_id in (select c.id from campaigns c where c.brand_id = ${brandId})`,
    )}`);
  return Number(row?.total ?? 0);
}

async function pageOf(read: Reader, where: SQL | undefined, offset: number, limit: number): Promise<FollowUp[]> {
  // The rows before the page are skipped as bare ids: only those on it are looked up with all that they show.
  const ids = await read
    .select({ id: messages.id })
    .from(messages)
    .where(where)
    .orderBy(desc(messages.scheduledTime), desc(messages.id))
    .limit(limit)
    .offset(offset);
  const rows = await read
    .select({
      message: {
        id: messages.id,
        stage: messages.stage,
        status: messages.status,
        scheduledTime: messages.scheduledTime,
        processedAt: messages.processedAt,
        errorMessage: messages.errorMessage,
      },
      conversation: { id: conversations.id, mode: conversations.mode },
      brand: { id: brands.id, name: brands.name },
      campaign: { id: campaigns.id, name: campaigns.name },
      contact: {
        id: contacts.id,
        email: contacts.email,
        phone: contacts.phone,
        firstName: contacts.firstName,
        lastName: contacts.lastName,
      },
    })
    .from(messages)
    .innerJoin(conversations, eq(conversations.id, messages.conversationId))
    .innerJoin(brands, eq(brands.id, messages.brandId))
    .innerJoin(campaigns, eq(campaigns.id, messages.campaignId))
    .innerJoin(contacts, eq(contacts.id, messages.contactId))
    .where(
      inArray(
        messages.id,
        ids.map(({ id }) => id),
      ),
    )
    .orderBy(desc(messages.scheduledTime), desc(messages.id));
  return rows.map(({ message, conversation, ...named }) => ({
    ...message,
    status: wireStatus(message.status),
    scheduledTime: iso(message.scheduledTime),
    processedAt: isoOrNull(message.processedAt),
    conversation: { ...conversation, ...named },
  }));
}
