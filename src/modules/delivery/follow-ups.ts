import { and, type SQL, sql } from "drizzle-orm";
import { indexedBy } from "../../db/sql.ts";
import type { Reader } from "../../db/store.ts";
import { inScope, type TenantScope } from "../../db/tenant-scope.ts";
import { type Instant, iso, isoOrNull } from "../../lib/clock.ts";
import { type MessageStatus, toWireStatus } from "../messages/model.ts";
import { findTimeRange, getTallied, type TalliedList } from "../messages/tallies.ts";
import { INTERNAL_STATUSES } from "./message-list.ts";
import type { FollowUp, WireStatus } from "./model.ts";

export interface FollowUpFilter {
  /** 1 excludes initial messages. */
  fromStage: 0 | 1;
  status?: WireStatus | undefined;
  scope: TenantScope;
  campaignId?: string | undefined;
  contactId?: string | undefined;
  /** Limits by scheduled time: at or after `from`, and before `to`. */
  from?: Instant | undefined;
  to?: Instant | undefined;
}

export interface Paging {
  page: number;
  limit: number;
}

/** Lists one page of follow-ups, the latest scheduled first, with their number. */
export async function listFollowUps(read: Reader, filter: FollowUpFilter, { page, limit }: Paging) {
  const { scope, campaignId, contactId, from, to } = filter;
  const isPlatform = scope.kind === "all" && [campaignId, contactId, from, to].every((value) => value === undefined);
  const total = isPlatform ? await getTallied(read, filter) : await countFollowUps(read, filter);
  const offset = (page - 1) * limit;
  const items =
    // A page beyond the end is empty however large its number: the database is not asked for it.
    offset >= total
      ? []
      : isPlatform
        ? await listPlatformPage(read, filter, offset, Math.min(limit, total - offset))
        : await loadPage(
            read,
            sql`select id from messages where ${toCondition(filter)} ${LATEST_FIRST}`,
            limit,
            offset,
          );
  return { items, pagination: { limit, page, total, totalPages: Math.ceil(total / limit) } };
}

const LATEST_FIRST = sql.raw("order by scheduled_time desc, id desc");

/** Lists a page of all brands' follow-ups. The cost grows neither with its number nor with how many there are. */
async function listPlatformPage(read: Reader, which: TalliedList, offset: number, limit: number): Promise<FollowUp[]> {
  const { fromStage, status } = which;
  // The first page of all follow-ups is the beginning of its index.
  const isTop = offset === 0 && fromStage === 1 && status === undefined;
  const range = isTop ? null : await findTimeRange(read, which, offset, offset + limit - 1);
  if (!isTop && range === null) return [];
  const between = range ? sql`and scheduled_time >= ${range.from} and scheduled_time < ${range.to}` : sql.empty();
  // Literals of ours, not parameters: a partial index is used only where the text shows that it is enough.
  const inStatus = status === undefined ? "" : `and status in ('${INTERNAL_STATUSES[status].join("', '")}')`;
  const part = (index: string, condition: string) =>
    sql`select scheduled_time, id from messages ${indexedBy(index)} where ${sql.raw(`${condition} ${inStatus}`)} ${between}`;
  const rare = status === "CANCELLED" || status === "FAILED" ? status : null;
  const rows = rare
    ? part(`messages_${rare.toLowerCase()}`, `status = '${rare}'${fromStage === 1 ? " and stage > 0" : ""}`)
    : fromStage === 1
      ? part("messages_follow_ups", "stage > 0")
      : sql`${part("messages_follow_ups", "stage > 0")} union all ${part("messages_openings", "stage = 0")}`;
  return loadPage(read, sql`${rows} ${LATEST_FIRST}`, limit, range?.skip ?? 0);
}

function toCondition({ fromStage, status, scope, campaignId, contactId, from, to }: FollowUpFilter): SQL | undefined {
  return and(
    fromStage === 0 ? undefined : sql.raw("stage > 0"),
    status === undefined ? undefined : sql`status in ${INTERNAL_STATUSES[status]}`,
    inScope(scope, sql.raw("brand_id")),
    campaignId === undefined ? undefined : sql`campaign_id = ${campaignId}`,
    contactId === undefined ? undefined : sql`contact_id = ${contactId}`,
    from === undefined ? undefined : sql`scheduled_time >= ${from}`,
    to === undefined ? undefined : sql`scheduled_time < ${to}`,
  );
}

/** Counts exactly, from the counters where they can answer: counting ten million rows takes a second. */
async function countFollowUps(read: Reader, filter: FollowUpFilter): Promise<number> {
  const { fromStage, status, scope, campaignId, contactId, from, to } = filter;
  if (contactId !== undefined || from !== undefined || to !== undefined) {
    const [row] = await read.all<{ total: unknown }>(
      sql`select count(*) as total from messages where ${toCondition(filter)}`,
    );
    return Number(row?.total ?? 0);
  }
  const statuses = status === undefined ? undefined : INTERNAL_STATUSES[status];
  const [row] = await read.all<{ total: unknown }>(sql`select coalesce(sum(n.count), 0) as total from message_counts n
    where ${and(
      sql`n.stage >= ${fromStage}`,
      statuses && sql`n.status in ${statuses}`,
      campaignId === undefined ? undefined : sql`n.campaign_id = ${campaignId}`,
      scope.kind === "all"
        ? undefined
        : sql`n.campaign_id in (select c.id from campaigns c where ${inScope(scope, sql.raw("c.brand_id"))})`,
    )}`);
  return Number(row?.total ?? 0);
}

interface Row {
  id: string;
  stage: number;
  status: MessageStatus;
  scheduledTime: Instant;
  processedAt: Instant | null;
  errorMessage: string | null;
  conversationId: string;
  mode: string;
  brandId: string;
  brandName: string;
  campaignId: string;
  campaignName: string;
  contactId: string;
  email: string | null;
  phone: string | null;
  firstName: string | null;
  lastName: string | null;
}

/** Loads the columns of the rows on a page; those before it are skipped as bare ids. */
async function loadPage(read: Reader, ids: SQL, limit: number, offset: number): Promise<FollowUp[]> {
  const rows = await read.all<Row>(sql`select m.id, m.stage, m.status, m.scheduled_time as "scheduledTime",
      m.processed_at as "processedAt", m.error_message as "errorMessage", v.id as "conversationId", v.mode,
      b.id as "brandId", b.name as "brandName", c.id as "campaignId", c.name as "campaignName", p.id as "contactId",
      p.email, p.phone, p.first_name as "firstName", p.last_name as "lastName"
    from (${ids} limit ${limit} offset ${offset}) k cross join messages m cross join conversations v cross join brands b
      cross join campaigns c cross join contacts p
    where m.id = k.id and v.id = m.conversation_id and b.id = m.brand_id and c.id = m.campaign_id and p.id = m.contact_id
    order by m.scheduled_time desc, m.id desc`);
  return rows.map(toFollowUp);
}

function toFollowUp(row: Row): FollowUp {
  const { id, stage, errorMessage, email, phone, firstName, lastName } = row;
  return {
    id,
    stage,
    status: toWireStatus(row.status),
    scheduledTime: iso(row.scheduledTime),
    processedAt: isoOrNull(row.processedAt),
    errorMessage,
    conversation: {
      id: row.conversationId,
      brand: { id: row.brandId, name: row.brandName },
      campaign: { id: row.campaignId, name: row.campaignName },
      contact: { id: row.contactId, email, phone, firstName, lastName },
      mode: row.mode,
    },
  };
}
