import { and, asc, eq, isNotNull, isNull, type SQL, sql } from "drizzle-orm";
import { localDay } from "../calendar/zones.ts";
import type { Instant } from "../clock.ts";
import { brands, emailAccounts } from "../db/schema/brands.ts";
import { contains } from "../db/search.ts";
import { rowsOf } from "../db/sql.ts";
import type { Reader } from "../db/store.ts";
import type { EmailAccountRow } from "./emailAccounts.ts";

interface AccountFilter {
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

const ASSIGNMENT_CONDITIONS: Record<AccountFilter["assignment"], SQL | undefined> = {
  all: undefined,
  assigned: isNotNull(emailAccounts.brandId),
  unassigned: isNull(emailAccounts.brandId),
};

/** Lists mailboxes of all brands by address, with the total number that match the filter. */
export async function listAccounts(
  read: Reader,
  { assignment, provider, search }: AccountFilter,
  { limit, offset, now }: { limit: number; offset: number; now: Instant },
): Promise<{ accounts: ListedAccount[]; total: number }> {
  const wanted = and(
    ASSIGNMENT_CONDITIONS[assignment],
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
  const counts = await getSendCounts(
    read,
    rows.map(({ box }) => box),
    now,
  );
  const none = { sends: 0, warm: 0 };
  const accounts = rows.map(({ box, brandName }) => {
    const { sends, warm } = counts.get(box.id) ?? none;
    return { box, brandName, sendsToday: sends, warmupSends: warm };
  });
  const [first] = rows;
  if (first) return { accounts, total: Number(first.total) };
  // A page past the end has no row to carry the total.
  const counted = await read
    .select({ total: sql<unknown>`count(*)` })
    .from(emailAccounts)
    .leftJoin(brands, eq(brands.id, emailAccounts.brandId))
    .where(wanted);
  return { accounts, total: Number(counted[0]?.total ?? 0) };
}

/** Counts what each mailbox sent today, by its own time zone, and during warm-up. */
async function getSendCounts(read: Reader, boxes: readonly EmailAccountRow[], now: Instant) {
  const counts = new Map<string, { sends: number; warm: number }>();
  if (boxes.length === 0) return counts;
  const days = boxes.map(({ id, timezone }) => ({ id, today: localDay(timezone, now) }));
  const rows = await read.all<{ id: string; sends: unknown; warm: unknown }>(sql`
    select n.id, coalesce(d.sends, 0) as sends,
      (select coalesce(sum(w.warmup_sends), 0) from sender_days w where w.sender_id = n.id and w.warmup_sends > 0) as warm
    from ${rowsOf("n", days, { id: "text", today: "text" })} left join sender_days d on d.sender_id = n.id and d.day = n.today`);
  for (const { id, sends, warm } of rows) counts.set(id, { sends: Number(sends), warm: Number(warm) });
  return counts;
}
