import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq, sql } from "drizzle-orm";
import { campaigns } from "../../src/db/schema/campaigns.ts";
import { MAX_STATEMENT_VALUES, valuesTable } from "../../src/db/sql.ts";
import type { Store } from "../../src/db/store.ts";
import { SYSTEM, tenantScope } from "../../src/db/tenant-scope.ts";
import { purgeIdempotencyKeys } from "../../src/http/middleware/idempotency.ts";
import { cancel, launch, pause, resume } from "../../src/modules/campaigns/lifecycle.ts";
import { resumeFundedCampaigns } from "../../src/modules/campaigns/resume-after-topup.ts";
import { replaceSenders } from "../../src/modules/campaigns/senders.ts";
import { getFunds, grant } from "../../src/modules/credits/ledger.ts";
import { verifyLedger } from "../../src/modules/credits/verify.ts";
import { deleteBrand } from "../../src/modules/deletion/brand.ts";
import { deleteCampaign } from "../../src/modules/deletion/campaign.ts";
import { deleteEndedSessions } from "../../src/modules/identity/users.ts";
import { NEVER } from "../../src/modules/messages/model.ts";
import { releaseWaitingMessages } from "../../src/modules/messages/reassign.ts";
import { findTallyMismatches } from "../../src/modules/messages/tally-mismatches.ts";
import { assignMailboxes } from "../../src/modules/senders/assignment.ts";
import { openTestStore } from "../support/store.ts";
import { BULK_IDS, BULK_ROWS, expectSlicedWork, getBulkCampaign, measureWork, seedBulkData } from "./bulk-data.ts";

// Run each bulk operation on as many rows as a large customer has. The tests depend on their order: all use one
// campaign.

setDefaultTimeout(900_000);

/** Amount in thousandths of a credit. */
const TOP_UP = 1000;

let store: Store;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ store, close } = await openTestStore());
  await seedBulkData(store, BULK_ROWS);
});
afterAll(() => close());

async function count(condition: string): Promise<number> {
  const [row] = await store.read.all<{ n: unknown }>(sql.raw(`select count(*) as n from ${condition}`));
  return Number(row?.n);
}

const pending = () => count("messages where status = 'PENDING'");
const parkAll = (reason: string) =>
  store.write((tx) =>
    tx.all(sql`update messages set run_at = ${NEVER}, error_message = ${reason} where status = 'PENDING'`),
  );

describe(`bulk operations with ${BULK_ROWS} rows`, () => {
  test("launch schedules all messages and holds credits for all of them, in slices", async () => {
    const draft = await getBulkCampaign(store);
    const watched = await measureWork("launch", () => store.write((tx) => launch(tx, draft, BULK_ROWS)));
    expectSlicedWork(watched);
    expect(watched.result.cost.contacts).toBe(BULK_ROWS);
    expect(watched.result.firstSendAt).not.toBeNull();
    expect(await pending()).toBe(BULK_ROWS);
    expect((await getFunds(store.read, BULK_IDS.brandId)).available).toBe(0);
  });

  test("resume releases all parked messages, in slices", async () => {
    const running = await getBulkCampaign(store);
    await store.write((tx) => pause(tx, running, null));
    await parkAll("CAMPAIGN_PAUSED");
    const paused = await getBulkCampaign(store);
    expectSlicedWork(await measureWork("resume", () => store.write((tx) => resume(tx, paused))));
    expect(await count(`messages where run_at = ${NEVER}`)).toBe(0);
  });

  test("a top-up gives each parked message a new time, in slices", async () => {
    const out = { status: "AUTO_PAUSED", statusReason: "NO_CREDITS" } as const;
    await store.write((tx) => tx.update(campaigns).set(out).where(eq(campaigns.id, BULK_IDS.campaignId)));
    await parkAll("INSUFFICIENT_CREDITS");
    const order = { brandId: BULK_IDS.brandId, amount: TOP_UP, kind: "PURCHASED", reason: "bulk" } as const;
    await store.write((tx) => grant(tx, order));
    expectSlicedWork(await measureWork("resume after a top-up", () => store.write(resumeFundedCampaigns)));
    expect(await count(`messages where run_at = ${NEVER}`)).toBe(0);
  });

  test("moving a mailbox to another brand divides its messages evenly among the remaining mailboxes", async () => {
    const [moving = "", ...staying] = BULK_IDS.mailboxes;
    const waiting = await count(`messages where sender_id = '${moving}'`);
    const move = () => store.write((tx) => assignMailboxes(tx, [moving], BULK_IDS.draftBrandId));
    expectSlicedWork(await measureWork("move of a mailbox", move), waiting);
    expect(await count(`messages where sender_id = '${moving}'`)).toBe(0);
    const shares = await Promise.all(staying.map((id) => count(`messages where sender_id = '${id}'`)));
    expect(Math.abs((shares[0] ?? 0) - (shares[1] ?? 0))).toBeLessThanOrEqual(2);
    await move();
    await store.write((tx) => assignMailboxes(tx, [moving], BULK_IDS.brandId));
  });

  test("a mailbox that works again releases the messages that waited for the mailbox", async () => {
    const [, mailbox = ""] = BULK_IDS.mailboxes;
    await parkAll("SENDER_PAUSED");
    const waiting = await count(`messages where sender_id = '${mailbox}'`);
    expectSlicedWork(
      await measureWork("mailbox works", () => store.write((tx) => releaseWaitingMessages(tx, mailbox))),
      waiting,
    );
    expect(await count(`messages where run_at < ${NEVER}`)).toBe(waiting);
  });

  test("new mailboxes of a campaign take over the messages of the replaced mailboxes", async () => {
    const [first = "", second = ""] = BULK_IDS.mailboxes;
    await store.write((tx) => tx.all(sql`update messages set sender_id = 'gone'`));
    const replace = () =>
      store.write((tx) => replaceSenders(tx, BULK_IDS.campaignId, tenantScope(SYSTEM), [first, second]));
    expectSlicedWork(await measureWork("change of mailboxes", replace));
    expect(await count(`messages where sender_id = 'gone'`)).toBe(0);
  });

  test("cancel cancels all messages, releases all credits and keeps the counters correct", async () => {
    const paused = await getBulkCampaign(store);
    const watched = await measureWork("cancel", () => store.write((tx) => cancel(tx, paused, null)));
    expectSlicedWork(watched);
    expect(watched.result).toEqual({ cancelledMessages: BULK_ROWS, creditReleased: 1000 * BULK_ROWS });
    expect(await pending()).toBe(0);
    expect((await getFunds(store.read, BULK_IDS.brandId)).available).toBe(1000 * BULK_ROWS + TOP_UP);
    expect(await findTallyMismatches(store.read)).toEqual([]);
  });

  test("ledger verification loads the entries in pages", async () => {
    const watched = await measureWork("ledger verification", () => store.snapshot((read) => verifyLedger(read)));
    expect(watched.result).toMatchObject({ ok: true, entries: 2 * BULK_ROWS + 2 });
    expect(watched.turns).toBeGreaterThan(BULK_ROWS / 2000);
  });

  test("deleting a campaign deletes its messages and its conversations", async () => {
    expectSlicedWork(
      await measureWork("delete", () =>
        store.write((tx) => deleteCampaign(tx, BULK_IDS.campaignId, tenantScope(SYSTEM))),
      ),
    );
    expect(await count("messages")).toBe(0);
    expect(await count("conversations")).toBe(BULK_ROWS);
    expect(await findTallyMismatches(store.read)).toEqual([]);
  });

  test("deleting a brand deletes its contacts, conversations and bans", async () => {
    expectSlicedWork(
      await measureWork("removal of a brand", () => store.write((tx) => deleteBrand(tx, BULK_IDS.draftBrandId))),
    );
    expect(await count("conversations")).toBe(0);
    expect(await count("contacts")).toBe(BULK_ROWS);
    expect(await count("bans")).toBe(0);
  });

  test.each([
    ["sessions", deleteEndedSessions],
    ["idempotency_keys", purgeIdempotencyKeys],
  ])("cleanup deletes all ended %s in slices", async (table, tidy) => {
    const watched = await measureWork(`tidying of ${table}`, () => store.write(tidy));
    expectSlicedWork(watched);
    expect(watched.result).toBe(BULK_ROWS);
    expect(await count(table)).toBe(0);
  });
});

test("SQL values table: more values than one statement may have throw a RangeError", () => {
  const rows = (count: number) => Array.from({ length: count }, (_, n) => ({ id: String(n), status: "x" }));
  const types = { id: "text", status: "text" } as const;
  expect(() => valuesTable("n", rows(MAX_STATEMENT_VALUES / 2), types)).not.toThrow();
  expect(() => valuesTable("n", rows(MAX_STATEMENT_VALUES / 2 + 1), types)).toThrow(RangeError);
});
