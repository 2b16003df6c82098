import { inArray, type SQL, sql } from "drizzle-orm";
import { campaigns } from "../db/schema/campaigns.ts";
import { contains } from "../db/search.ts";
import { SCAN_SLICE_ROWS } from "../db/slicedScan.ts";
import { equalsUnindexed, rowsOf } from "../db/sql.ts";
import type { Reader } from "../db/store.ts";
import { invalid } from "../fault.ts";
import type { CampaignRow } from "./campaigns.ts";

/** What lists are sorted by, besides the id that breaks ties. A campaign not launched yet comes before all that were. */
const KEYS = {
  createdAt: { key: sql.raw("c.created_at"), of: (row: CampaignRow) => row.createdAt },
  launchedAt: { key: sql.raw("coalesce(c.launched_at, 0)"), of: (row: CampaignRow) => row.launchedAt ?? 0 },
  name: { key: sql.raw("lower(c.name)"), of: (row: CampaignRow) => row.name },
};

export type CampaignOrder = keyof typeof KEYS;

type Place = [key: string | number | null, id: string];

/** Where a row stands in a list: what a cursor remembers of the last one shown. */
export function placeOf(sortBy: CampaignOrder): (row: CampaignRow) => Place {
  return (row) => [KEYS[sortBy].of(row), row.id];
}

export interface CampaignPage {
  reach: string | null;
  status: CampaignRow["status"] | undefined;
  searchQuery: string | undefined;
  sortBy: CampaignOrder;
  sortOrder: "asc" | "desc";
  after: Place | null;
  limit: number;
  /** Awaited before each slice. */
  pause: () => Promise<void>;
}

/**
 * One page of campaigns by keyset, so that what is added between two pages neither repeats nor hides a row. Looks at all that
 * are within reach, a slice by their ids with each statement, and keeps the first ones in the order of the list.
 */
export async function listCampaigns(read: Reader, page: CampaignPage): Promise<CampaignRow[]> {
  const filter = filterOf(page);
  let kept: string[] = [];
  for (let from: string | null = null; ; ) {
    await page.pause();
    const upTo = await idBeyond(read, page.reach, from);
    const found = await firstOf(read, page, sql`${beyond(page.reach, from)} and ${until(upTo)} and ${filter}`);
    if (kept.length === 0) kept = found;
    // The database compares them: its alphabet, not ours.
    else if (found.length > 0) kept = await firstOf(read, page, isAmong([...kept, ...found]));
    if (upTo === null) return readAll(read, kept);
    from = upTo;
  }
}

function beyond(reach: string | null, id: string | null): SQL {
  const within = reach === null ? sql`true` : sql`c.brand_id = ${reach}`;
  return id === null ? within : sql`${within} and c.id > ${id}`;
}

const until = (id: string | null) => (id === null ? sql`true` : sql`c.id <= ${id}`);

function isAmong(ids: readonly string[]): SQL {
  const rows = ids.map((id) => ({ id }));
  return sql`c.id in (select n.id from ${rowsOf("n", rows, { id: "text" })})`;
}

/** The campaign a slice further on by id, whatever its values; null when there are fewer. */
async function idBeyond(read: Reader, reach: string | null, after: string | null): Promise<string | null> {
  const [row] = await read.all<{ id: string }>(sql`select c.id from campaigns c where ${beyond(reach, after)}
    order by c.id limit 1 offset ${SCAN_SLICE_ROWS - 1}`);
  return row?.id ?? null;
}

/** The ids of the first of some campaigns. */
async function firstOf(read: Reader, { sortBy, sortOrder, limit }: CampaignPage, which: SQL): Promise<string[]> {
  const direction = sql.raw(sortOrder);
  const rows = await read.all<{ id: string }>(sql`select c.id from campaigns c where ${which}
    order by ${KEYS[sortBy].key} ${direction}, c.id ${direction} limit ${limit}`);
  return rows.map(({ id }) => id);
}

/** These campaigns, in this order. */
async function readAll(read: Reader, ids: readonly string[]): Promise<CampaignRow[]> {
  if (ids.length === 0) return [];
  const rows = await read
    .select()
    .from(campaigns)
    .where(inArray(campaigns.id, [...ids]));
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}

function filterOf({ status, searchQuery, sortBy, sortOrder, after }: CampaignPage): SQL {
  const conditions: SQL[] = [];
  // Its own index would lead through all campaigns of this status.
  if (status !== undefined) conditions.push(equalsUnindexed("c.status", status));
  if (searchQuery?.trim()) conditions.push(contains(searchQuery.trim(), sql.raw("c.name")));
  if (after !== null) conditions.push(later(sortBy, sql.raw(sortOrder === "asc" ? ">" : "<"), after));
  return conditions.length === 0 ? sql`true` : sql.join(conditions, sql` and `);
}

function later(sortBy: CampaignOrder, beyond: SQL, [place, id]: Place): SQL {
  const { key } = KEYS[sortBy];
  if (sortBy === "name" ? typeof place !== "string" : !Number.isSafeInteger(place)) {
    throw invalid("cursor", "expected the nextCursor of a page that was sorted alike");
  }
  // The database lowers the name in the cursor as it lowers those in the rows: its alphabet, not ours.
  const start = sortBy === "name" ? sql`lower(${place})` : sql`${place}`;
  return sql`(${key} ${beyond} ${start} or (${key} = ${start} and c.id ${beyond} ${id}))`;
}
