import { eq, inArray, type SQL, sql } from "drizzle-orm";
import { brands } from "../../db/schema/brands.ts";
import { emailAccounts } from "../../db/schema/senders.ts";
import { contains } from "../../db/search.ts";
import { countInSlices, SCAN_SLICE_ROWS } from "../../db/sliced-scan.ts";
import { forEachSlice } from "../../db/slices.ts";
import { valuesTable } from "../../db/sql.ts";
import type { Reader } from "../../db/store.ts";
import { formatLocalDay } from "../../lib/calendar/zones.ts";
import type { Instant } from "../../lib/clock.ts";
import type { EmailAccountRow } from "./email-accounts.ts";

export interface AccountFilter {
  assignment: "all" | "assigned" | "unassigned";
  provider: EmailAccountRow["provider"] | null;
  /** Part of the address, the display name or the brand's name. */
  search: string | null;
}

/** A mailbox with its brand and the numbers it sent. */
export interface ListedAccount {
  box: EmailAccountRow;
  brandName: string | null;
  sendsToday: number;
  /** Total sent during warm-up. */
  warmupSends: number;
}

/** Written as expressions, so that the index of brands, which would visit all matching mailboxes, is not used. */
const ASSIGNMENT_CONDITIONS: Record<AccountFilter["assignment"], SQL> = {
  all: sql.raw("true"),
  assigned: sql.raw("coalesce(a.brand_id, '') <> ''"),
  unassigned: sql.raw("coalesce(a.brand_id, '') = ''"),
};

/** Looks the brand up for each mailbox: with a join Postgres would read all brands for a slice of mailboxes. */
function buildCondition({ assignment, provider, search }: AccountFilter): SQL {
  const inColumns = (text: string, ...columns: string[]) => contains(text, ...columns.map((column) => sql.raw(column)));
  const ofProvider = provider === null ? sql.empty() : sql` and a.provider = ${provider}`;
  const found = (text: string) => sql` and (${inColumns(text, "a.email", "a.display_name")}
    or (select ${inColumns(text, "b.name")} from brands b where b.id = a.brand_id))`;
  return sql`${ASSIGNMENT_CONDITIONS[assignment]}${ofProvider}${search === null ? sql.empty() : found(search)}`;
}

/** The sort key of the list. */
type Position = Pick<EmailAccountRow, "email" | "id">;

function between(after: Position | null, upTo: Position | null): SQL {
  const beyond = after ? sql`(a.email, a.id) > (${after.email}, ${after.id})` : sql`true`;
  return upTo ? sql`${beyond} and (a.email, a.id) <= (${upTo.email}, ${upTo.id})` : beyond;
}

export interface AccountPage {
  limit: number;
  offset: number;
  now: Instant;
  /** Is awaited before each slice. */
  pause: () => Promise<void>;
}

/** Lists mailboxes of all brands by address, with the total number that match the filter. Scans them a slice at a time. */
export async function listAccounts(
  read: Reader,
  filter: AccountFilter,
  { limit, offset, now, pause }: AccountPage,
): Promise<{ accounts: ListedAccount[]; total: number }> {
  const wanted = buildCondition(filter);
  const { ids, total } = await countInSlices<Position>({
    offset,
    limit,
    pause,
    boundary: async (after) => {
      const [row] = await read.all<Position>(sql`select a.email, a.id from email_accounts a
        where ${between(after, null)} order by a.email, a.id limit 1 offset ${SCAN_SLICE_ROWS - 1}`);
      return row ?? null;
    },
    ids: async (after, upTo) => {
      const rows = await read.all<{ id: string }>(sql`select a.id from email_accounts a
        where ${between(after, upTo)} and ${wanted} order by a.email, a.id`);
      return rows.map(({ id }) => id);
    },
  });
  const accounts: ListedAccount[] = [];
  await forEachSlice(ids, async (slice) => {
    accounts.push(...(await loadAccounts(read, slice, now)));
  });
  return { accounts, total };
}

/** Loads these mailboxes, in this order. */
async function loadAccounts(read: Reader, ids: readonly string[], now: Instant): Promise<ListedAccount[]> {
  const rows = await read
    .select({ box: emailAccounts, brandName: brands.name })
    .from(emailAccounts)
    .leftJoin(brands, eq(brands.id, emailAccounts.brandId))
    .where(inArray(emailAccounts.id, [...ids]));
  const boxes = rows.map(({ box }) => box);
  const counts = await getSendCounts(read, boxes, now);
  const none = { sends: 0, warm: 0 };
  const accounts = new Map(
    rows.map(({ box, brandName }) => {
      const { sends, warm } = counts.get(box.id) ?? none;
      return [box.id, { box, brandName, sendsToday: sends, warmupSends: warm }];
    }),
  );
  return ids.flatMap((id) => accounts.get(id) ?? []);
}

/** Counts the messages that each mailbox sent today, by its own time zone, and during warm-up. */
async function getSendCounts(read: Reader, boxes: readonly EmailAccountRow[], now: Instant) {
  const counts = new Map<string, { sends: number; warm: number }>();
  if (boxes.length === 0) return counts;
  const days = boxes.map(({ id, timezone }) => ({ id, today: formatLocalDay(timezone, now) }));
  const rows = await read.all<{ id: string; sends: unknown; warm: unknown }>(sql`
    select n.id, coalesce(d.sends, 0) as sends,
      (select coalesce(sum(w.warmup_sends), 0) from sender_days w where w.sender_id = n.id and w.warmup_sends > 0) as warm
    from ${valuesTable("n", days, { id: "text", today: "text" })} left join sender_days d on d.sender_id = n.id and d.day = n.today`);
  for (const { id, sends, warm } of rows) counts.set(id, { sends: Number(sends), warm: Number(warm) });
  return counts;
}
