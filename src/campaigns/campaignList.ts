import { and, asc, desc, eq, gt, lt, or, sql } from "drizzle-orm";
import { campaigns } from "../db/schema/campaigns.ts";
import { contains } from "../db/search.ts";
import type { Reader } from "../db/store.ts";
import { inScope, type TenantScope } from "../db/tenant-scope.ts";
import { invalid } from "../fault.ts";
import type { CampaignRow } from "./campaigns.ts";

/** What lists are sorted by, besides the id that breaks ties. A campaign not launched yet comes before all that were. */
const KEYS = {
  createdAt: { key: sql`${campaigns.createdAt}`, of: (row: CampaignRow) => row.createdAt },
  launchedAt: { key: sql`coalesce(${campaigns.launchedAt}, 0)`, of: (row: CampaignRow) => row.launchedAt ?? 0 },
  name: { key: sql`lower(${campaigns.name})`, of: (row: CampaignRow) => row.name },
};

export type CampaignOrder = keyof typeof KEYS;

type Place = [key: string | number | null, id: string];

/** Where a row stands in a list: what a cursor remembers of the last one shown. */
export function placeOf(sortBy: CampaignOrder): (row: CampaignRow) => Place {
  return (row) => [KEYS[sortBy].of(row), row.id];
}

/** One page of campaigns by keyset, so that what is added between two pages neither repeats nor hides a row. */
export async function listCampaigns(
  read: Reader,
  options: {
    scope: TenantScope;
    status: CampaignRow["status"] | undefined;
    searchQuery: string | undefined;
    sortBy: CampaignOrder;
    sortOrder: "asc" | "desc";
    after: Place | null;
    limit: number;
  },
): Promise<CampaignRow[]> {
  const { sortBy, after } = options;
  const { key } = KEYS[sortBy];
  const [beyond, order] = options.sortOrder === "asc" ? [gt, asc] : [lt, desc];
  return read
    .select()
    .from(campaigns)
    .where(
      and(
        inScope(options.scope, campaigns.brandId),
        options.status === undefined ? undefined : eq(campaigns.status, options.status),
        options.searchQuery?.trim() ? contains(options.searchQuery.trim(), campaigns.name) : undefined,
        after === null ? undefined : later(sortBy, beyond, after),
      ),
    )
    .orderBy(order(key), order(campaigns.id))
    .limit(options.limit);
}

function later(sortBy: CampaignOrder, beyond: typeof gt, [place, id]: Place) {
  const { key } = KEYS[sortBy];
  if (sortBy === "name" ? typeof place !== "string" : !Number.isSafeInteger(place)) {
    throw invalid("cursor", "expected the nextCursor of a page that was sorted alike");
  }
  // The database lowers the name in the cursor as it lowers those in the rows: its alphabet, not ours.
  const start = sortBy === "name" ? sql`lower(${place})` : sql`${place}`;
  return or(beyond(key, start), and(eq(key, start), beyond(campaigns.id, id)));
}
