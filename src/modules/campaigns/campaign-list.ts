import { inArray, type SQL, sql } from "drizzle-orm";
import { campaigns } from "../../db/schema/campaigns.ts";
import { contains } from "../../db/search.ts";
import { SCAN_SLICE_ROWS } from "../../db/sliced-scan.ts";
import { equalsUnindexed, valuesTable } from "../../db/sql.ts";
import type { Reader } from "../../db/store.ts";
import { inScope, type TenantScope } from "../../db/tenant-scope.ts";
import { invalid } from "../../lib/errors.ts";
import type { CampaignRow } from "./campaigns.ts";

/** The keys that lists are sorted by, with the id to break ties. Campaigns without a launch come before all others. */
const SORT_KEYS = {
  createdAt: { key: sql.raw("c.created_at"), of: (row: CampaignRow) => row.createdAt },
  launchedAt: { key: sql.raw("coalesce(c.launched_at, 0)"), of: (row: CampaignRow) => row.launchedAt ?? 0 },
  name: { key: sql.raw("lower(c.name)"), of: (row: CampaignRow) => row.name },
};

export type CampaignSortKey = keyof typeof SORT_KEYS;

type CampaignCursor = [key: string | number | null, id: string];

/** Returns the function that makes the cursor of a row: its sort key and its id. */
export function cursorBy(sortBy: CampaignSortKey): (row: CampaignRow) => CampaignCursor {
  return (row) => [SORT_KEYS[sortBy].of(row), row.id];
}

export interface CampaignPage {
  scope: TenantScope;
  status: CampaignRow["status"] | undefined;
  searchQuery: string | undefined;
  sortBy: CampaignSortKey;
  sortOrder: "asc" | "desc";
  after: CampaignCursor | null;
  limit: number;
  /** Is awaited before each slice. */
  pause: () => Promise<void>;
}

/**
 * Lists one page of campaigns by keyset, so that a row added between two pages neither repeats nor hides another. Scans all
 * campaigns in the scope, one slice of ids a statement, and keeps the first ones in the order of the list.
 */
export async function listCampaigns(read: Reader, page: CampaignPage): Promise<CampaignRow[]> {
  const filter = buildFilter(page);
  let kept: string[] = [];
  for (let from: string | null = null; ; ) {
    await page.pause();
    const upTo = await findSliceEnd(read, page.scope, from);
    const found = await selectFirst(read, page, sql`${afterId(page.scope, from)} and ${upToId(upTo)} and ${filter}`);
    if (kept.length === 0) kept = found;
    // Compared by the database, whose rules of sorting differ from ours.
    else if (found.length > 0) kept = await selectFirst(read, page, isAmong([...kept, ...found]));
    if (upTo === null) return loadInOrder(read, kept);
    from = upTo;
  }
}

function afterId(scope: TenantScope, id: string | null): SQL {
  const within = inScope(scope, sql.raw("c.brand_id")) ?? sql`true`;
  return id === null ? within : sql`${within} and c.id > ${id}`;
}

const upToId = (id: string | null) => (id === null ? sql`true` : sql`c.id <= ${id}`);

function isAmong(ids: readonly string[]): SQL {
  const rows = ids.map((id) => ({ id }));
  return sql`c.id in (select n.id from ${valuesTable("n", rows, { id: "text" })})`;
}

/** Returns the last id of the next slice; null when fewer campaigns remain. */
async function findSliceEnd(read: Reader, scope: TenantScope, after: string | null): Promise<string | null> {
  const [row] = await read.all<{ id: string }>(sql`select c.id from campaigns c where ${afterId(scope, after)}
    order by c.id limit 1 offset ${SCAN_SLICE_ROWS - 1}`);
  return row?.id ?? null;
}

/** Returns the ids of the first of the matching campaigns, in the order of the list. */
async function selectFirst(read: Reader, { sortBy, sortOrder, limit }: CampaignPage, which: SQL): Promise<string[]> {
  const direction = sql.raw(sortOrder);
  const rows = await read.all<{ id: string }>(sql`select c.id from campaigns c where ${which}
    order by ${SORT_KEYS[sortBy].key} ${direction}, c.id ${direction} limit ${limit}`);
  return rows.map(({ id }) => id);
}

/** Loads these campaigns, in this order. */
async function loadInOrder(read: Reader, ids: readonly string[]): Promise<CampaignRow[]> {
  if (ids.length === 0) return [];
  const rows = await read
    .select()
    .from(campaigns)
    .where(inArray(campaigns.id, [...ids]));
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}

function buildFilter({ status, searchQuery, sortBy, sortOrder, after }: CampaignPage): SQL {
  const conditions: SQL[] = [];
  // Not by its own index, which would visit all campaigns of this status.
  if (status !== undefined) conditions.push(equalsUnindexed("c.status", status));
  if (searchQuery?.trim()) conditions.push(contains(searchQuery.trim(), sql.raw("c.name")));
  if (after !== null) conditions.push(isAfter(sortBy, sql.raw(sortOrder === "asc" ? ">" : "<"), after));
  return conditions.length === 0 ? sql`true` : sql.join(conditions, sql` and `);
}

function isAfter(sortBy: CampaignSortKey, comparison: SQL, [place, id]: CampaignCursor): SQL {
  const { key } = SORT_KEYS[sortBy];
  if (sortBy === "name" ? typeof place !== "string" : !Number.isSafeInteger(place)) {
    throw invalid("cursor", "expected the nextCursor of a page with the same sortBy");
  }
  // The database lower-cases the name in the cursor as it does those in the rows; its rules differ from ours.
  const start = sortBy === "name" ? sql`lower(${place})` : sql`${place}`;
  return sql`(${key} ${comparison} ${start} or (${key} = ${start} and c.id ${comparison} ${id}))`;
}
