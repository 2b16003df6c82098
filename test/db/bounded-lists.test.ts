import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type SQL, sql } from "drizzle-orm";
import fc from "fast-check";
import { dialect } from "../../src/db/dialect.ts";
import { contains } from "../../src/db/search.ts";
import { SCAN_SLICE_ROWS } from "../../src/db/sliced-scan.ts";
import type { Reader, Store } from "../../src/db/store.ts";
import { SYSTEM, tenantScope } from "../../src/db/tenant-scope.ts";
import { listDirectory } from "../../src/modules/brands/directory.ts";
import { type CampaignPage, cursorBy, listCampaigns } from "../../src/modules/campaigns/campaign-list.ts";
import { type AccountFilter, listAccounts } from "../../src/modules/senders/account-list.ts";
import { numberTable } from "../scale/bulk-data.ts";
import { openTestStore } from "../support/store.ts";

// Searches without an index of their own find what one statement over all rows finds, and no statement of theirs is one.

setDefaultTimeout(60_000);

/** Many slices, and none of them full at the end. */
const ROWS = 6 * SCAN_SLICE_ROWS + 500;
/** A brand with more than a slice of campaigns. */
const BRAND = "b1001";
const RUNS = { numRuns: Number(process.env.SEARCH_RUNS ?? 40) };
const noPause = async () => {};

let store: Store;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ store, close } = await openTestStore());
  // In no order of theirs, with ties wherever a list may have them.
  const mixed = "(n.i * 7919) % 6500";
  const word =
    "case n.i % 5 when 0 then 'Dental ' when 1 then 'dental ' when 2 then 'ÄRZTE ' when 3 then '50%_' else 'Öl ' end";
  const status = "case n.i % 3 when 0 then 'DRAFT' when 1 then 'RUNNING' else 'COMPLETED' end";
  await store.write(async (tx) => {
    for (const statement of [
      `insert into users (id, name, email, role, created_at, updated_at)
        select 'u' || (1000 + n.i), 'Owner ' || n.i, 'o' || n.i || '@dental.example', 'user', 1, 1 from ${numberTable(ROWS)}`,
      `insert into brands (id, name, owner_id, twilio_account_sid, timezone, created_at, updated_at)
        select 'b' || (1000 + n.i), ${word} || (${mixed}), case when n.i % 4 = 0 then null else 'u' || (1000 + n.i) end,
          'AC' || n.i, 'UTC', (${mixed}) / 3, 1 from ${numberTable(ROWS)}`,
      `insert into campaigns (id, brand_id, name, status, channels, timezone, send_windows, launched_at, created_at, updated_at)
        select 'c' || (1000 + n.i), 'b' || (1000 + n.i % 3), ${word} || (n.i % 40), ${status}, '["EMAIL"]', 'UTC', '[]',
          case when n.i % 3 = 0 then null else (${mixed}) / 5 end, (${mixed}) / 3, 1 from ${numberTable(ROWS)}`,
      `insert into email_accounts (id, brand_id, email, display_name, provider, account_type, connection_status, is_active, daily_limit, timezone, failures, created_at, updated_at)
        select 'm' || (1000 + n.i), case when n.i % 6 = 0 then null else 'b' || (1000 + n.i) end,
          'box' || ((${mixed}) / 4) || '@x.example', ${word} || n.i, case n.i % 2 when 0 then 'SMTP' else 'GMAIL' end, 'SMTP',
          'CONNECTED', true, 50, 'UTC', 0, 1, 1 from ${numberTable(ROWS)}`,
    ])
      await tx.all(sql.raw(statement));
  });
  if (dialect === "postgres") await store.write((tx) => tx.all(sql.raw("analyze")));
});
afterAll(() => close());

const ids = async (query: SQL) => (await store.read.all<{ id: string }>(query)).map(({ id }) => id);
const columns = (...names: string[]) => names.map((name) => sql.raw(name));

const text = fc.constantFrom(
  "dental",
  "DENTAL 1",
  "ärzte",
  "ÄRZTE",
  "%_",
  "7",
  "owner 12",
  "o44@",
  "ac99",
  "box3",
  "no such",
);
const page = fc.record({
  offset: fc.oneof(fc.nat(20), fc.nat(ROWS + 100)),
  limit: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.constant(10_000)),
});

describe("a search without an index finds what one statement over all rows finds", () => {
  test("of brands: the newest first, any page, with the total", async () => {
    await fc.assert(
      fc.asyncProperty(text, page, async (search, { offset, limit }) => {
        const all = await ids(sql`select b.id from brands b left join users u on u.id = b.owner_id
          where ${contains(search, ...columns("b.name", "u.name", "u.email", "b.twilio_account_sid", "b.twillio_messaging_service_sid"))}
          order by b.created_at desc, b.id desc`);
        const { rows, total } = await listDirectory(store.read, { search, offset, limit, pause: noPause });
        expect(rows.map(({ id }) => id)).toEqual(all.slice(offset, offset + limit));
        expect(total).toBe(all.length);
      }),
      RUNS,
    );
  });

  test("of mailboxes: by address, any filter and page, with the total", async () => {
    const filter = fc.record<AccountFilter>({
      assignment: fc.constantFrom("all", "assigned", "unassigned"),
      provider: fc.constantFrom("GMAIL", "SMTP", null),
      search: fc.option(text, { nil: null }),
    });
    await fc.assert(
      fc.asyncProperty(filter, page, async ({ assignment, provider, search }, { offset, limit }) => {
        const has = { all: "true", assigned: "a.brand_id is not null", unassigned: "a.brand_id is null" }[assignment];
        const all = await ids(sql`select a.id from email_accounts a left join brands b on b.id = a.brand_id
          where ${sql.raw(has)} and ${provider === null ? sql`true` : sql`a.provider = ${provider}`}
            and ${search === null ? sql`true` : contains(search, ...columns("a.email", "a.display_name", "b.name"))}
          order by a.email, a.id`);
        const found = await listAccounts(
          store.read,
          { assignment, provider, search },
          { offset, limit, now: 0, pause: noPause },
        );
        expect(found.accounts.map(({ box }) => box.id)).toEqual(all.slice(offset, offset + limit));
        expect(found.total).toBe(all.length);
      }),
      RUNS,
    );
  });

  test("of campaigns: in every order, page after page", async () => {
    const list = fc.record({
      scope: fc.constantFrom(tenantScope(SYSTEM), tenantScope(SYSTEM, BRAND)),
      status: fc.constantFrom("DRAFT", "RUNNING", undefined),
      searchQuery: fc.option(text, { nil: undefined }),
      sortBy: fc.constantFrom("createdAt", "launchedAt", "name"),
      sortOrder: fc.constantFrom("asc", "desc"),
      limit: fc.integer({ min: 1, max: 101 }),
    });
    const key = { createdAt: "created_at", launchedAt: "coalesce(launched_at, 0)", name: "lower(name)" };
    await fc.assert(
      fc.asyncProperty(list, async ({ scope, status, searchQuery, sortBy, sortOrder, limit }) => {
        const all = await ids(sql`select id from campaigns
          where ${scope.kind === "all" ? sql`true` : sql`brand_id = ${scope.brandId}`}
            and ${status === undefined ? sql`true` : sql`status = ${status}`}
            and ${searchQuery === undefined ? sql`true` : contains(searchQuery, sql.raw("name"))}
          order by ${sql.raw(`${key[sortBy]} ${sortOrder}, id ${sortOrder}`)}`);
        const found: string[] = [];
        let after: CampaignPage["after"] = null;
        for (let pages = 0; pages < 3; pages++) {
          const query = { scope, status, searchQuery, sortBy, sortOrder, limit, after, pause: noPause };
          const rows = await listCampaigns(store.read, query);
          found.push(...rows.map(({ id }) => id));
          const last = rows.at(-1);
          if (last) after = cursorBy(sortBy)(last);
        }
        expect(found.slice(0, 3 * limit)).toEqual(all.slice(0, 3 * limit));
      }),
      RUNS,
    );
  });
});

/**
 * Returns the rows that each slice of a list visits, as Postgres counts them, and the query plans, as SQLite reports them. With so
 * few rows Postgres would prefer to scan whole tables, which is disabled: the test is that it has an index to use.
 */
async function visitsOf(list: (read: Reader, pause: () => Promise<void>) => Promise<unknown>) {
  const asked: SQL[] = [];
  const visited: number[] = [];
  await store.write(async (tx) => {
    if (dialect === "postgres") await tx.all(sql.raw("set local enable_seqscan = off"));
    const all = (query: SQL) => {
      asked.push(query);
      return tx.all(query);
    };
    let before = 0;
    const pause = async () => {
      if (dialect === "sqlite") return;
      const [row] = await tx.all<{ rows: unknown }>(sql`select sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) as rows
        from pg_stat_xact_user_tables`);
      visited.push(Number(row?.rows) - before);
      before = Number(row?.rows);
    };
    await list(Object.create(tx, { all: { value: all } }), pause);
    await pause();
  });
  const plans: string[] = [];
  for (const query of dialect === "sqlite" ? asked : []) {
    const steps = await store.read.all<{ detail: string }>(sql`explain query plan ${query}`);
    plans.push(steps.map(({ detail }) => detail).join("\n"));
  }
  return { statements: asked.length, visited: visited.slice(1), plans };
}

const SLICES = Math.ceil((ROWS + 1) / SCAN_SLICE_ROWS);
const campaignPage = {
  status: "RUNNING",
  searchQuery: "no such",
  sortBy: "name",
  sortOrder: "asc",
  after: null,
} as const;
const accountFilter = { assignment: "assigned", provider: "GMAIL", search: "no such" } as const;

test.each<[string, string, (read: Reader, pause: () => Promise<void>) => Promise<unknown>]>([
  [
    "brands",
    "brands_created",
    (read, pause) => listDirectory(read, { search: "no such", limit: 10, offset: 0, pause }),
  ],
  [
    "mailboxes",
    "email_accounts_order",
    (read, pause) => listAccounts(read, accountFilter, { limit: 10, offset: 0, now: 0, pause }),
  ],
  [
    "campaigns of all brands",
    "campaigns",
    (read, pause) => listCampaigns(read, { ...campaignPage, scope: tenantScope(SYSTEM), limit: 20, pause }),
  ],
])("search of %s that finds nothing: no statement visits more than a slice", async (_, index, list) => {
  const { statements, visited, plans } = await visitsOf(list);
  expect(statements).toBe(2 * SLICES);
  // A slice is scanned to find its end, then read, together with the rows that it joins.
  for (const rows of visited) expect(rows).toBeLessThanOrEqual(3 * SCAN_SLICE_ROWS);
  const counted = visited.filter((rows) => rows > 0);
  expect(counted).toHaveLength(dialect === "postgres" ? SLICES : 0);
  for (const plan of plans) {
    expect(plan).toMatch(/^(SCAN|SEARCH) [abc] USING/);
    expect(plan).toContain(index);
  }
  // From the second slice on it begins at its place, and stepping over it sorts nothing.
  const rest = plans.slice(2);
  for (const plan of rest) expect(plan).toMatch(/^SEARCH [abc] USING .*[<>]/);
  for (const plan of rest.filter((_, at) => at % 2 === 0)) expect(plan).not.toContain("TEMP B-TREE");
});
