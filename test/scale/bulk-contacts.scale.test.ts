import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type SQL, sql } from "drizzle-orm";
import { SCAN_ROWS } from "../../src/db/slices.ts";
import type { Store, Tx } from "../../src/db/store.ts";
import { SYSTEM, tenantScope } from "../../src/db/tenant-scope.ts";
import { DAY, HOUR } from "../../src/lib/clock.ts";
import { deleteContact } from "../../src/modules/contacts/contacts.ts";
import { deleteCampaign } from "../../src/modules/deletion/campaign.ts";
import { findTallyMismatches } from "../../src/modules/messages/tally-mismatches.ts";
import { createBan, PLATFORM } from "../../src/modules/suppressions/bans.ts";
import { openTestStore } from "../support/store.ts";
import { BULK_ROWS, expectSlicedWork, measureWork, numberTable } from "./bulk-data.ts";

// One person in as many campaigns, with as many messages and answers, as a large customer has contacts. The cases follow each other.

setDefaultTimeout(900_000);

const EMAIL = "everywhere@people.example";
/** Brands that know the person: none may have as many campaigns as they have in all. */
const BRANDS = 20;
/** So that ids have the order of their numbers. */
const FIRST = 1_000_000;

let store: Store;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ store, close } = await openTestStore());
  const at = 400 * DAY;
  const tally = (span: string, start: number) =>
    `insert into message_tallies (span, kind, start, status, shard, count) values ('${span}', 'OPENING', ${start}, 'PENDING', 0, ${BULK_ROWS})`;
  await store.write(async (tx) => {
    for (const statement of [
      `insert into brands (id, name, timezone, created_at, updated_at) select 'b' || n.i, 'Brand', 'UTC', 1, 1 from ${numberTable(BRANDS)}`,
      `insert into contacts (id, brand_id, email, custom, created_at, updated_at)
        select 'p' || n.i, 'b' || n.i, '${EMAIL}', '{}', 1, 1 from ${numberTable(BRANDS)}`,
      `insert into campaigns (id, brand_id, name, status, channels, timezone, send_windows, launched_at, created_at, updated_at)
        select 'c' || (${FIRST} + n.i), 'b' || (n.i % ${BRANDS}), 'C', 'RUNNING', '["EMAIL"]', 'UTC', '[]', 1, 1, 1 from ${numberTable(BULK_ROWS)}`,
      `insert into conversations (id, brand_id, campaign_id, contact_id, mode, status, created_at, updated_at)
        select 'v' || (${FIRST} + n.i), 'b' || (n.i % ${BRANDS}), 'c' || (${FIRST} + n.i), 'p' || (n.i % ${BRANDS}), 'AUTO', 'QUEUED', 1, 1 from ${numberTable(BULK_ROWS)}`,
      `insert into messages (id, brand_id, campaign_id, conversation_id, contact_id, stage, channel, status, scheduled_time, run_at, credits, created_at, fence, attempts)
        select 'm' || (${FIRST} + n.i), 'b' || (n.i % ${BRANDS}), 'c' || (${FIRST} + n.i), 'v' || (${FIRST} + n.i), 'p' || (n.i % ${BRANDS}), 0, 'EMAIL', 'PENDING', ${at}, ${at}, 0, 1, 0, 0 from ${numberTable(BULK_ROWS)}`,
      `insert into message_counts (campaign_id, stage, status, count) select 'c' || (${FIRST} + n.i), 0, 'PENDING', 1 from ${numberTable(BULK_ROWS)}`,
      tally("ALL", 0),
      tally("DAY", at),
      tally("HOUR", at - (at % HOUR)),
    ])
      await tx.all(sql.raw(statement));
  });
});
afterAll(() => close());

async function count(condition: string): Promise<number> {
  const [row] = await store.read.all<{ n: unknown }>(sql.raw(`select count(*) as n from ${condition}`));
  return Number(row?.n);
}

/** Does `work`, and tells how many rows each of its statements written by hand answered. */
async function answersOf(work: (tx: Tx) => Promise<unknown>): Promise<number[]> {
  const answered: number[] = [];
  await store.write((tx) => {
    const all = async (query: SQL) => {
      const rows = await tx.all(query);
      answered.push(rows.length);
      return rows;
    };
    return work(Object.create(tx, { all: { value: all } }));
  });
  return answered;
}

test(`contact in ${BULK_ROWS / BRANDS} campaigns: deleting them is refused, and changes nothing`, async () => {
  const refused = store.write((tx) => deleteContact(tx, "p3", tenantScope(SYSTEM, "b3")));
  await expect(refused).rejects.toMatchObject({ code: "CONFLICT" });
  expect(await count("contacts")).toBe(BRANDS);
});

test(`person in ${BULK_ROWS} campaigns: a ban cancels all that waits for them, in slices`, async () => {
  const order = { scope: PLATFORM, email: EMAIL, source: "MANUAL" } as const;
  const watched = await measureWork("ban of a person", () => answersOf((tx) => createBan(tx, order)));
  expectSlicedWork(watched);
  expect(Math.max(...watched.result)).toBeLessThanOrEqual(SCAN_ROWS);
  expect(await count("messages where status = 'CANCELLED'")).toBe(BULK_ROWS);
  expect(await findTallyMismatches(store.read)).toEqual([]);
});

test(`contact who answered ${BULK_ROWS} times: the campaign is deleted with all answers, in slices`, async () => {
  const campaignId = `c${FIRST}`;
  await store.write(async (tx) => {
    await tx.all(
      sql.raw(`insert into inbound_messages (id, brand_id, conversation_id, channel, provider_id, intent, text, received_at)
      select 'i' || n.i, 'b0', 'v${FIRST}', 'EMAIL', 'i' || n.i, 'REPLY', 'Hello', 1 from ${numberTable(BULK_ROWS)}`),
    );
    await tx.all(sql`update campaigns set status = 'CANCELLED' where id = ${campaignId}`);
  });
  const remove = () => answersOf((tx) => deleteCampaign(tx, campaignId, tenantScope(SYSTEM)));
  const watched = await measureWork("deletion of answers", remove);
  expectSlicedWork(watched);
  expect(Math.max(...watched.result)).toBeLessThanOrEqual(SCAN_ROWS);
  expect(await count("inbound_messages")).toBe(0);
  expect(await count("conversations")).toBe(BULK_ROWS - 1);
});
