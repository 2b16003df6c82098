import { and, asc, eq, isNotNull, isNull, type SQL, sql } from "drizzle-orm";
import { localDay } from "../calendar/zones.ts";
import type { Instant } from "../clock.ts";
import { brands } from "../db/schema/brands.ts";
import { emailAccounts } from "../db/schema/senders.ts";
import { contains } from "../db/search.ts";
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

const ASSIGNMENT: Record<AccountFilter["assignment"], SQL | undefined> = {
  all: undefined,
  assigned: isNotNull(emailAccounts.brandId),
  unassigned: isNull(emailAccounts.brandId),
};

/** Mailboxes of all brands by address, and how many there are in all. */
export async function listAccounts(
  read: Reader,
  { assignment, provider, search }: AccountFilter,
  { limit, offset, now }: { limit: number; offset: number; now: Instant },
): Promise<{ accounts: ListedAccount[]; total: number }> {
  const wanted = and(
    ASSIGNMENT[assignment],
    provider === null ? undefined : eq(emailAccounts.provider, provider),
    search === null ? undefined : contains(search, emailAccounts.email, emailAccounts.displayName, brands.name),
  );
  const joined = read
    .select({ box: emailAccounts, brandName: brands.name, total: sql<unknown>`count(*) over ()` })
    .from(emailAccounts)
    .leftJoin(brands, eq(brands.id, emailAccounts.brandId));
  const rows = await joined
    .where(wanted)
    .orderBy(asc(emailAccounts.email), asc(emailAccounts.id))
    .limit(limit)
    .offset(offset);
  const figures = await figuresOf(
    read,
    rows.map(({ box }) => box),
    now,
  );
  const none = { sends: 0, warm: 0 };
  const accounts = rows.map(({ box, brandName }) => {
    const { sends, warm } = figures.get(box.id) ?? none;
    return { box, brandName, sendsToday: sends, warmupSends: warm };
  });
  const [first] = rows;
  if (first) return { accounts, total: Number(first.total) };
  // Past the end there is no row to say it.
  const counted = await read
    .select({ total: sql<unknown>`count(*)` })
    .from(emailAccounts)
    .leftJoin(brands, eq(brands.id, emailAccounts.brandId))
    .where(wanted);
  return { accounts, total: Number(counted[0]?.total ?? 0) };
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
