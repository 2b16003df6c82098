import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { emailAccounts } from "../../../src/db/schema/senders.ts";
import type { CampaignFixture } from "../../support/campaign-fixture.ts";
import { fuzzEndpoint } from "../../support/fuzz-body.ts";
import { getFirstMailboxId, listBrandMailboxIds, mailboxAssigner } from "../../support/mailboxes.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";

setDefaultTimeout(20_000);

const ONE = "/api/auth/admin/assign-email-account";
const MANY = "/api/auth/admin/bulk-assign-email-accounts";
const MISSING_ID = "019a8a3e-5a00-7000-8000-000000000001";

interface Answer {
  success: boolean;
  message: string;
  previousBrandName: string | null;
  assignedCount: number;
  reassignedAccounts: { email: string; previousBrandName: string }[];
  unknownIds: string[];
}

let world: OutreachApp;
let admin: CampaignFixture["request"];
beforeAll(async () => {
  world = await startOutreachApp();
});
// Sign in before each test: the tests advance the clock by days, and sessions expire.
beforeEach(async () => {
  admin = await world.admin();
});
afterEach(async () => {
  await world.cancelAllCampaigns();
  expect(await world.listDrifts()).toEqual([]);
});
afterAll(() => world.close());

const listMailboxIds = (stage: CampaignFixture) => listBrandMailboxIds(world, stage);
const getFirstMailbox = (stage: CampaignFixture) => getFirstMailboxId(world, stage);
const move = (id: string, to: CampaignFixture) => mailboxAssigner(admin)(id, to);
async function getBrandName({ request, brandId }: CampaignFixture): Promise<string> {
  return (await request<{ brand: { name: string } }>("GET", `/api/brands/${brandId}`)).body.brand.name;
}
describe("POST /api/auth/admin/assign-email-account", () => {
  test("a mailbox is assigned to the new brand, and the response names the previous brand", async () => {
    const [from, to] = [await world.createDraft(), await world.createDraft()];
    const id = await getFirstMailbox(from);
    expect(await move(id, to)).toMatchObject({ success: true, previousBrandName: await getBrandName(from) });
    // Assign the mailbox to its present brand: success without a change.
    expect(await move(id, to)).toMatchObject({ success: true, previousBrandName: null });
    await world.store.write((tx) => tx.update(emailAccounts).set({ brandId: null }).where(eq(emailAccounts.id, id)));
    expect(await move(id, to)).toMatchObject({ success: true, previousBrandName: null });
    expect(await listMailboxIds(to)).toContain(id);
    expect((await to.request("GET", `/api/email-accounts/${id}`)).status).toBe(200);
    expect((await from.request("GET", `/api/email-accounts/${id}`)).status).toBe(404);
  });

  test("answers 404 for an unknown mailbox or brand, 403 to an owner, and no 500 to invalid input", async () => {
    const stage = await world.createDraft();
    const id = await getFirstMailbox(stage);
    expect((await admin("POST", ONE, { accountId: MISSING_ID, brandId: stage.brandId })).status).toBe(404);
    expect((await admin("POST", ONE, { accountId: id, brandId: MISSING_ID })).status).toBe(404);
    expect((await stage.request("POST", ONE, { accountId: id, brandId: stage.brandId })).status).toBe(403);
    await fuzzEndpoint({ ...stage, request: admin }, "POST", ONE, { accountId: MISSING_ID, brandId: stage.brandId });
    await fuzzEndpoint({ ...stage, request: admin }, "POST", MANY, {
      accountIds: [MISSING_ID],
      brandId: stage.brandId,
    });
  });

  test("two requests with one Idempotency-Key assign the mailbox once and get the same response", async () => {
    const [from, to] = [await world.createDraft(), await world.createDraft()];
    const order = { accountId: await getFirstMailbox(from), brandId: to.brandId };
    const first = await admin<Answer>("POST", ONE, order, { "idempotency-key": "move" });
    const again = await admin<Answer>("POST", ONE, order, { "idempotency-key": "move" });
    expect(again.text).toBe(first.text);
    expect(first.body.previousBrandName).toBe(await getBrandName(from));
  });
});

describe("POST /api/auth/admin/bulk-assign-email-accounts", () => {
  test("unassigned mailboxes and mailboxes of another brand are assigned together, and the response lists the reassigned ones", async () => {
    const [from, to] = [await world.createDraft({ mailboxes: 3 }), await world.createDraft()];
    const [taken, free, already] = [await listMailboxIds(from), await getFirstMailbox(from), await getFirstMailbox(to)];
    await world.store.write((tx) => tx.update(emailAccounts).set({ brandId: null }).where(eq(emailAccounts.id, free)));
    const order = { accountIds: [...taken, ...taken, already], brandId: to.brandId };
    const { status, body } = await admin<Answer>("POST", MANY, order);
    expect(status).toBe(200);
    expect(body.assignedCount).toBe(3);
    expect(body.reassignedAccounts).toHaveLength(2);
    for (const account of body.reassignedAccounts) expect(account.previousBrandName).toBe(await getBrandName(from));
    expect(await listMailboxIds(to)).toHaveLength(4);
    const none = await admin<Answer>("POST", MANY, { accountIds: [], brandId: to.brandId });
    expect(none.body).toMatchObject({ success: true, assignedCount: 0, reassignedAccounts: [] });
  });

  test("no mailbox is assigned when one id is unknown (404) or more than 1,000 ids are sent (422)", async () => {
    const [from, to] = [await world.createDraft({ mailboxes: 2 }), await world.createDraft()];
    const order = { accountIds: [...(await listMailboxIds(from)), MISSING_ID, "gone"], brandId: to.brandId };
    const { status, body } = await admin<Answer>("POST", MANY, order);
    expect(status).toBe(404);
    expect(body.unknownIds.sort()).toEqual([MISSING_ID, "gone"]);
    expect(await listMailboxIds(from)).toHaveLength(2);
    const many = { accountIds: Array.from({ length: 1001 }, (_, n) => `box${n}`), brandId: to.brandId };
    expect((await admin("POST", MANY, many)).status).toBe(422);
  });
});
