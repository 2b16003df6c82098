import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { simpleParser } from "mailparser";
import { openSystemMail } from "../../../src/channels/email/system-mail.ts";
import { brands } from "../../../src/db/schema/brands.ts";
import { users, verifications } from "../../../src/db/schema/identity.ts";
import { DAY, MINUTE, VirtualClock } from "../../../src/lib/clock.ts";
import { deleteExpiredAccounts } from "../../../src/modules/identity/accounts.ts";
import { deleteExpiredLinks } from "../../../src/modules/identity/verification.ts";
import { invitationsModule } from "../../../src/modules/invitations/routes.ts";
import { PASSWORD } from "../../support/api-client.ts";
import { startApp, type TestApp } from "../../support/app.ts";
import { createKeyFor, getUserId, requestSession, requestSignIn, type SignInView } from "../../support/auth-helpers.ts";
import { startSmtpServer, type TestSmtpServer } from "../../support/servers/smtp-server.ts";
import { waitUntil } from "../../support/servers/temp-server.ts";

setDefaultTimeout(60_000);

// An e-mail address belongs to an account only once it is proved, by a mailed link or by an admin.

const clock = new VirtualClock(Date.UTC(2026, 10, 23, 9));
const FROM = "Reprise <no-reply@service.example>";
let people = 0;
const fresh = () => `person${people++}@example.com`;

const signUp = (app: TestApp, email: string, password = PASSWORD) =>
  app.request<{ token?: string }>("POST", "/api/auth/sign-up/email", { body: { email, password, name: "Eve" } });
const verifiedOf = async (app: TestApp, email: string) =>
  (await app.store.read.select().from(users).where(eq(users.email, email)))[0]?.emailVerified;

interface Found {
  message: string;
  userId: string;
  name: string;
  emailVerified: boolean;
  brandId: string | null;
  user: { id: string; name: string; role: string; emailVerified: boolean; brandId: string | null };
}
const asAdmin = (app: TestApp, token: string) => (path: string, body: object) =>
  app.request<Found>("POST", `/api/auth/admin/${path}`, { token, body });

describe("sign-up without system mail", () => {
  let app: TestApp;
  let admin: ReturnType<typeof asAdmin>;
  beforeAll(async () => {
    app = await startApp({ clock });
    admin = asAdmin(app, await app.admin());
  });
  afterAll(() => app.close());

  test("creates an unverified account that cannot own a brand until an admin verifies it", async () => {
    const email = fresh();
    const token = await app.signUpUnverified(email);
    expect((await requestSession(app, { token })).body.user).toMatchObject({ emailVerified: false });
    const { body: found } = await admin("find-user-by-email", { email });
    expect(found).toMatchObject({ emailVerified: false, brandId: null });
    expect(found.message).toContain("has not proved this address");
    const create = () => app.request("POST", "/api/brands", { token, body: { name: "Big Customer" } });
    expect((await create()).status).toBe(409);
    const orphan = { token: await app.admin(), body: { name: "Given", ownerId: found.userId } };
    expect((await app.request("POST", "/api/brands", orphan)).status).toBe(409);
    expect((await admin("verify-user", { userId: found.userId })).body.user.emailVerified).toBe(true);
    expect((await admin("find-user-by-email", { email })).body.message).not.toContain("not proved");
    expect((await create()).status).toBe(200);
  });

  test("PATCH of a brand answers 409 for an unverified new owner", async () => {
    const adminToken = await app.admin();
    const made = await app.request<{ brand: { id: string } }>("POST", "/api/brands", {
      token: adminToken,
      body: { name: "B" },
    });
    const ownerId = await getUserId(app, await app.signUpUnverified(fresh()));
    const path = `/api/brands/${made.body.brand.id}`;
    expect((await app.request("PATCH", path, { token: adminToken, body: { ownerId } })).status).toBe(409);
  });

  test("create-user takes over an unverified account and revokes its sessions, keys, password and brand", async () => {
    const email = fresh();
    const squatter = await app.signUpUnverified(email);
    const id = await getUserId(app, squatter);
    const keys = [await createKeyFor(app, squatter), await createKeyFor(app, squatter, { kind: "SERVICE" })];
    // Unverified users cannot create brands; a brand assigned otherwise must be detached.
    await app.store.write((tx) =>
      tx
        .insert(brands)
        .values({ id: "squatted", name: "Big Customer", ownerId: id, createdAt: tx.now, updatedAt: tx.now }),
    );
    const password = "a donkey with a ladder";
    const { status, body } = await admin("create-user", { email, password, name: "The CEO", role: "admin" });
    expect(status).toBe(200);
    expect(body.user).toMatchObject({ name: "The CEO", role: "admin", emailVerified: true, brandId: null });
    expect((await requestSession(app, { token: squatter })).status).toBe(401);
    for (const { key } of keys) expect((await requestSession(app, { headers: { "x-api-key": key } })).status).toBe(401);
    expect((await requestSignIn(app, email)).status).toBe(401);
    const entered = await requestSignIn(app, email, password);
    expect((await requestSession(app, { token: entered.body.token })).body.user.id).toBe(body.user.id);
    const [brand] = await app.store.read.select().from(brands).where(eq(brands.id, "squatted"));
    expect(brand?.ownerId).toBeNull();
  });

  test("create-user answers 409 for a verified account", async () => {
    const email = fresh();
    await app.signUp(email);
    expect((await admin("create-user", { email, password: PASSWORD, name: "X" })).status).toBe(409);
  });

  test("send-verification answers 403 and refers to an admin", async () => {
    const answer = await app.request<{ message: string }>("POST", "/api/auth/send-verification", {
      body: { email: fresh() },
    });
    expect(answer.status).toBe(403);
    expect(answer.body.message).toContain("admin");
  });

  test("unverified accounts without a brand are deleted after two weeks, other accounts are kept", async () => {
    const [gone, verified, owner, banned] = [fresh(), fresh(), fresh(), fresh()];
    const token = await app.signUpUnverified(gone);
    const { key } = await createKeyFor(app, token);
    await app.signUp(verified);
    const ownerId = await getUserId(app, await app.signUpUnverified(owner));
    await app.store.write((tx) =>
      tx.insert(brands).values({ id: "old", name: "Old", ownerId, createdAt: tx.now, updatedAt: tx.now }),
    );
    const bannedId = await getUserId(app, await app.signUpUnverified(banned));
    expect((await admin("ban-user", { userId: bannedId })).status).toBe(200);
    clock.advance(13 * DAY);
    await app.store.write(deleteExpiredAccounts);
    expect(await verifiedOf(app, gone)).toBe(false);
    clock.advance(DAY + 1);
    expect(await app.store.write(deleteExpiredAccounts)).toBeGreaterThan(0);
    expect([await verifiedOf(app, gone), await verifiedOf(app, verified)]).toEqual([undefined, true]);
    expect([await verifiedOf(app, owner), await verifiedOf(app, banned)]).toEqual([false, false]);
    expect((await requestSession(app, { headers: { "x-api-key": key } })).status).toBe(401);
  });
});

describe("sign-up with system mail", () => {
  let app: TestApp;
  let server: TestSmtpServer;
  let admin: ReturnType<typeof asAdmin>;
  beforeAll(async () => {
    server = await startSmtpServer();
    const sendSystemMail = openSystemMail({ url: `smtp://127.0.0.1:${server.port}`, from: FROM });
    app = await startApp({ clock, deps: { sendSystemMail } });
    app.app.use(invitationsModule(app.deps, app.identity));
    admin = asAdmin(app, await app.admin());
  });
  afterAll(async () => {
    await app.close();
    await server.stop();
  });

  const mailsTo = (email: string) => server.received.filter(({ to }) => to === email);
  async function mailTo(email: string, nth = 1) {
    await waitUntil("the mail has arrived", async () => mailsTo(email).length >= nth, 10_000);
    return simpleParser(mailsTo(email)[nth - 1]?.raw ?? "");
  }
  const tokenIn = (text = "") => /#token=(\S+)/.exec(text)?.[1] ?? "";
  const verify = (token: string, password = PASSWORD) =>
    app.request<SignInView & { user: { emailVerified: boolean } }>("POST", "/api/auth/verify-email", {
      body: { token, password },
    });

  test("creates an account that can sign in only after the mailed link is opened", async () => {
    const email = fresh();
    const answer = await signUp(app, email);
    expect([answer.status, answer.body.token, answer.headers.getSetCookie()]).toEqual([202, undefined, []]);
    expect((await requestSignIn(app, email)).status).toBe(401);
    expect((await admin("find-user-by-email", { email })).body.emailVerified).toBe(false);
    const mail = await mailTo(email);
    expect([mail.from?.text, mail.headers.get("auto-submitted")]).toEqual([
      '"Reprise" <no-reply@service.example>',
      "auto-generated",
    ]);
    // The mail contains nothing entered at sign-up, as it may reach a stranger.
    expect(mail.text).not.toContain("Eve");
    const token = tokenIn(mail.text);
    const rows = JSON.stringify(await app.store.read.select().from(verifications));
    expect(rows).not.toContain(token.split(".")[1] ?? "none");
    const entered = await verify(token);
    expect(entered.body.user).toMatchObject({ emailVerified: true });
    expect((await requestSignIn(app, email)).status).toBe(200);
    expect((await verify(token)).status).toBe(403);
  });

  test("verify-email sets the password of the link's owner, and the password of the sign-up is invalid", async () => {
    const email = fresh();
    await signUp(app, email, "the squatter's choice");
    expect((await verify(tokenIn((await mailTo(email)).text), "a donkey with a ladder")).status).toBe(200);
    expect((await requestSignIn(app, email, "the squatter's choice")).status).toBe(401);
    expect((await requestSignIn(app, email, "a donkey with a ladder")).status).toBe(200);
  });

  test("sign-up and send-verification have the same response for new, unverified, verified and banned addresses", async () => {
    const [verified, banned, unverified, unknown] = [fresh(), fresh(), fresh(), fresh()];
    await admin("create-user", { email: verified, password: PASSWORD, name: "V" });
    const { user } = (await admin("create-user", { email: banned, password: PASSWORD, name: "B" })).body;
    await admin("ban-user", { userId: user.id });
    await signUp(app, unverified);
    const answers = new Set<string>();
    for (const email of [verified, banned, unverified, unknown]) {
      const { status, text } = await signUp(app, email);
      answers.add(`${status} ${text}`);
    }
    expect([...answers]).toHaveLength(1);
    const asked = new Set<string>();
    for (const email of [verified, banned, unverified, unknown, fresh()]) {
      const { status, text } = await app.request("POST", "/api/auth/send-verification", { body: { email } });
      asked.add(`${status} ${text}`);
    }
    expect([...asked]).toHaveLength(1);
    expect((await mailTo(verified)).subject).toContain("already have an account");
    expect((await requestSignIn(app, verified)).status).toBe(200);
    expect(mailsTo(banned)).toEqual([]);
  });

  test("an address gets one mail in ten minutes, and a newer link invalidates the older one", async () => {
    const email = fresh();
    const again = () => app.request("POST", "/api/auth/send-verification", { body: { email } });
    await signUp(app, email);
    const first = tokenIn((await mailTo(email)).text);
    for (let times = 0; times < 3; times++)
      expect([(await again()).status, (await signUp(app, email)).status]).toEqual([202, 202]);
    clock.advance(10 * MINUTE);
    await again();
    const second = tokenIn((await mailTo(email, 2)).text);
    expect(mailsTo(email)).toHaveLength(2);
    expect((await verify(first)).status).toBe(403);
    expect((await verify(second)).status).toBe(200);
  });

  test("a link expires after three days, and forged links answer 403", async () => {
    const email = fresh();
    await signUp(app, email);
    const token = tokenIn((await mailTo(email)).text);
    const [address = ""] = token.split(".");
    for (const forged of [`${address}.`, `${address}.x`, address, `.${token}`, `${token}x`, "x.y"])
      expect((await verify(forged)).status).toBe(403);
    clock.advance(3 * DAY);
    expect((await verify(token)).status).toBe(403);
    expect(await app.store.write(deleteExpiredLinks)).toBeGreaterThan(0);
  });

  test("verify-email after an admin verified the address: sets the password of that account", async () => {
    const email = fresh();
    admin = asAdmin(app, await app.admin());
    await signUp(app, email);
    const { userId } = (await admin("find-user-by-email", { email })).body;
    expect((await admin("verify-user", { userId })).status).toBe(200);
    const entered = await verify(tokenIn((await mailTo(email)).text));
    expect([entered.status, entered.body.user.id]).toEqual([200, userId]);
  });

  test("an invitation is mailed, and a failed mail is reported to the admin", async () => {
    const email = fresh();
    const body = { email, name: "Ada" };
    const invite = () =>
      app.request<{ mailed: boolean; mailError: string; token: string }>("POST", "/api/auth/admin/invitations", {
        token: adminToken,
        body,
      });
    const adminToken = await app.admin();
    const sent = await invite();
    expect(sent.body).toMatchObject({ mailed: true, mailError: null });
    expect(tokenIn((await mailTo(email)).text)).toBe(sent.body.token);
    await server.stop();
    const failed = await invite();
    expect([failed.status, failed.body.mailed]).toEqual([200, false]);
    expect(failed.body.mailError).toContain("ECONNREFUSED");
    // Sign-up answers 202 although its mail fails, and the failure is logged.
    expect((await signUp(app, fresh())).status).toBe(202);
    await waitUntil(
      "the failed mail is logged",
      async () => app.logged.some((line) => line.includes("system_mail.not_sent") && line.includes("LINK")),
      10_000,
    );
  });
});

test("openSystemMail: a server without TLS gets neither the password nor the mail", async () => {
  const server = await startSmtpServer({ login: { username: "system", password: "secret" } });
  const send = openSystemMail({ url: `smtp://system:secret@127.0.0.1:${server.port}`, from: FROM });
  await expect(send?.({ to: "a@example.com", subject: "x", text: "y" })).rejects.toThrow(/STARTTLS|TLS/i);
  await server.stop();
  expect(server.received).toEqual([]);
});
