import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { sql } from "drizzle-orm";
import { HOUR, VirtualClock } from "../../../src/lib/clock.ts";
import { createAdmin, createBootstrapToken } from "../../../src/modules/identity/bootstrap-admin.ts";
import { banUser, setRole } from "../../../src/modules/identity/users.ts";
import { PASSWORD } from "../../support/api-client.ts";
import { startApp, type TestApp } from "../../support/app.ts";
import {
  createKeyFor,
  firstCookie,
  getUserId,
  requestSession,
  requestSignIn,
  type SignInView,
} from "../../support/auth-helpers.ts";

setDefaultTimeout(20_000);

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

describe("access control of routes", () => {
  const open = [
    "POST /api/auth/sign-up/email",
    "POST /api/auth/sign-in/email",
    "GET /api/auth/claim",
    "POST /api/auth/claim",
    "POST /api/auth/send-verification",
    "GET /api/auth/verify-email",
    "POST /api/auth/verify-email",
    "GET /api/auth/invitation",
    "POST /api/auth/accept-invitation",
    "GET /api/profile-images/:name",
    "GET /api/health/",
    "GET /api/health/database",
    "GET /api/health/queue",
    "GET /api/health/redis",
    "GET /swagger",
    "GET /swagger/initializer.js",
    "GET /swagger/swagger-ui-bundle.js",
    "GET /swagger/swagger-ui.css",
    "GET /swagger/favicon.png",
    "GET /swagger/json",
    "GET /u/:token",
    "POST /u/:token",
    "POST /api/webhooks/chargebee",
  ];

  test("requests without a session get 401 from every route that is not public", async () => {
    const closed = app.app.routes.filter(({ method, path }) => !open.includes(`${method} ${path}`));
    expect(closed.length).toBeGreaterThan(90);
    for (const { method, path } of closed) {
      const { status } = await app.request(method, path.replace(/:\w+/g, "x"), method === "GET" ? {} : { body: {} });
      expect([`${method} ${path}`, status]).toEqual([`${method} ${path}`, 401]);
    }
  });

  test("users get 403 from every admin route", async () => {
    const token = await app.signUp("plain@example.com");
    const routes = app.app.routes.filter(({ path }) => path.startsWith("/api/auth/admin/"));
    expect(routes.length).toBe(36);
    for (const { method, path } of routes)
      expect((await app.request(method, path, { token, ...(method === "GET" ? {} : { body: {} }) })).status).toBe(403);
  });

  test("a cookie sent from another site's page is refused with 403 for writes", async () => {
    await app.signUp("csrf@example.com");
    const cookie = firstCookie(await requestSignIn(app, "csrf@example.com"));
    const create = (headers: Record<string, string>) =>
      app.request("POST", "/api/brands", { headers: { cookie, ...headers }, body: { name: "B" } });
    for (const origin of ["https://evil.example", "null", "http://localhost.evil.example"])
      expect((await create({ origin })).status).toBe(403);
    expect((await requestSession(app, { headers: { cookie, origin: "https://evil.example" } })).status).toBe(200);
    expect((await create({ origin: "http://localhost:3000" })).status).toBe(200);
    expect((await create({ origin: "http://localhost" })).status).toBe(409);
  });

  test("sign-in from another site's page is refused with 403", async () => {
    await app.signUp("csrfin@example.com");
    expect((await requestSignIn(app, "csrfin@example.com", PASSWORD, { origin: "https://evil.example" })).status).toBe(
      403,
    );
  });
});

describe("admin routes for users", () => {
  const postAdmin = (path: string, token: string, body: object) =>
    app.request("POST", `/api/auth/admin/${path}`, { token, body });

  test("ban-user ends sessions and API keys at once, and unban-user allows only a new sign-in", async () => {
    const [adminToken, token] = [await app.admin(), await app.signUp("banned@example.com")];
    const [userId, { key }] = [await getUserId(app, token), await createKeyFor(app, token)];
    expect((await postAdmin("ban-user", adminToken, { userId })).status).toBe(200);
    expect((await requestSession(app, { token })).status).toBe(401);
    expect((await requestSession(app, { headers: { "x-api-key": key } })).status).toBe(401);
    expect(await requestSignIn(app, "banned@example.com")).toMatchObject({ status: 403, body: { code: "FORBIDDEN" } });
    expect((await requestSignIn(app, "banned@example.com", "not the password")).status).toBe(401);
    expect((await postAdmin("unban-user", adminToken, { userId })).status).toBe(200);
    expect((await requestSession(app, { token })).status).toBe(401);
    // A ban revokes keys permanently.
    expect((await requestSession(app, { headers: { "x-api-key": key } })).status).toBe(401);
    expect((await requestSignIn(app, "banned@example.com")).status).toBe(200);
  });

  test("set-role applies to open sessions at once", async () => {
    const [adminToken, token] = [await app.admin(), await app.signUp("riser@example.com")];
    const userId = await getUserId(app, token);
    await postAdmin("set-role", adminToken, { userId, role: "admin" });
    expect((await requestSession(app, { token })).body).toMatchObject({ user: { role: "admin" } });
    await postAdmin("set-role", adminToken, { userId, role: "user" });
    expect((await postAdmin("set-role", token, { userId, role: "admin" })).status).toBe(403);
  });

  test("revoke-sessions ends all sessions of a user", async () => {
    const [adminToken, token] = [await app.admin(), await app.signUp("everywhere@example.com")];
    const second = await app.signIn("everywhere@example.com");
    await postAdmin("revoke-sessions", adminToken, { userId: await getUserId(app, token) });
    for (const ended of [token, second]) expect((await requestSession(app, { token: ended })).status).toBe(401);
  });

  test("every route answers 404 for an unknown user", async () => {
    const adminToken = await app.admin();
    for (const path of ["ban-user", "unban-user", "revoke-sessions"])
      expect((await postAdmin(path, adminToken, { userId: "unknown" })).status).toBe(404);
    expect((await postAdmin("set-role", adminToken, { userId: "unknown", role: "user" })).status).toBe(404);
  });

  test("the last admin cannot be banned or demoted, and of two concurrent removals one fails", async () => {
    const other = await startApp();
    const [first, second] = [await other.admin(), await other.admin()];
    const ids: string[] = [];
    for (const token of [first, second])
      ids.push((await other.request<SignInView>("GET", "/api/auth/session", { token })).body.user.id);
    const [one = "", two = ""] = ids;
    const results = await Promise.allSettled([
      other.store.write((tx) => setRole(tx, one, "user")),
      other.store.write((tx) => banUser(tx, two)),
    ]);
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const [token, userId] = results[0].status === "rejected" ? [first, one] : [second, two];
    for (const path of ["ban-user", "set-role"]) {
      const body = { userId, role: "user" };
      expect((await other.request("POST", `/api/auth/admin/${path}`, { token, body })).status).toBe(409);
    }
    await other.close();
  });
});

describe("bootstrap admin", () => {
  const claimed = (at: TestApp, token: string | null, email = "boss@example.com") =>
    at.request("POST", "/api/auth/claim", { body: { token, email, password: PASSWORD, name: "Boss" } });

  test("claim creates one admin, with the latest token only, and stores the token as a hash", async () => {
    const fresh = await startApp();
    const [old, token] = [await createBootstrapToken(fresh.store), await createBootstrapToken(fresh.store)];
    const [kept] = await fresh.store.read.all<{ value: string }>(sql`select value from settings where name = 'claim'`);
    expect(kept?.value).toMatch(/^[0-9a-f]{64}$/);
    expect((await claimed(fresh, old)).status).toBe(403);
    const answers = await Promise.all([claimed(fresh, token), claimed(fresh, token, "late@example.com")]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 403]);
    expect(answers.find(({ status }) => status === 200)?.body).toMatchObject({ user: { role: "admin" } });
    expect((await claimed(fresh, token)).status).toBe(403);
    expect(await createBootstrapToken(fresh.store)).toBeNull();
    await fresh.close();
  });

  test.each([
    ["just under 24 hours old", -1, 200],
    ["24 hours old", 0, 403],
  ])("claim with a link that is %s (%d ms) is answered %d", async (_, more, status) => {
    const clock = new VirtualClock(Date.now());
    const fresh = await startApp({ clock });
    const token = await createBootstrapToken(fresh.store);
    clock.advance(24 * HOUR + more);
    expect((await claimed(fresh, token)).status).toBe(status);
    // The next start creates another link unless the last one was used.
    expect((await createBootstrapToken(fresh.store)) === null).toBe(status === 200);
    await fresh.close();
  });

  test("an admin created on the command line voids the claim link", async () => {
    const fresh = await startApp();
    const token = await createBootstrapToken(fresh.store);
    await createAdmin(fresh.store, { email: "cli@example.com", password: PASSWORD, name: "C" });
    expect((await claimed(fresh, token)).status).toBe(403);
    await fresh.close();
  });

  test("claim ends the sessions and keys of a user who registered the address before", async () => {
    const fresh = await startApp();
    const squatter = await fresh.signUpUnverified("boss@example.com");
    const body = { name: "k" };
    const made = await fresh.request<{ key: string }>("POST", "/api/auth/api-keys", { token: squatter, body });
    expect((await claimed(fresh, await createBootstrapToken(fresh.store))).status).toBe(200);
    expect((await requestSession(fresh, { token: squatter })).status).toBe(401);
    expect((await requestSession(fresh, { headers: { "x-api-key": made.body.key } })).status).toBe(401);
    await fresh.close();
  });

  test("the claim page loads no files, runs only its own script, and takes the token from the URL fragment", async () => {
    const page = await app.request("GET", "/api/auth/claim?token=abc");
    expect(page.status).toBe(200);
    expect(page.headers.get("content-security-policy")).toMatch(/^default-src 'none'; style-src 'sha256-/);
    expect(page.headers.get("content-security-policy")).not.toContain("unsafe");
    expect(page.text).not.toMatch(/https?:|src=|abc/);
    // The fragment is not sent to the server by a browser.
    expect(page.text).toContain("location.hash");
    expect(page.text).not.toContain("location.search");
  });
});
