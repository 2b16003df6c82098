import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { emailAccounts, voicemailAccounts } from "../../../src/db/schema/senders.ts";
import { saveLoginTest } from "../../../src/modules/senders/email-accounts.ts";
import type { LoginTest } from "../../../src/modules/senders/login-test.ts";
import { startApp, type TestApp } from "../../support/app.ts";
import { type BrandOwner, createBrandOwner, requestAs } from "../../support/brands.ts";
import { setLimits } from "../../support/limits.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";

setDefaultTimeout(60_000);

// A mailbox or number belongs to the brand that has proved it. Entering an address without proof reserves it for no
// brand.

interface Mailbox {
  id: string;
  brandId: string;
  isProved: boolean;
  isActive: boolean;
  connectionStatus: string;
  connectionError: string | null;
}
interface Answer {
  message: string;
  emailAccount: Mailbox;
  voicemailAccount: { id: string; isProved: boolean; isActive: boolean; inactiveReason: string | null };
}

let app: TestApp;
let squatter: BrandOwner;
let owner: BrandOwner;
let admin: BrandOwner["request"];
let works = true;
let count = 0;
const fresh = () => ({ email: `ceo${count++}@victim.example`, phoneNumber: `+1202555${1000 + count}` });

beforeAll(async () => {
  app = await startApp({
    deps: { verifyMailbox: async () => (works ? { ok: true } : { ok: false, reason: "wrong password" }) },
  });
  await setLimits(app.store, { mailboxLoginsPerMinute: 1000, mailboxLoginsPerDay: 1000 });
  [squatter, owner] = [await createBrandOwner(app, "squatter"), await createBrandOwner(app, "owner")];
  admin = requestAs(app, await app.admin());
});
afterAll(() => app.close());

const LOGIN = { port: 587, security: "STARTTLS", username: "ceo", password: "s3cret" };
const NO_PASSWORD = { username: undefined, password: undefined };
async function add(by: BrandOwner["request"], email: string, loginWorks: boolean, more: object = {}) {
  works = loginWorks;
  const order = { ...LOGIN, host: "1.1.1.1", email, allowUnverified: true, ...more };
  const answer = await by<Answer>("POST", "/api/email-accounts", order);
  works = true;
  return answer;
}
const mailbox = async ({ id }: Mailbox) => (await admin<Answer>("GET", `/api/email-accounts/${id}`)).body.emailAccount;

describe("mailbox whose login has never worked", () => {
  test("reserves its address for no brand: the brand that proves it gets it, and the other mailbox is disconnected", async () => {
    const { email } = fresh();
    const typed = await add(squatter.request, email, false);
    expect(typed.body.emailAccount).toMatchObject({ isProved: false, connectionStatus: "ERROR" });
    const proved = await add(owner.request, email, true);
    expect([proved.status, proved.body.emailAccount?.isProved]).toEqual([200, true]);
    expect(await mailbox(typed.body.emailAccount)).toMatchObject({
      isProved: false,
      isActive: false,
      connectionStatus: "DISCONNECTED",
      connectionError: "This address cannot be used: ask an admin",
    });
    // A working login on the other brand's own server does not help: the address is proved elsewhere.
    const path = `/api/email-accounts/${typed.body.emailAccount.id}`;
    for (const refused of [
      await squatter.request<Answer>("POST", `${path}/test-connection`),
      await squatter.request<Answer>("PATCH", path, { password: "another" }),
    ])
      expect([refused.status, refused.body.message]).toEqual([409, "This address cannot be used: ask an admin"]);
    expect(await mailbox(proved.body.emailAccount)).toMatchObject({ isProved: true, connectionStatus: "CONNECTED" });
  });

  test("coexists with unproved mailboxes of other brands at the same address, which stay hidden", async () => {
    const { email } = fresh();
    expect((await add(squatter.request, email, false)).status).toBe(200);
    expect((await add(owner.request, email, false)).status).toBe(200);
    expect((await add(owner.request, email, false)).status).toBe(409);
  });

  test("is proved by a successful connection test and stays proved when a later test fails", async () => {
    const { email } = fresh();
    const { id } = (await add(owner.request, email, false)).body.emailAccount;
    const check = async (loginWorks: boolean) => {
      works = loginWorks;
      const { body } = await owner.request<Answer>("POST", `/api/email-accounts/${id}/test-connection`);
      works = true;
      return body.emailAccount.isProved;
    };
    expect([await check(false), await check(true), await check(false)]).toEqual([false, true, true]);
  });
});

describe("proved mailbox", () => {
  test("its address is refused to other brands with a message that names no brand", async () => {
    const { email } = fresh();
    await add(owner.request, email, true);
    for (const loginWorks of [true, false]) {
      const refused = await add(squatter.request, email, loginWorks);
      expect([refused.status, refused.body.message]).toEqual([409, "This address cannot be used: ask an admin"]);
    }
  });

  test("loses its proof when its login is changed to one that does not work", async () => {
    const { email } = fresh();
    const { id } = (await add(squatter.request, email, true)).body.emailAccount;
    works = false;
    const change = { password: "wrong", allowUnverified: true };
    const { body } = await squatter.request<Answer>("PATCH", `/api/email-accounts/${id}`, change);
    works = true;
    expect(body.emailAccount.isProved).toBe(false);
    expect((await add(owner.request, email, true)).body.emailAccount.isProved).toBe(true);
  });

  test("can be assigned to another brand by an admin", async () => {
    const { email } = fresh();
    const { id: accountId } = (await add(squatter.request, email, true)).body.emailAccount;
    const order = { accountId, brandId: owner.brandId };
    expect((await admin("POST", "/api/auth/admin/assign-email-account", order)).status).toBe(200);
    expect((await owner.request<Answer>("GET", `/api/email-accounts/${accountId}`)).body.emailAccount.isProved).toBe(
      true,
    );
    expect((await squatter.request("GET", `/api/email-accounts/${accountId}`)).status).toBe(404);
  });

  test("cannot be assigned to a brand that already has an account for its address", async () => {
    const { email } = fresh();
    await add(owner.request, email, false);
    const { id: accountId } = (await add(squatter.request, email, true)).body.emailAccount;
    const order = { accountId, brandId: owner.brandId };
    expect((await admin("POST", "/api/auth/admin/assign-email-account", order)).status).toBe(409);
  });
});

test("mailbox server without authentication: a user's test proves nothing, an admin's test proves the address", async () => {
  const { email } = fresh();
  const open = await add(squatter.request, email, true, NO_PASSWORD);
  expect(open.body.emailAccount).toMatchObject({ connectionStatus: "CONNECTED", isProved: false });
  const { id } = (await add(owner.request, email, true, NO_PASSWORD)).body.emailAccount;
  expect((await admin<Answer>("POST", `/api/email-accounts/${id}/test-connection`)).body.emailAccount.isProved).toBe(
    true,
  );
  expect((await mailbox(open.body.emailAccount)).connectionStatus).toBe("DISCONNECTED");
});

test("two brands that prove one address at the same time: one succeeds and the other gets CONFLICT", async () => {
  for (let round = 0; round < 5; round++) {
    const { email } = fresh();
    const ids = [
      (await add(squatter.request, email, false)).body.emailAccount.id,
      (await add(owner.request, email, false)).body.emailAccount.id,
    ];
    const rows = await app.store.read.select().from(emailAccounts).where(eq(emailAccounts.email, email));
    const connected: LoginTest = { status: "CONNECTED", error: null, provesOwnership: true };
    const answers = await Promise.allSettled(
      rows.map((row) => app.store.write((tx) => saveLoginTest(tx, row, connected))),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(answers.find(({ status }) => status === "rejected")).toMatchObject({ reason: { code: "CONFLICT" } });
    const after = await app.store.read.select().from(emailAccounts).where(eq(emailAccounts.email, email));
    expect(after.filter(({ provedAt }) => provedAt !== null)).toHaveLength(1);
    expect(ids).toHaveLength(2);
  }
});

describe("voicemail number", () => {
  const CREATE = "/api/auth/admin/create-voicemail-account";
  const type = (by: BrandOwner, phoneNumber: string) =>
    by.request<Answer>("POST", "/api/voicemail-accounts", { phoneNumber });
  const rowsOf = (phoneNumber: string) =>
    app.store.read.select().from(voicemailAccounts).where(eq(voicemailAccounts.phoneNumber, phoneNumber));

  test("added by a user is unproved, and is deactivated when an admin adds it for another brand", async () => {
    const { phoneNumber } = fresh();
    const typed = await type(squatter, phoneNumber);
    expect(typed.body.voicemailAccount).toMatchObject({ isProved: false, isActive: true });
    expect((await type(owner, phoneNumber)).status).toBe(200);
    const made = await admin<Answer>("POST", CREATE, { brandId: owner.brandId, phoneNumber });
    expect(made.status).toBe(200);
    const rows = await rowsOf(phoneNumber);
    expect(rows).toHaveLength(2);
    expect(rows.find(({ provedAt }) => provedAt !== null)).toMatchObject({ brandId: owner.brandId, isActive: true });
    const path = `/api/voicemail-accounts/${typed.body.voicemailAccount.id}`;
    expect((await squatter.request<Answer>("GET", path)).body.voicemailAccount).toMatchObject({
      isActive: false,
      inactiveReason: "This number cannot be used: ask an admin",
    });
    expect((await squatter.request("PATCH", path, { isActive: true })).status).toBe(409);
    expect((await squatter.request("PATCH", path, { displayName: "Still here" })).status).toBe(200);
  });

  test("once proved is refused to users without naming the brand, and the brand is named to an admin", async () => {
    const { phoneNumber } = fresh();
    await admin("POST", CREATE, { brandId: owner.brandId, phoneNumber });
    const refused = await type(squatter, phoneNumber);
    expect([refused.status, refused.body.message]).toEqual([409, "This number cannot be added: ask an admin"]);
    const again = await admin<Answer>("POST", CREATE, { brandId: squatter.brandId, phoneNumber });
    expect(again.status).toBe(409);
    expect(again.body).toMatchObject({ brandId: owner.brandId });
  });
});

describe("delivery with unproved mailboxes", () => {
  let world: OutreachApp;
  beforeAll(async () => {
    world = await startOutreachApp();
  });
  afterAll(() => world.close());

  test("a message waits with SENDER_UNPROVED and is sent when its mailbox is proved", async () => {
    const stage = await world.createLaunched({ people: 1, delays: [0] });
    const boxes = eq(emailAccounts.brandId, stage.brandId);
    await world.store.write((tx) => tx.update(emailAccounts).set({ provedAt: null }).where(boxes));
    await world.run();
    expect(world.channel.sent).toEqual([]);
    expect(await world.listMessages(stage.campaignId)).toMatchObject([
      { status: "PENDING", errorMessage: "SENDER_UNPROVED" },
    ]);
    const [row] = await world.store.read.select().from(emailAccounts).where(boxes);
    if (!row) throw new Error("the stage has no mailbox");
    const connected: LoginTest = { status: "CONNECTED", error: null, provesOwnership: true };
    await world.store.write((tx) => saveLoginTest(tx, row, connected));
    await world.run();
    expect(await world.listMessages(stage.campaignId)).toMatchObject([{ status: "SENT", errorMessage: null }]);
  });

  test("no conversation starts from an unproved mailbox while a proved one exists", async () => {
    const stage = await world.createDraft({ people: 4, mailboxes: 2, delays: [0] });
    const [first] = await world.store.read.select().from(emailAccounts).where(eq(emailAccounts.brandId, stage.brandId));
    await world.store.write((tx) =>
      tx
        .update(emailAccounts)
        .set({ provedAt: null })
        .where(eq(emailAccounts.id, first?.id ?? "")),
    );
    await world.launch(stage);
    await world.run();
    const messages = await world.listMessages(stage.campaignId);
    expect(messages.map(({ status }) => status)).toEqual(Array(4).fill("SENT"));
    expect(messages.some(({ senderId }) => senderId === first?.id)).toBe(false);
  });
});
