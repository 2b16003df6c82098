import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import type { MailLogin } from "../../../src/channels/channel.ts";
import { campaigns } from "../../../src/db/schema/campaigns.ts";
import { contacts } from "../../../src/db/schema/contacts.ts";
import { conversations } from "../../../src/db/schema/conversations.ts";
import { messages } from "../../../src/db/schema/messages.ts";
import { emailAccounts } from "../../../src/db/schema/senders.ts";
import { decryptLogin } from "../../../src/modules/senders/login.ts";
import { startApp, type TestApp } from "../../support/app.ts";
import { type BrandOwner, createBrandOwner, requestAs } from "../../support/brands.ts";
import { fuzzEndpoint } from "../../support/fuzz-body.ts";
import { setLimits } from "../../support/limits.ts";

interface One {
  message: string;
  details?: { field: string }[];
  emailAccount: {
    id: string;
    brandId: string;
    email: string;
    hasPassword: boolean;
    username: string | null;
    connectionStatus: string;
    connectionError: string | null;
    dailyLimit: number;
    timezone: string;
    isActive: boolean;
  };
}

let app: TestApp;
let ann: BrandOwner;
let bob: BrandOwner;
/** Logins that verifyMailbox was called with, and the result it returns. */
const tried: MailLogin[] = [];
let answer: { ok: true } | { ok: false; reason: string } = { ok: true };

const mailbox = { host: "127.0.0.1", port: 2525, security: "STARTTLS", username: "ann", password: "s3cret" };

beforeAll(async () => {
  app = await startApp({
    config: { allowPrivateSmtp: true },
    deps: {
      verifyMailbox: async (login) => {
        tried.push(login);
        return answer;
      },
    },
  });
  await setLimits(app.store, { mailboxLoginsPerMinute: 1000, mailboxLoginsPerDay: 1000 });
  [ann, bob] = [await createBrandOwner(app, "ann"), await createBrandOwner(app, "bob")];
});
afterAll(() => app.close());

async function add(owner: BrandOwner, email: string, extra: object = {}): Promise<One["emailAccount"]> {
  const made = await owner.request<One>("POST", "/api/email-accounts", { ...mailbox, email, ...extra });
  if (made.status !== 200) throw new Error(made.text);
  return made.body.emailAccount;
}

describe("POST /api/email-accounts", () => {
  test("tries the login and encrypts the password", async () => {
    const account = await add(ann, " Ann@Northwind.Example ");
    expect(account).toMatchObject({
      brandId: ann.brandId,
      email: "ann@northwind.example",
      hasPassword: true,
      connectionStatus: "CONNECTED",
      dailyLimit: 50,
      timezone: "UTC",
      isActive: true,
    });
    expect(tried.at(-1)).toEqual({ ...mailbox, security: "STARTTLS" });
    const [row] = await app.store.read.select().from(emailAccounts).where(eq(emailAccounts.id, account.id));
    expect(row?.secret).not.toContain("s3cret");
    expect(row && decryptLogin(app.deps.vault, row)).toMatchObject({ password: "s3cret", username: "ann" });
    expect(app.logged.join("\n")).not.toContain("s3cret");
  });

  test("stores nothing when the login fails, except with allowUnverified", async () => {
    answer = { ok: false, reason: "535 wrong password" };
    const order = { ...mailbox, email: "fails@northwind.example" };
    const refused = await ann.request<One>("POST", "/api/email-accounts", order);
    expect(refused.status).toBe(422);
    expect(refused.body.message).toContain("535 wrong password");
    expect(refused.text).not.toContain("s3cret");
    const kept = await add(ann, "fails@northwind.example", { allowUnverified: true });
    expect(kept).toMatchObject({ connectionStatus: "ERROR", connectionError: "535 wrong password" });
    answer = { ok: true };
  });

  test("uses the address as user name by default and needs a password with a user name", async () => {
    const { username: _, ...unnamed } = mailbox;
    const made = await ann.request<One>("POST", "/api/email-accounts", { ...unnamed, email: "by.address@n.example" });
    expect(made.body.emailAccount.username).toBe("by.address@n.example");
    const { password: __, ...open } = mailbox;
    expect((await ann.request("POST", "/api/email-accounts", { ...open, email: "o@n.example" })).status).toBe(422);
  });

  test("answers 409 when an account with the address exists, also of another brand and concurrently", async () => {
    await add(ann, "taken@northwind.example");
    const again = await bob.request<One>("POST", "/api/email-accounts", {
      ...mailbox,
      email: "TAKEN@northwind.example",
    });
    expect(again.status).toBe(409);
    const order = { ...mailbox, email: "race@northwind.example" };
    const racing = await Promise.all(
      [ann, bob, ann, bob].map((who) => who.request("POST", "/api/email-accounts", order)),
    );
    expect(racing.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
  });

  test.each([
    [{ provider: "GMAIL" }, "host"],
    [{ accountType: "OAUTH" }, "accountType"],
    [{ host: undefined }, "host"],
    [{ host: "0.0.0.0" }, "host"],
    [{ port: 70_000 }, "port"],
    [{ timezone: "Mars/Base" }, "timezone"],
    [{ email: "not-an-address" }, "email"],
    [{ dailyLimit: 0 }, "dailyLimit"],
    [{ dailyLimit: 10_001 }, "dailyLimit"],
    [{ displayName: "a\r\nBcc: b@c.example" }, "displayName"],
    [{ security: "SSL" }, "security"],
  ])("answers 422 with the field name for %j", async (wrong, field) => {
    const order = { ...mailbox, email: "wrong@n.example", ...wrong };
    const refused = await ann.request<One>("POST", "/api/email-accounts", order);
    expect(refused.status).toBe(422);
    expect(refused.body.details?.[0]?.field).toBe(field);
  });
});

test("POST /api/email-accounts: private hosts, unusual ports and plain text need the operator's permission", async () => {
  const strict = await startApp();
  try {
    const owner = await createBrandOwner(strict, "carl");
    for (const wrong of [
      { host: "127.0.0.1" },
      { host: "169.254.169.254" },
      { host: "8.8.8.8", port: 8080 },
      { host: "8.8.8.8", security: "NONE" },
    ]) {
      const order = { ...mailbox, email: "c@n.example", ...wrong };
      expect((await owner.request("POST", "/api/email-accounts", order)).status).toBe(422);
    }
    expect(
      (
        await owner.request("POST", "/api/email-accounts", {
          ...mailbox,
          email: "c@n.example",
          host: "8.8.8.8",
          port: 587,
        })
      ).status,
    ).toBe(200);
  } finally {
    await strict.close();
  }
});

test("POST /api/email-accounts: with simulated channels no login is tried", async () => {
  const simulated = await startApp({
    config: { channels: "simulator" },
    deps: { verifyMailbox: () => Promise.reject(new Error("asked")) },
  });
  try {
    const owner = await createBrandOwner(simulated, "carl");
    const order = { ...mailbox, email: "c@n.example", host: "smtp.nowhere.example" };
    const made = await owner.request<One>("POST", "/api/email-accounts", order);
    expect(made.body.emailAccount.connectionStatus).toBe("CONNECTED");
  } finally {
    await simulated.close();
  }
});

describe("PATCH /api/email-accounts/:id", () => {
  test("tries a new login, and updates other fields without a login", async () => {
    const account = await add(ann, "change@northwind.example");
    const before = tried.length;
    const path = `/api/email-accounts/${account.id}`;
    const off = await ann.request<One>("PATCH", path, { isActive: false, dailyLimit: 7, timezone: "Europe/Paris" });
    expect(off.body.emailAccount).toMatchObject({ isActive: false, dailyLimit: 7, timezone: "Europe/Paris" });
    expect(tried.length).toBe(before);

    await ann.request("PATCH", path, { port: 587 });
    expect(tried.at(-1)).toMatchObject({ port: 587, password: "s3cret" });
    answer = { ok: false, reason: "no route" };
    expect((await ann.request("PATCH", path, { port: 25 })).status).toBe(422);
    answer = { ok: true };
    const [row] = await app.store.read.select().from(emailAccounts).where(eq(emailAccounts.id, account.id));
    expect(row?.port).toBe(587);
  });

  test("never sends the stored password to another host", async () => {
    const account = await add(ann, "steal@northwind.example");
    const before = tried.length;
    const path = `/api/email-accounts/${account.id}`;
    expect((await ann.request("PATCH", path, { host: "127.0.0.2" })).status).toBe(422);
    expect(tried.length).toBe(before);
    expect((await ann.request("PATCH", path, { host: "127.0.0.2", password: "new" })).status).toBe(200);
    expect(tried.at(-1)).toMatchObject({ host: "127.0.0.2", password: "new" });
    const cleared = await ann.request<One>("PATCH", path, { username: null, password: null });
    expect(cleared.body.emailAccount.hasPassword).toBe(false);
  });

  test("test-connection updates the connection status with the result", async () => {
    const account = await add(ann, "test@northwind.example");
    answer = { ok: false, reason: "421 later" };
    const path = `/api/email-accounts/${account.id}/test-connection`;
    const failed = await ann.request<One & { connected: boolean; reason: string }>("POST", path);
    expect(failed.status).toBe(200);
    expect(failed.body).toMatchObject({ connected: false, reason: "421 later" });
    expect(failed.body.emailAccount.connectionStatus).toBe("ERROR");
    answer = { ok: true };
    const well = await ann.request<One>("POST", path);
    expect(well.body.emailAccount).toMatchObject({ connectionStatus: "CONNECTED", connectionError: null });
  });
});

test("DELETE /api/email-accounts/:id: answers 409 while messages are pending", async () => {
  const account = await add(ann, "busy@northwind.example");
  const id = await app.store.write(async (tx) => {
    const [contactId, campaignId, conversationId, messageId] = [tx.newId(), tx.newId(), tx.newId(), tx.newId()];
    const own = { brandId: ann.brandId, createdAt: tx.now, updatedAt: tx.now };
    await tx.insert(contacts).values({ ...own, id: contactId, email: "x@y.example", custom: {} });
    const plan = {
      name: "c",
      status: "RUNNING" as const,
      channels: ["EMAIL" as const],
      timezone: "UTC",
      sendWindows: [],
    };
    await tx.insert(campaigns).values({ ...own, ...plan, id: campaignId });
    await tx.insert(conversations).values({ ...own, id: conversationId, campaignId, contactId, status: "ACTIVE" });
    await tx.insert(messages).values({
      ...own,
      id: messageId,
      campaignId,
      conversationId,
      contactId,
      stage: 0,
      channel: "EMAIL",
      status: "PENDING",
      scheduledTime: 0,
      runAt: 0,
      senderId: account.id,
      credits: 0,
    });
    return messageId;
  });
  const path = `/api/email-accounts/${account.id}`;
  const refused = await ann.request<{ pendingMessages: number; message: string }>("DELETE", path);
  expect(refused.status).toBe(409);
  expect(refused.body.pendingMessages).toBe(1);
  await app.store.write((tx) => tx.update(messages).set({ status: "SENT" }).where(eq(messages.id, id)));
  expect((await ann.request("DELETE", path)).status).toBe(200);
  expect((await ann.request("GET", path)).status).toBe(404);
});

test("email accounts: a brand gets 404 for those of another brand, and an admin may use all", async () => {
  const account = await add(ann, "mine@northwind.example");
  const path = `/api/email-accounts/${account.id}`;
  const missing = await bob.request<One>("GET", "/api/email-accounts/019a8a3e-5a00-7000-8000-000000000001");
  for (const [method, to, body] of [
    ["GET", path, undefined],
    ["PATCH", path, { isActive: false }],
    ["DELETE", path, undefined],
    ["POST", `${path}/test-connection`, undefined],
  ] as const) {
    const answer = await bob.request<One>(method, to, body);
    expect(answer.status).toBe(404);
    expect(answer.body.message.replace(account.id, "")).toBe(
      missing.body.message.replace("019a8a3e-5a00-7000-8000-000000000001", ""),
    );
  }
  expect((await bob.request("GET", `/api/email-accounts?brandId=${ann.brandId}`)).status).toBe(403);
  const named = { ...mailbox, email: "b@n.example", brandId: ann.brandId };
  expect((await bob.request("POST", "/api/email-accounts", named)).status).toBe(403);
  const seen = await bob.request("GET", "/api/email-accounts?limit=100");
  expect(seen.text).not.toContain(ann.brandId);

  const admin = requestAs(app, await app.admin());
  expect((await admin("GET", path)).status).toBe(200);
  expect((await admin("GET", `/api/email-accounts?brandId=${ann.brandId}`)).status).toBe(200);
  expect((await admin("POST", "/api/email-accounts", { ...mailbox, email: "a@n.example" })).status).toBe(422);
  const nowhere = { ...mailbox, email: "a@n.example", brandId: "nowhere" };
  expect((await admin("POST", "/api/email-accounts", nowhere)).status).toBe(404);

  const stranger = requestAs(app, await app.signUp("no.brand@owners.example"));
  expect((await stranger("GET", path)).status).toBe(403);
  expect((await app.request("GET", path)).status).toBe(401);
});

test("GET /api/email-accounts: pages neither repeat nor skip an account", async () => {
  const owner = await createBrandOwner(app, "pages");
  for (let n = 0; n < 7; n++) await add(owner, `page${n}@northwind.example`);
  const seen: string[] = [];
  for (let cursor = ""; ; ) {
    const page = await owner.request<{ data: { email: string }[]; nextCursor: string | null }>(
      "GET",
      `/api/email-accounts?limit=3&cursor=${cursor}`,
    );
    seen.push(...page.body.data.map(({ email }) => email));
    if (page.body.nextCursor === null) break;
    cursor = page.body.nextCursor;
  }
  expect(seen).toEqual(Array.from({ length: 7 }, (_, n) => `page${n}@northwind.example`));
});

test("email account routes: malformed input is rejected without side effects", async () => {
  const account = await add(ann, "nonsense@northwind.example");
  const order = {
    ...mailbox,
    email: "q@n.example",
    displayName: "x",
    dailyLimit: 1,
    timezone: "UTC",
    allowUnverified: true,
  };
  const path = `/api/email-accounts/${account.id}`;
  await fuzzEndpoint(ann, "POST", "/api/email-accounts", order);
  await fuzzEndpoint(ann, "PATCH", path, { ...order, isActive: true });
  await fuzzEndpoint(ann, "GET", "/api/email-accounts");
  await fuzzEndpoint(ann, "GET", path);
  await fuzzEndpoint(ann, "POST", `${path}/test-connection`);
  await fuzzEndpoint(bob, "DELETE", path);
}, 60_000);
