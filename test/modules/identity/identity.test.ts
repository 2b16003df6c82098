import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { sql } from "drizzle-orm";
import { apiKeys, sessions, users } from "../../../src/db/schema/identity.ts";
import { DAY, MINUTE, VirtualClock } from "../../../src/lib/clock.ts";
import { deleteEndedSessions } from "../../../src/modules/identity/users.ts";
import { PASSWORD } from "../../support/api-client.ts";
import { startApp, type TestApp } from "../../support/app.ts";
import { createKeyFor, firstCookie, getUserId, requestSession, requestSignIn } from "../../support/auth-helpers.ts";

setDefaultTimeout(20_000);

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

describe("sign-in and sign-up", () => {
  test("a bearer token, a cookie and an API key all authenticate the user", async () => {
    await app.signUp("Ways@Example.com");
    const answer = await requestSignIn(app, "WAYS@example.com");
    const { key } = await createKeyFor(app, answer.body.token);
    for (const headers of [
      { authorization: `Bearer ${answer.body.token}` },
      { cookie: `theme=dark; ${firstCookie(answer)}` },
      { "x-api-key": key },
    ]) {
      const { status, body } = await requestSession(app, { headers });
      expect(status).toBe(200);
      expect(body).toMatchObject({ success: true, user: { email: "ways@example.com", role: "user", brandId: null } });
    }
  });

  test("the session cookie is HttpOnly and SameSite=Lax", async () => {
    await app.signUp("cookie@example.com");
    const [cookie] = (await requestSignIn(app, "cookie@example.com")).headers.getSetCookie();
    expect(cookie).toMatch(/^reprise\.session_token=.*; Max-Age=604800; Path=\/; HttpOnly; SameSite=Lax$/);
  });

  test("cookies are Secure with the __Host- prefix when the public URL is https", async () => {
    const secure = await startApp({ config: { publicUrl: "https://reprise.example.com" } });
    await secure.signUp("a@example.com");
    const answer = await requestSignIn(secure, "a@example.com");
    expect(answer.headers.getSetCookie()[0]).toMatch(
      /^__Host-reprise\.session_token=[^;]*; Max-Age=604800; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    expect(answer.headers.getSetCookie()[1]).toMatch(/^__Host-reprise\.device-[^;]*; .*Path=\/; HttpOnly; .*; Secure$/);
    const headers = { cookie: firstCookie(answer) };
    expect((await requestSession(secure, { headers })).status).toBe(200);
    const body = { currentPassword: PASSWORD, newPassword: "a brand new password" };
    const changed = await secure.request("POST", "/api/auth/change-password", { headers, body });
    expect(firstCookie(changed)).toStartWith("__Host-reprise.session_token=");
    const left = await secure.request("POST", "/api/auth/sign-out", { headers: { cookie: firstCookie(changed) } });
    // A browser deletes a cookie only when name and attributes match.
    expect(left.headers.getSetCookie()[0]).toMatch(
      /^__Host-reprise\.session_token=; Max-Age=0; Path=\/; HttpOnly; Secure/,
    );
    expect((await requestSession(secure, { headers: { cookie: firstCookie(changed) } })).status).toBe(401);
    await secure.close();
  });

  test("the session response contains the brand that the user owns", async () => {
    const token = await app.signUp("owner@example.com");
    const brand = await app.request<{ brand: { id: string } }>("POST", "/api/brands", { token, body: { name: "B" } });
    expect((await requestSession(app, { token })).body).toMatchObject({ user: { brandId: brand.body.brand.id } });
  });

  test("a wrong password and an unknown address get the same response", async () => {
    await app.signUp("known@example.com");
    const [wrong, unknown] = [
      await requestSignIn(app, "known@example.com", "not the password"),
      await requestSignIn(app, "un@example.com"),
    ];
    expect(wrong.status).toBe(401);
    expect(unknown.status).toBe(401);
    const { requestId: _, ...same } = wrong.body as unknown as Record<string, unknown>;
    expect(unknown.body as unknown).toMatchObject(same);
  });

  test("a password matches in any Unicode composition", async () => {
    const body = { email: "umlaut@example.com", password: "za\u0308hlebo\u0308gen", name: "U" };
    expect((await app.request("POST", "/api/auth/sign-up/email", { body })).status).toBe(200);
    expect((await requestSignIn(app, "umlaut@example.com", "z\u00e4hleb\u00f6gen")).status).toBe(200);
  });

  test("sign-up with a known address answers 409 in any case of letters", async () => {
    await app.signUp("twice@example.com");
    const body = { email: "TWICE@example.com", password: PASSWORD, name: "T" };
    expect(await app.request("POST", "/api/auth/sign-up/email", { body })).toMatchObject({
      status: 409,
      body: { code: "CONFLICT" },
    });
  });

  test("sign-up with role admin creates a user", async () => {
    const body = { email: "climber@example.com", password: PASSWORD, name: "C", role: "admin" };
    const answer = await app.request("POST", "/api/auth/sign-up/email", { body });
    expect(answer.body).toMatchObject({ user: { role: "user" } });
  });

  test("closed sign-up answers 403, and admins still create users", async () => {
    const closed = await startApp({ config: { signUp: "closed" } });
    const body = { email: "new@example.com", password: PASSWORD, name: "N" };
    expect((await closed.request("POST", "/api/auth/sign-up/email", { body })).status).toBe(403);
    const token = await closed.admin();
    const made = await closed.request("POST", "/api/auth/admin/create-user", { token, body });
    expect(made).toMatchObject({ status: 200, body: { user: { email: "new@example.com", role: "user" } } });
    expect((await requestSignIn(closed, "new@example.com")).status).toBe(200);
    await closed.close();
  });

  test.each([
    ["email", { email: "not-an-address", password: PASSWORD, name: "N" }],
    ["password", { email: "short@example.com", password: "123456789", name: "N" }],
    ["password", { email: "long@example.com", password: "x".repeat(129), name: "N" }],
    ["name", { email: "noname@example.com", password: PASSWORD }],
  ])("invalid sign-up input is answered with 422 and the field %s", async (field, body) => {
    const answer = await app.request("POST", "/api/auth/sign-up/email", { body });
    expect(answer).toMatchObject({ status: 422, body: { code: "INVALID", details: [{ field }] } });
  });
});

describe("sign-out and password change", () => {
  test("a signed-out session answers 401", async () => {
    const token = await app.signUp("out@example.com");
    const answer = await app.request("POST", "/api/auth/sign-out", { token });
    expect(answer.status).toBe(200);
    expect(answer.headers.getSetCookie()[0]).toContain("Max-Age=0");
    expect((await requestSession(app, { token })).status).toBe(401);
  });

  test("a session expires after seven days, and is then deleted by the cleanup", async () => {
    const clock = new VirtualClock(Date.now());
    const other = await startApp({ clock });
    const token = await other.signUp("seven@example.com");
    clock.advance(7 * DAY - MINUTE);
    expect((await requestSession(other, { token })).status).toBe(200);
    expect(await other.store.write(deleteEndedSessions)).toBe(0);
    clock.advance(MINUTE);
    expect((await requestSession(other, { token })).status).toBe(401);
    expect(await other.store.write(deleteEndedSessions)).toBe(1);
    await other.close();
  });

  test("a modified token and the token as stored in the database answer 401", async () => {
    const token = await app.signUp("tamper@example.com");
    const [bare = ""] = token.split(".");
    for (const forged of [
      bare,
      `${bare}.`,
      `x${token}`,
      `${token.slice(0, -2)}${token.endsWith("A=") ? "E" : "A"}=`,
      `.${token}`,
    ])
      expect((await requestSession(app, { token: forged })).status).toBe(401);
  });

  test("change-password ends all sessions and returns a new token for the present one", async () => {
    const token = await app.signUp("change@example.com");
    const other = await app.signIn("change@example.com");
    const change = (currentPassword: string, more = {}) =>
      app.request<{ token: string | null }>("POST", "/api/auth/change-password", {
        token,
        body: { currentPassword, newPassword: "a brand new password", ...more },
      });
    expect(await change("wrong")).toMatchObject({ status: 422, body: { details: [{ field: "currentPassword" }] } });
    const changed = await change(PASSWORD);
    expect(changed.status).toBe(200);
    for (const old of [token, other]) expect((await requestSession(app, { token: old })).status).toBe(401);
    expect((await requestSession(app, { token: changed.body.token ?? "" })).status).toBe(200);
    expect((await requestSession(app, { headers: { cookie: firstCookie(changed) } })).status).toBe(200);
    expect((await requestSignIn(app, "change@example.com")).status).toBe(401);
    expect((await requestSignIn(app, "change@example.com", "a brand new password")).status).toBe(200);
  });

  test("change-password with revokeOtherSessions false keeps all sessions", async () => {
    const token = await app.signUp("leave@example.com");
    const body = { currentPassword: PASSWORD, newPassword: "a brand new password", revokeOtherSessions: false };
    const answer = await app.request("POST", "/api/auth/change-password", { token, body });
    expect(answer).toMatchObject({ status: 200, body: { token: null } });
    expect((await requestSession(app, { token })).status).toBe(200);
  });
});

describe("API keys", () => {
  test("a key is shown once, listed without its secret, and answers 401 after it was revoked", async () => {
    const token = await app.signUp("keys@example.com");
    const { id, key } = await createKeyFor(app, token, { expiresInDays: 30 });
    const list = await app.request<{ data: unknown[] }>("GET", "/api/auth/api-keys", { token });
    expect(list.body.data).toMatchObject([{ id, name: "k", start: key.slice(0, 12) }]);
    expect(list.text).not.toContain(key.slice(12));
    const stranger = await app.signUp("keythief@example.com");
    expect((await app.request("DELETE", `/api/auth/api-keys/${id}`, { token: stranger })).status).toBe(404);
    expect((await requestSession(app, { headers: { "x-api-key": key } })).status).toBe(200);
    expect((await app.request("DELETE", `/api/auth/api-keys/${id}`, { token })).status).toBe(200);
    expect((await requestSession(app, { headers: { "x-api-key": key } })).status).toBe(401);
  });

  test("an expired key answers 401", async () => {
    const token = await app.signUp("keydays@example.com");
    const { id, key } = await createKeyFor(app, token, { expiresInDays: 1 });
    const past = app.clock.now() - 1;
    await app.store.write((tx) => tx.update(apiKeys).set({ expiresAt: past }).where(sql`${apiKeys.id} = ${id}`));
    expect((await requestSession(app, { headers: { "x-api-key": key } })).status).toBe(401);
  });

  test("a key cannot create keys or change the password", async () => {
    const { key } = await createKeyFor(app, await app.signUp("keychild@example.com"));
    const headers = { "x-api-key": key };
    expect((await app.request("POST", "/api/auth/api-keys", { headers, body: { name: "child" } })).status).toBe(403);
    const body = { currentPassword: PASSWORD, newPassword: "a brand new password" };
    expect((await app.request("POST", "/api/auth/change-password", { headers, body })).status).toBe(403);
  });

  test("a key takes precedence over a cookie in the same request", async () => {
    const { key } = await createKeyFor(app, await app.signUp("keyfirst@example.com"));
    await app.signUp("cookiesecond@example.com");
    const cookie = firstCookie(await requestSignIn(app, "cookiesecond@example.com"));
    const headers = { "x-api-key": key, cookie };
    expect((await requestSession(app, { headers })).body).toMatchObject({ user: { email: "keyfirst@example.com" } });
    await app.request("POST", "/api/auth/sign-out", { headers });
    expect((await requestSession(app, { headers: { cookie } })).status).toBe(200);
  });
});

test("sessions and users: the stored rows have the fields of the schema", async () => {
  const token = await app.signUp("rows@example.com");
  const userId = await getUserId(app, token);
  const [row] = await app.store.read.select().from(sessions).where(sql`${sessions.userId} = ${userId}`);
  expect(row).toMatchObject({ token: token.split(".")[0], impersonatedBy: null });
  expect((row?.expiresAt ?? 0) - (row?.createdAt ?? 0)).toBe(7 * DAY);
  const [user] = await app.store.read.select().from(users).where(sql`${users.id} = ${userId}`);
  expect(user).toMatchObject({ email: "rows@example.com", emailVerified: true, banned: false });
});
