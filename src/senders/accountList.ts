import { eq, inArray, type SQL, sql } from "drizzle-orm";
import { localDay } from "../calendar/zones.ts";
import type { Instant } from "../clock.ts";
import { brands, emailAccounts } from "../db/schema/brands.ts";
import { contains } from "../db/search.ts";
import { countInSlices, SCAN_SLICE_ROWS } from "../db/slicedScan.ts";
import { inSlices } from "../db/slices.ts";
import { rowsOf } from "../db/sql.ts";
import type { Reader } from "../db/store.ts";
import type { EmailAccountRow } from "./emailAccounts.ts";

export interface AccountFilter {
  assignment: "all" | "assigned" | "unassigned";
  provider: EmailAccountRow["provider"] | null;
  /** Part of the address, the display name or the brand's name. */
  search: string | null;
}

/** A mailbox with its brand and what it sent. */
export interface ListedAccount {
  box: EmailAccountRow;
  brandName: string | null;
  sendsToday: number;
  /** While it warmed up, in all. */
  warmupSends: number;
}

/** By an expression: the index of brands would lead through all mailboxes that have one, or none. */
const ASSIGNMENT: Record<AccountFilter["assignment"], SQL> = {
  all: sql.raw("true"),
  assigned: sql.raw("coalesce(a.brand_id, '') <> ''"),
  unassigned: sql.raw("coalesce(a.brand_id, '') = ''"),
};

/** The brand is looked up for each mailbox: a join would let Postgres read all brands for a slice of mailboxes. */
function matching({ assignment, provider, search }: AccountFilter): SQL {
  const of = (text: string, ...columns: string[]) => contains(text, ...columns.map((column) => sql.raw(column)));
  const ofProvider = provider === null ? sql.empty() : sql` and a.provider = ${provider}`;
  const found = (text: string) => sql` and (${of(text, "a.email", "a.display_name")}
    or (select ${of(text, "b.name")} from brands b where b.id = a.brand_id))`;
  return sql`${ASSIGNMENT[assignment]}${ofProvider}${search === null ? sql.empty() : found(search)}`;
}

/** A place in the order of the list. */
type Place = Pick<EmailAccountRow, "email" | "id">;

function between(after: Place | null, upTo: Place | null): SQL {
  const beyond = after ? sql`(a.email, a.id) > (${after.email}, ${after.id})` : sql`true`;
  return upTo ? sql`${beyond} and (a.email, a.id) <= (${upTo.email}, ${upTo.id})` : beyond;
}

export interface AccountPage {
  limit: number;
  offset: number;
  now: Instant;
  /** Awaited before each slice. */
  pause: () => Promise<void>;
}

/** Mailboxes of all brands by address, and how many there are in all. Looks at each, a slice at a time. */
export async function listAccounts(
  read: Reader,
  filter: AccountFilter,
  { limit, offset, now, pause }: AccountPage,
): Promise<{ accounts: ListedAccount[]; total: number }> {
  const wanted = matching(filter);
  const { ids, total } = await countInSlices<Place>({
    offset,
    limit,
    pause,
    boundary: async (after) => {
      const [row] = await read.all<Place>(sql`select a.email, a.id from email_accounts a
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
  await inSlices(ids, async (slice) => {
    accounts.push(...(await readAccounts(read, slice, now)));
  });
  return { accounts, total };
}

/** These mailboxes, in this order. */
async function readAccounts(read: Reader, ids: readonly string[], now: Instant): Promise<ListedAccount[]> {
  const rows = await read
    .select({ box: emailAccounts, brandName: brands.name })
    .from(emailAccounts)
    .leftJoin(brands, eq(brands.id, emailAccounts.brandId))
    .where(inArray(emailAccounts.id, [...ids]));
  const boxes = rows.map(({ box }) => box);
  const figures = await figuresOf(read, boxes, now);
  const none = { sends: 0, warm: 0 };
  const accounts = new Map(
    rows.map(({ box, brandName }) => {
      const { sends, warm } = figures.get(box.id) ?? none;
      return [box.id, { box, brandName, sendsToday: sends, warmupSends: warm }];
    }),
  );
  return ids.flatMap((id) => accounts.get(id) ?? []);
}

/** What each sent on its own today, and while it warmed up. */
async function figuresOf(read: Reader, boxes: readonly EmailAccountRow[], now: Instant) {
  const figures = new Map<string, { sends: number; warm: number }>();
  if (boxes.length === 0) return figures;
  const days = boxes.map(({ id, timezone }) => ({ id, today: localDay(timezone, now) }));
  const rows = await read.all<{ id: string; sends: unknown; warm: unknown }>(sql`
    select n.id, coalesce(d.sends, 0) as sends,
      (select coalesce(sum(w.warmup_sends), 0) from sender_days w where w.sender_id = n.id and w.warmup_sends > 0) as warm
    from ${rowsOf("n", days, { id: "text", today: "text" })} left join sender_days d on d.sender_id = n.id and d.day = n.today`);
  for (const { id, sends, warm } of rows) figures.set(id, { sends: Number(sends), warm: Number(warm) });
  return figures;
}
