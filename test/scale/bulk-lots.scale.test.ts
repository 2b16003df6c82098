import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { sql } from "drizzle-orm";
import { repeatUntilNone } from "../../src/db/slices.ts";
import { MAX_STATEMENT_VALUES } from "../../src/db/sql.ts";
import type { Store } from "../../src/db/store.ts";
import { advanceCampaigns } from "../../src/modules/campaigns/advance.ts";
import { hold, release } from "../../src/modules/credits/holds.ts";
import { expireLots } from "../../src/modules/credits/ledger.ts";
import { openTestStore } from "../support/store.ts";
import { BULK_ROWS, expectSlicedWork, measureWork, numberTable } from "./bulk-data.ts";

// Cover what grows with the lots of one brand or the campaigns of a platform, not with the contacts of one campaign.

setDefaultTimeout(900_000);

/**
 * Number of lots that one message takes credits from: with 14 values each, their ledger entries exceed one statement.
 */
const SMALL_LOTS = 5000;
const CAMPAIGNS = MAX_STATEMENT_VALUES + 1000;

let store: Store;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ store, close } = await openTestStore());
  const brand = (id: string) =>
    `insert into brands (id, name, timezone, created_at, updated_at) values ('${id}', '${id}', 'UTC', 1, 1)`;
  const account = (id: string, amount: number) =>
    `insert into credit_accounts (brand_id, granted, available, reserved, used, expired, clawed_back) values ('${id}', ${amount}, ${amount}, 0, 0, 0, 0)`;
  const lots = (id: string, count: number, expiresAt: string) =>
    `insert into credit_lots (id, brand_id, kind, granted, remaining, expires_at, created_at)
      select '${id}' || (1000000 + n.i), '${id}', 'PURCHASED', 1, 1, ${expiresAt}, 1 from ${numberTable(count)}`;
  await store.write(async (tx) => {
    for (const statement of [
      brand("over"),
      account("over", BULK_ROWS),
      lots("over", BULK_ROWS, "2"),
      brand("small"),
      account("small", SMALL_LOTS),
      lots("small", SMALL_LOTS, "null"),
      `insert into campaigns (id, brand_id, name, status, channels, timezone, send_windows, created_at, updated_at)
        select 'c' || n.i, 'small', 'Sent', 'RUNNING', '["EMAIL"]', 'UTC', '[]', 1, 1 from ${numberTable(CAMPAIGNS)}`,
    ])
      await tx.all(sql.raw(statement));
  });
});
afterAll(() => close());

async function one(query: string): Promise<Record<string, number>> {
  const [row] = await store.read.all<Record<string, unknown>>(sql.raw(query));
  return Object.fromEntries(Object.entries(row ?? {}).map(([name, value]) => [name, Number(value)]));
}

test(`lot expiry: ${BULK_ROWS} lots of one brand are each expired once, in slices`, async () => {
  const watched = await measureWork("expiry of lots", () => repeatUntilNone(() => store.write(expireLots)));
  expectSlicedWork(watched, BULK_ROWS / 4);
  expect(watched.result).toBe(BULK_ROWS);
  expect(await one("select available, expired, entries from credit_accounts where brand_id = 'over'")).toEqual({
    available: 0,
    expired: BULK_ROWS,
    entries: BULK_ROWS,
  });
  const entries = "select count(*) as count, max(seq) as newest, sum(amount) as amount from ledger_entries";
  expect(await one(`${entries} where brand_id = 'over' and kind = 'EXPIRE'`)).toEqual({
    count: BULK_ROWS,
    newest: BULK_ROWS,
    amount: BULK_ROWS,
  });
});

test(`credit hold: a message that takes the rest of ${SMALL_LOTS} lots holds credits of all of them, and release returns all`, async () => {
  const request = { messageId: "m", brandId: "small", campaignId: "c0", creditType: "EMAIL", weight: 1 } as const;
  const held = () => one("select available, reserved from credit_accounts where brand_id = 'small'");
  expect((await store.write((tx) => hold(tx, [{ ...request, amount: SMALL_LOTS }]))).size).toBe(0);
  expect(await held()).toEqual({ available: 0, reserved: SMALL_LOTS });
  await store.write((tx) => release(tx, ["m"], "test"));
  expect(await held()).toEqual({ available: SMALL_LOTS, reserved: 0 });
});

test(`campaign sweep: ${CAMPAIGNS} campaigns that end at the same time are all completed`, async () => {
  await measureWork("end of campaigns", () => repeatUntilNone(() => store.write(advanceCampaigns)));
  expect(await one("select count(*) as count from campaigns where status = 'COMPLETED'")).toEqual({ count: CAMPAIGNS });
});
