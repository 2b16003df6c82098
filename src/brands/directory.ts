import { type SQL, sql } from "drizzle-orm";
import { DAY, type Instant } from "../clock.ts";
import { type Bucket, bucketAt } from "../db/buckets.ts";
import type { voicemailAccounts } from "../db/schema/senders.ts";
import { contains } from "../db/search.ts";
import { rowsOf } from "../db/sql.ts";
import type { Reader, Tx } from "../db/store.ts";

// All brands of the platform, for those who look after it: the newest first, by the moment they were created and then by id.

/** A brand and its owner, if it has one. */
export interface Listed {
  id: string;
  name: string;
  ownerId: string | null;
  ownerName: string | null;
  ownerEmail: string | null;
  twilioAccountSid: string | null;
  hasTwilioAuthToken: boolean;
  twillioMessagingServiceSid: string | null;
  createdAt: Instant;
}

export interface DirectoryPage {
  limit: number;
  offset: number;
  /** Looked for in names, the owner's address and the SIDs; empty finds all. */
  search?: string | undefined;
}

/** Keeps the counts of days true. Call it in the transaction that makes or removes a brand. */
export async function countBrand(tx: Tx, createdAt: Instant, change: 1 | -1): Promise<void> {
  await tx.all(sql`insert into brand_days (start, count) values (${createdAt - (createdAt % DAY)}, ${change})
    on conflict (start) do update set count = brand_days.count + excluded.count`);
}

/** One page of brands, and how many there are in all. A page beyond the end is empty. */
export async function listDirectory(
  read: Reader,
  { limit, offset, search = "" }: DirectoryPage,
): Promise<{ rows: Listed[]; total: number }> {
  const wanted = search.trim();
  return wanted === "" ? listAll(read, limit, offset) : listFound(read, matching(wanted), limit, offset);
}

/** However many brands there are: of those before the page, only its own day's are passed over. */
async function listAll(read: Reader, limit: number, offset: number) {
  const days = await read.all<Bucket>(sql`select start, count from brand_days order by start desc`);
  const total = days.reduce((sum, day) => sum + day.count, 0);
  const day = bucketAt(days, offset);
  if (!day) return { rows: [], total };
  const rows = await pageOf(read, sql`b.created_at < ${day.start + DAY}`, limit, offset - day.before);
  return { rows, total };
}

/** A search reads all brands. */
async function listFound(read: Reader, found: SQL, limit: number, offset: number) {
  const [row] = await read.all<{ total: unknown }>(sql`select count(*) as total from ${FROM} where ${found}`);
  const total = Number(row?.total ?? 0);
  // However large the offset: the database need not be told of one beyond the end.
  return { rows: offset < total ? await pageOf(read, found, limit, offset) : [], total };
}

const FROM = sql.raw("brands b left join users u on u.id = b.owner_id");

function matching(text: string): SQL {
  const columns = ["b.name", "u.name", "u.email", "b.twilio_account_sid", "b.twillio_messaging_service_sid"];
  return contains(text, ...columns.map((column) => sql.raw(column)));
}

async function pageOf(read: Reader, where: SQL, limit: number, offset: number): Promise<Listed[]> {
  const rows = await read.all<Omit<Listed, "hasTwilioAuthToken"> & { token: string | null }>(sql`select b.id, b.name,
      u.id as "ownerId", u.name as "ownerName", u.email as "ownerEmail", b.twilio_account_sid as "twilioAccountSid",
      b.twilio_auth_token as token, b.twillio_messaging_service_sid as "twillioMessagingServiceSid", b.created_at as "createdAt"
    from ${FROM} where ${where} order by b.created_at desc, b.id desc limit ${limit} offset ${offset}`);
  return rows.map(({ token, ...row }) => ({ ...row, hasTwilioAuthToken: token !== null }));
}

type Voicemail = Pick<
  typeof voicemailAccounts.$inferSelect,
  "id" | "phoneNumber" | "displayName" | "provider" | "isActive"
>;

/** The voicemail numbers of many brands at once, by brand. */
export async function voicemailsOf(read: Reader, brandIds: readonly string[]): Promise<Map<string, Voicemail[]>> {
  if (brandIds.length === 0) return new Map();
  const ids = brandIds.map((id) => ({ id }));
  const rows = await read.all<Voicemail & { brandId: string }>(sql`select v.id, v.brand_id as "brandId",
      v.phone_number as "phoneNumber", v.display_name as "displayName", v.provider, v.is_active as "isActive"
    from ${rowsOf("n", ids, { id: "text" })} cross join voicemail_accounts v where v.brand_id = n.id order by v.brand_id, v.id`);
  const numbers = new Map<string, Voicemail[]>();
  for (const { brandId, ...row } of rows) {
    // SQLite answers 0 and 1.
    const number = { ...row, isActive: Boolean(row.isActive) };
    const list = numbers.get(brandId);
    if (list) list.push(number);
    else numbers.set(brandId, [number]);
  }
  return numbers;
}
