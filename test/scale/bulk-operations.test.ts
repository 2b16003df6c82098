import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq, sql } from "drizzle-orm";
import { resumeFunded } from "../src/campaigns/funding.ts";
import { cancel, launch, pause, resume } from "../src/campaigns/lifecycle.ts";
import { replaceSenders } from "../src/campaigns/senders.ts";
import { fundsOf, grant } from "../src/credits/ledger.ts";
import { verifyLedger } from "../src/credits/verify.ts";
import { campaigns } from "../src/db/schema/campaigns.ts";
import { MAX_CELLS, rowsOf } from "../src/db/sql.ts";
import type { Store } from "../src/db/store.ts";
import { SYSTEM, tenantScope } from "../src/db/tenant-scope.ts";
import { deleteBrand } from "../src/deletion/brand.ts";
import { deleteCampaign } from "../src/deletion/campaign.ts";
import { forgetAnswers } from "../src/http/idempotency.ts";
import { removeEndedSessions } from "../src/identity/users.ts";
import { NEVER } from "../src/messages/model.ts";
import { releaseWaitingMessages } from "../src/messages/reassign.ts";
import { tallyDrifts } from "../src/messages/tallyProof.ts";
import { assignMailboxes } from "../src/senders/assignment.ts";
import { BULK, BULK_ROWS, campaign, expectSlices, fillBulk, watch } from "./support/bulk.ts";
import { openTestStore } from "./support/store.ts";

// Run each bulk operation on as many rows as a large customer has. The tests depend on their order: all use one
// campaign.

setDefaultTimeout(900_000);

/** Amount in thousandths of a credit. */
const TOP_UP = 1000;

let store: Store;
let close: () => Promise<void>;
beforeAll(async () => {
  ({ store, close } = await openTestStore());
  await fillBulk(store, BULK_ROWS);
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
    const draft = await campaign(store);
    const watched = await watch("launch", () => store.write((tx) => launch(tx, draft, BULK_ROWS)));
    expectSlices(watched);
    expect(watched.result.cost.contacts).toBe(BULK_ROWS);
    expect(watched.result.firstSendAt).not.toBeNull();
    expect(await pending()).toBe(BULK_ROWS);
    expect((await fundsOf(store.read, BULK.brandId)).available).toBe(0);
  });

  test("resume releases all parked messages, in slices", async () => {
    const running = await campaign(store);
    await store.write((tx) => pause(tx, running, null));
    await parkAll("CAMPAIGN_PAUSED");
    const paused = await campaign(store);
    expectSlices(await watch("resume", () => store.write((tx) => resume(tx, paused))));
    expect(await count(`messages where run_at = ${NEVER}`)).toBe(0);
  });

  test("a top-up gives each parked message a new time, in slices", async () => {
    const out = { status: "AUTO_PAUSED", statusReason: "NO_CREDITS" } as const;
    await store.write((tx) => tx.update(campaigns).set(out).where(eq(campaigns.id, BULK.campaignId)));
    await parkAll("INSUFFICIENT_CREDITS");
    const order = { brandId: BULK.brandId, amount: TOP_UP, kind: "PURCHASED", reason: "bulk" } as const;
    await store.write((tx) => grant(tx, order));
    expectSlices(await watch("resume after a top-up", () => store.write(resumeFunded)));
    expect(await count(`messages where run_at = ${NEVER}`)).toBe(0);
  });

  test("moving a mailbox to another brand divides its messages evenly among the remaining mailboxes", async () => {
    const [moving = "", ...staying] = BULK.mailboxes;
    const waiting = await count(`messages where sender_id = '${moving}'`);
    const move = () => store.write((tx) => assignMailboxes(tx, [moving], BULK.draftBrandId));
    expectSlices(await watch("move of a mailbox", move), waiting);
    expect(await count(`messages where sender_id = '${moving}'`)).toBe(0);
    const shares = await Promise.all(staying.map((id) => count(`messages where sender_id = '${id}'`)));
    expect(Math.abs((shares[0] ?? 0) - (shares[1] ?? 0))).toBeLessThanOrEqual(2);
    await move();
    await store.write((tx) => assignMailboxes(tx, [moving], BULK.brandId));
  });

  test("a mailbox that works again releases the messages that waited for the mailbox", async () => {
    const [, mailbox = ""] = BULK.mailboxes;
    await parkAll("SENDER_PAUSED");
    const waiting = await count(`messages where sender_id = '${mailbox}'`);
    expectSlices(await watch("mailbox works", () => store.write((tx) => releaseWaitingMessages(tx, mailbox))), waiting);
    expect(await count(`messages where run_at < ${NEVER}`)).toBe(waiting);
  });

  test("new mailboxes of a campaign take over the messages of the replaced mailboxes", async () => {
    const [first = "", second = ""] = BULK.mailboxes;
    await store.write((tx) => tx.all(sql`update messages set sender_id = 'gone'`));
    const replace = () =>
      store.write((tx) => replaceSenders(tx, BULK.campaignId, tenantScope(SYSTEM), [first, second]));
    expectSlices(await watch("change of mailboxes", replace));
    expect(await count(`messages where sender_id = 'gone'`)).toBe(0);
  });

  test("cancel cancels all messages, releases all credits and keeps the counters correct", async () => {
    const paused = await campaign(store);
    const watched = await watch("cancel", () => store.write((tx) => cancel(tx, paused, null)));
    expectSlices(watched);
    expect(watched.result).toEqual({ cancelledMessages: BULK_ROWS, creditReleased: 1000 * BULK_ROWS });
    expect(await pending()).toBe(0);
    expect((await fundsOf(store.read, BULK.brandId)).available).toBe(1000 * BULK_ROWS + TOP_UP);
    expect(await tallyDrifts(store.read)).toEqual([]);
  });

  test("ledger verification loads the entries in pages", async () => {
    const watched = await watch("ledger verification", () => store.snapshot((read) => verifyLedger(read)));
    expect(watched.result).toMatchObject({ ok: true, entries: 2 * BULK_ROWS + 2 });
    expect(watched.turns).toBeGreaterThan(BULK_ROWS / 2000);
  });

  test("deleting a campaign deletes its messages and its conversations", async () => {
    expectSlices(
      await watch("delete", () => store.write((tx) => deleteCampaign(tx, BULK.campaignId, tenantScope(SYSTEM)))),
    );
    expect(await count("messages")).toBe(0);
    expect(await count("conversations")).toBe(BULK_ROWS);
    expect(await tallyDrifts(store.read)).toEqual([]);
  });

  test("deleting a brand deletes its contacts, conversations and bans", async () => {
    expectSlices(await watch("removal of a brand", () => store.write((tx) => deleteBrand(tx, BULK.draftBrandId))));
    expect(await count("conversations")).toBe(0);
    expect(await count("contacts")).toBe(BULK_ROWS);
    expect(await count("bans")).toBe(0);
  });

  test.each([
    ["sessions", removeEndedSessions],
    ["idempotency_keys", forgetAnswers],
  ])("cleanup deletes all ended %s in slices", async (table, tidy) => {
    const watched = await watch(`tidying of ${table}`, () => store.write(tidy));
    expectSlices(watched);
    expect(watched.result).toBe(BULK_ROWS);
    expect(await count(table)).toBe(0);
  });
});

test("SQL values table: more values than one statement may have throw a RangeError", () => {
  const rows = (count: number) => Array.from({ length: count }, (_, n) => ({ id: String(n), status: "x" }));
  const types = { id: "text", status: "text" } as const;
  expect(() => rowsOf("n", rows(MAX_CELLS / 2), types)).not.toThrow();
  expect(() => rowsOf("n", rows(MAX_CELLS / 2 + 1), types)).toThrow(RangeError);
});
