import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { emailAccounts, senderDays } from "../../../src/db/schema/senders.ts";
import { DAY, HOUR } from "../../../src/lib/clock.ts";
import { accountListRoutes } from "../../../src/modules/senders/admin/account-routes.ts";
import type { ListedAccount } from "../../../src/modules/senders/admin/model.ts";
import type { CampaignFixture } from "../../support/campaign-fixture.ts";
import { fuzzEndpoint } from "../../support/fuzz-body.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";

setDefaultTimeout(60_000);

const LIST = "/api/auth/admin/email-accounts";
/** Monday, 10:00 UTC. */
const MONDAY = Date.UTC(2026, 10, 30, 10);

interface Page {
  success: boolean;
  message: string;
  accounts: ListedAccount[];
  total: number;
  hasMore: boolean;
}

let world: OutreachApp;
let one: CampaignFixture;
let two: CampaignFixture;
beforeAll(async () => {
  world = await startOutreachApp();
  world.app.app.use(accountListRoutes(world.app.deps));
  world.clock.set(MONDAY);
  [one, two] = [
    await world.createDraft({ mailboxes: 3, people: 6, delays: [0] }),
    await world.createDraft({ mailboxes: 2 }),
  ];
});
afterAll(() => world.close());

async function list(body: object = {}): Promise<Page> {
  const answer = await (await world.admin())<Page>("POST", LIST, body);
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.body;
}
const emails = async (body: object) => (await list(body)).accounts.map(({ email }) => email);
const change = (email: string, set: Partial<typeof emailAccounts.$inferInsert>) =>
  world.store.write((tx) => tx.update(emailAccounts).set(set).where(eq(emailAccounts.email, email)));

test("POST /api/auth/admin/email-accounts: a listed account has every field of the contract", async () => {
  const [account] = (await list({ searchQuery: "box0@brand0" })).accounts;
  expect(account).toEqual({
    accountId: expect.any(String),
    email: "box0@brand0.example",
    displayName: "brand0",
    provider: "SMTP",
    accountType: "SMTP",
    connectionStatus: "CONNECTED",
    isActive: true,
    isProved: true,
    brandId: one.brandId,
    brandName: "brand0",
    dailyLimit: 100,
    sendsToday: 0,
    lastUsedAt: null,
    isWorkspaceAccount: false,
    workspaceDomain: null,
    warmupStatus: "NOT_STARTED",
    warmupEmailsSent: 0,
  });
});

test("POST /api/auth/admin/email-accounts: filters by assignment, provider and search text, and pages by limit and offset", async () => {
  await change("box1@brand1.example", { brandId: null });
  await change("box0@brand1.example", { provider: "GMAIL", accountType: "OAUTH", workspaceDomain: "brand1.example" });
  const all = ["box0@brand0.example", "box0@brand1.example", "box1@brand0.example"];
  const rest = ["box1@brand1.example", "box2@brand0.example"];
  expect(await emails({})).toEqual([...all, ...rest]);
  expect(await emails({ assignmentFilter: "all" })).toHaveLength(5);
  expect(await emails({ assignmentFilter: "unassigned" })).toEqual(["box1@brand1.example"]);
  expect(await emails({ assignmentFilter: "assigned" })).toHaveLength(4);
  expect(await emails({ providerFilter: "GMAIL" })).toEqual(["box0@brand1.example"]);
  expect(await emails({ providerFilter: "SMTP", assignmentFilter: "assigned" })).toHaveLength(3);
  expect(await emails({ searchQuery: "BRAND1" })).toEqual(["box0@brand1.example", "box1@brand1.example"]);
  expect(await emails({ searchQuery: "%" })).toEqual([]);
  expect(await emails({ searchQuery: " " })).toHaveLength(5);
  const page = await list({ limit: 2, offset: 2 });
  expect(page.accounts.map(({ email }) => email)).toEqual(["box1@brand0.example", "box1@brand1.example"]);
  expect([page.total, page.hasMore]).toEqual([5, true]);
  expect(await list({ offset: 9 })).toMatchObject({ accounts: [], total: 5, hasMore: false });
  const [workspace] = (await list({ providerFilter: "GMAIL" })).accounts;
  expect(workspace).toMatchObject({ isWorkspaceAccount: true, workspaceDomain: "brand1.example" });
});

test("POST /api/auth/admin/email-accounts: sendsToday counts the day in the mailbox's time zone, warmupEmailsSent the warmup period", async () => {
  const started = { warmupStatus: "WARMING" as const, warmupStartedAt: MONDAY };
  await change("box0@brand0.example", { ...started, timezone: "Asia/Tokyo" });
  await world.launch(one);
  await world.run();
  const mine = async () => (await list({ searchQuery: "@brand0" })).accounts;
  const figures = (accounts: ListedAccount[]) =>
    accounts.map(({ sendsToday, warmupEmailsSent, warmupStatus }) => [sendsToday, warmupEmailsSent, warmupStatus]);
  const rest = [
    [2, 0, "NOT_STARTED"],
    [2, 0, "NOT_STARTED"],
  ];
  expect(figures(await mine())).toEqual([[2, 2, "WARMING"], ...rest]);
  expect((await mine())[0]?.lastUsedAt).toBe(new Date(MONDAY).toISOString());
  // Advance past midnight in Tokyo; the other mailboxes' zones have afternoon.
  world.clock.advance(5 * HOUR);
  expect(figures(await mine())).toEqual([[0, 2, "WARMING"], ...rest]);
  world.clock.advance(30 * DAY);
  expect(figures(await mine())[0]).toEqual([0, 2, "COMPLETED"]);
});

test("POST /api/auth/admin/email-accounts: answers 422 with the field name for invalid fields, 403 to owners, 401 without a session", async () => {
  const admin = await world.admin();
  for (const [field, value] of [
    ["assignmentFilter", "mine"],
    ["providerFilter", "OUTLOOK"],
    ["searchQuery", 5],
    ["limit", 0],
    ["limit", 10_001],
    ["offset", -1],
    ["offset", 0.5],
  ] as const) {
    const { status, body } = await admin<{ details?: { field: string }[] }>("POST", LIST, { [field]: value });
    expect([status, body.details?.[0]?.field]).toEqual([422, field]);
  }
  expect((await admin("POST", LIST)).status).toBe(200);
  const owner = await world.createDraft();
  expect((await owner.request("POST", LIST, {})).status).toBe(403);
  expect((await world.app.request("POST", LIST, { body: {} })).status).toBe(401);
  await fuzzEndpoint({ ...two, request: await world.admin() }, "POST", LIST, { searchQuery: "x", limit: 5, offset: 0 });
});

test("POST /api/auth/admin/email-accounts: 10,000 mailboxes with ten days of sends each are listed within 5 seconds", async () => {
  await world.store.write(async (tx) => {
    for (let chunk = 0; chunk < 20; chunk++) {
      const rows = Array.from({ length: 500 }, (_, n) => ({
        id: tx.newId(),
        brandId: two.brandId,
        email: `m${chunk}.${n}@many.example`,
        provider: "SMTP" as const,
        accountType: "SMTP" as const,
        connectionStatus: "CONNECTED" as const,
        dailyLimit: 50,
        createdAt: tx.now,
        updatedAt: tx.now,
      }));
      await tx.insert(emailAccounts).values(rows);
      const days = rows.flatMap(({ id }) =>
        Array.from({ length: 10 }, (_, day) => ({
          senderId: id,
          day: `2025-01-${10 + day}`,
          sends: 5,
          warmupSends: 1,
        })),
      );
      await tx.insert(senderDays).values(days);
    }
  });
  const started = performance.now();
  const page = await list({ searchQuery: "@many.example" });
  expect(performance.now() - started).toBeLessThan(5000);
  expect(page.accounts).toHaveLength(10_000);
  expect(page.accounts[77]?.warmupEmailsSent).toBe(10);
  expect(await list({ limit: 10_000 })).toMatchObject({ hasMore: true });
});
