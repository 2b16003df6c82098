import { eq, type SQL, sql } from "drizzle-orm";
import { type Bucket, findBucket } from "../../db/offset-buckets.ts";
import { brands } from "../../db/schema/brands.ts";
import type { voicemailAccounts } from "../../db/schema/senders.ts";
import { contains } from "../../db/search.ts";
import { countInSlices, SCAN_SLICE_ROWS } from "../../db/sliced-scan.ts";
import { yieldToEventLoop } from "../../db/slices.ts";
import { idTable, valuesTable } from "../../db/sql.ts";
import type { Reader, Tx } from "../../db/store.ts";
import { DAY, type Instant } from "../../lib/clock.ts";

// The list of all brands for admins: the newest first, by creation time and then by id.

/** A brand and its owner, if it has one. */
export interface ListedBrand {
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

interface DirectoryPage {
  limit: number;
  offset: number;
  /** Searched in names, the owner's address and the SIDs; empty matches all. */
  search?: string | undefined;
  /** Is awaited before each slice of a search. */
  pause?: () => Promise<void>;
}

/** Updates the count of brands by day. Call it in the transaction that creates or deletes a brand. */
export async function updateBrandCount(tx: Tx, createdAt: Instant, change: 1 | -1): Promise<void> {
  await tx.all(sql`insert into brand_days (start, count) values (${createdAt - (createdAt % DAY)}, ${change})
    on conflict (start) do update set count = brand_days.count + excluded.count`);
}

/** Deletes the row of a brand, after every module has deleted its rows of the brand. */
export async function deleteBrandRow(tx: Tx, id: string): Promise<void> {
  await tx.delete(brands).where(eq(brands.id, id));
}

/** Lists one page of brands, with the total number. A page past the end is empty. */
export async function listDirectory(
  read: Reader,
  { limit, offset, search = "", pause = yieldToEventLoop }: DirectoryPage,
): Promise<{ rows: ListedBrand[]; total: number }> {
  const wanted = search.trim();
  return wanted === ""
    ? listAll(read, limit, offset)
    : listMatching(read, buildSearch(wanted), { limit, offset, pause });
}

/** Uses the counts by day, so that the offset skips only rows of the page's own day, however many brands there are. */
async function listAll(read: Reader, limit: number, offset: number) {
  const days = await read.all<Bucket>(sql`select start, count from brand_days order by start desc`);
  const total = days.reduce((sum, day) => sum + day.count, 0);
  const day = findBucket(days, offset);
  if (!day) return { rows: [], total };
  const rows = await loadPage(read, sql`b.created_at < ${day.start + DAY}`, limit, offset - day.before);
  return { rows, total };
}

/** Searches all brands, a slice at a time. */
async function listMatching(read: Reader, found: SQL, page: Required<Omit<DirectoryPage, "search">>) {
  const { ids, total } = await countInSlices<Position>({
    ...page,
    boundary: async (after) => {
      const [row] = await read.all<Position>(sql`select b.created_at as "createdAt", b.id from brands b
        where ${between(after, null)} ${NEWEST_FIRST} limit 1 offset ${SCAN_SLICE_ROWS - 1}`);
      return row ?? null;
    },
    ids: async (after, upTo) => {
      const rows = await read.all<{ id: string }>(sql`select b.id from brands b
        where ${between(after, upTo)} and ${found} ${NEWEST_FIRST}`);
      return rows.map(({ id }) => id);
    },
  });
  if (ids.length === 0) return { rows: [], total };
  const some = idTable("n", ids);
  return { rows: await loadPage(read, sql`b.id in (select n.id from ${some})`, ids.length, 0), total };
}

/** The sort key of the list. */
type Position = Pick<ListedBrand, "createdAt" | "id">;

const NEWEST_FIRST = sql.raw("order by b.created_at desc, b.id desc");

function between(after: Position | null, upTo: Position | null): SQL {
  const beyond = after ? sql`(b.created_at, b.id) < (${after.createdAt}, ${after.id})` : sql`true`;
  return upTo ? sql`${beyond} and (b.created_at, b.id) >= (${upTo.createdAt}, ${upTo.id})` : beyond;
}

/** Looks the owner up for each brand: with a join Postgres would read all users for a slice of brands. */
function buildSearch(text: string): SQL {
  const inColumns = (...columns: string[]) => contains(text, ...columns.map((column) => sql.raw(column)));
  return sql`(${inColumns("b.name", "b.twilio_account_sid", "b.twillio_messaging_service_sid")}
    or (select ${inColumns("u.name", "u.email")} from users u where u.id = b.owner_id))`;
}

async function loadPage(read: Reader, where: SQL, limit: number, offset: number): Promise<ListedBrand[]> {
  const rows = await read.all<
    Omit<ListedBrand, "hasTwilioAuthToken"> & { token: string | null }
  >(sql`select b.id, b.name,
      u.id as "ownerId", u.name as "ownerName", u.email as "ownerEmail", b.twilio_account_sid as "twilioAccountSid",
      b.twilio_auth_token as token, b.twillio_messaging_service_sid as "twillioMessagingServiceSid", b.created_at as "createdAt"
    from brands b left join users u on u.id = b.owner_id where ${where} ${NEWEST_FIRST} limit ${limit} offset ${offset}`);
  return rows.map(({ token, ...row }) => ({ ...row, hasTwilioAuthToken: token !== null }));
}

type Voicemail = Pick<
  typeof voicemailAccounts.$inferSelect,
  "id" | "phoneNumber" | "displayName" | "provider" | "isActive"
>;

/** Gets the voicemail numbers of many brands, by brand. */
export async function listBrandVoicemails(
  read: Reader,
  brandIds: readonly string[],
): Promise<Map<string, Voicemail[]>> {
  if (brandIds.length === 0) return new Map();
  const ids = brandIds.map((id) => ({ id }));
  const rows = await read.all<Voicemail & { brandId: string }>(sql`select v.id, v.brand_id as "brandId",
      v.phone_number as "phoneNumber", v.display_name as "displayName", v.provider, v.is_active as "isActive"
    from ${valuesTable("n", ids, { id: "text" })} cross join voicemail_accounts v where v.brand_id = n.id order by v.brand_id, v.id`);
  const numbers = new Map<string, Voicemail[]>();
  for (const { brandId, ...row } of rows) {
    // SQLite returns 0 and 1.
    const number = { ...row, isActive: Boolean(row.isActive) };
    const list = numbers.get(brandId);
    if (list) list.push(number);
    else numbers.set(brandId, [number]);
  }
  return numbers;
}
