import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { idempotencyKeys } from "../../../../src/db/schema/idempotency.ts";
import { apiKeys } from "../../../../src/db/schema/identity.ts";
import { DAY, MINUTE, VirtualClock } from "../../../../src/lib/clock.ts";
import { invitationsModule } from "../../../../src/modules/invitations/routes.ts";
import { PASSWORD } from "../../../support/api-client.ts";
import { startApp, type TestApp } from "../../../support/app.ts";
import { createKeyFor, getUserId, requestSession, requestSignIn } from "../../../support/auth-helpers.ts";

setDefaultTimeout(60_000);

// Check which events revoke which kind of API key.

const KEYS = "/api/auth/api-keys";
const clock = new VirtualClock(Date.UTC(2026, 10, 23, 9));
let app: TestApp;
let adminToken: string;
let people = 0;
beforeAll(async () => {
  app = await startApp({ clock });
  app.app.use(invitationsModule(app.deps, app.identity));
  adminToken = await app.admin();
});
afterAll(() => app.close());

interface Holder {
  email: string;
  token: string;
  userId: string;
  personal: string;
  service: string;
}

/** Signs up a user with one API key of each kind. */
async function createHolder(): Promise<Holder> {
  const email = `holder${people++}@example.com`;
  const token = await app.signUp(email);
  const [personal, service] = [await createKeyFor(app, token), await createKeyFor(app, token, { kind: "SERVICE" })];
  return { email, token, userId: await getUserId(app, token), personal: personal.key, service: service.key };
}

const statusOf = async (key: string) => (await requestSession(app, { headers: { "x-api-key": key } })).status;
const statuses = async ({ personal, service }: Holder) => [await statusOf(personal), await statusOf(service)];
const admin = (path: string, body: object) =>
  app.request("POST", `/api/auth/admin/${path}`, { token: adminToken, body }).then(({ status }) => status);
const byKey = (key: string, method: string, path: string, body?: object, headers = {}) =>
  app.request<{ key?: string; message: string }>(method, path, {
    ...(body === undefined ? {} : { body }),
    headers: { "x-api-key": key, ...headers },
  });

describe("API keys: a personal key is revoked and a service key stays valid", () => {
  test.each([true, false, undefined])(
    "when the password changes (revokeOtherSessions: %p)",
    async (revokeOtherSessions) => {
      const holder = await createHolder();
      expect(await statuses(holder)).toEqual([200, 200]);
      const body = { currentPassword: PASSWORD, newPassword: "a donkey with a ladder", revokeOtherSessions };
      const changed = await app.request("POST", "/api/auth/change-password", { token: holder.token, body });
      expect(changed.status).toBe(200);
      expect(await statuses(holder)).toEqual([401, 200]);
    },
  );

  test("when an admin revokes the sessions of the user", async () => {
    const holder = await createHolder();
    expect(await admin("revoke-sessions", { userId: holder.userId })).toBe(200);
    expect(await statuses(holder)).toEqual([401, 200]);
  });
});

test("API keys: revoking a session revokes the personal keys created in that session, and only these", async () => {
  const email = `holder${people++}@example.com`;
  const kept = await app.signUp(email);
  const stolen = await app.signIn(email);
  const [own, theirs] = [await createKeyFor(app, kept), await createKeyFor(app, stolen)];
  const service = await createKeyFor(app, stolen, { kind: "SERVICE" });
  const listed = await app.request<{ data: { id: string; current: boolean }[] }>("GET", "/api/auth/sessions", {
    token: kept,
  });
  const id = listed.body.data.find(({ current }) => !current)?.id;
  expect((await app.request("DELETE", `/api/auth/sessions/${id}`, { token: kept })).status).toBe(200);
  expect(await Promise.all([own.key, theirs.key, service.key].map(statusOf))).toEqual([200, 401, 200]);
});

test("API keys: signing out revokes no key", async () => {
  const token = await app.signUp(`holder${people++}@example.com`);
  const { key } = await createKeyFor(app, token);
  expect((await app.request("POST", "/api/auth/sign-out", { token })).status).toBe(200);
  expect(await statusOf(key)).toBe(200);
});

describe("API keys: personal and service keys are both revoked", () => {
  test("when the user is banned, and stay revoked after the ban is lifted", async () => {
    const holder = await createHolder();
    expect(await admin("ban-user", { userId: holder.userId })).toBe(200);
    expect(await admin("unban-user", { userId: holder.userId })).toBe(200);
    expect((await requestSignIn(app, holder.email)).status).toBe(200);
    expect(await statuses(holder)).toEqual([401, 401]);
  });

  test.each(["admin", "user"])("when the role of the user changes from %s", async (before) => {
    const holder = await createHolder();
    const { userId } = holder;
    if (before === "admin") {
      await admin("set-role", { userId, role: "admin" });
      holder.personal = (await createKeyFor(app, holder.token)).key;
      holder.service = (await createKeyFor(app, holder.token, { kind: "SERVICE" })).key;
    }
    expect(await admin("set-role", { userId, role: before })).toBe(200);
    expect(await statuses(holder)).toEqual([200, 200]);
    expect(await admin("set-role", { userId, role: before === "admin" ? "user" : "admin" })).toBe(200);
    expect(await statuses(holder)).toEqual([401, 401]);
  });
});

test("API keys: a password change with a wrong current password revokes no key", async () => {
  const holder = await createHolder();
  const body = { currentPassword: "not the password", newPassword: "a donkey with a ladder" };
  expect((await app.request("POST", "/api/auth/change-password", { token: holder.token, body })).status).toBe(422);
  expect(await statuses(holder)).toEqual([200, 200]);
});

test("API keys: by default a personal key expires after a year and a service key never expires", async () => {
  const holder = await createHolder();
  const { body } = await app.request<{ data: { kind: string; expiresAt: string | null }[] }>("GET", KEYS, holder);
  expect(body.data.map(({ kind, expiresAt }) => [kind, expiresAt])).toEqual([
    ["SERVICE", null],
    ["PERSONAL", new Date(clock.now() + 365 * DAY).toISOString()],
  ]);
});

describe("API key of an admin", () => {
  test("creates no user, invitation or key, and revokes no session of an admin: each request answers 403", async () => {
    const { key, id } = await createKeyFor(app, adminToken);
    const other = await app.admin();
    const userId = await getUserId(app, other);
    const victim = await createHolder();
    const person = { email: "made.by.key@example.com", password: PASSWORD, name: "X" };
    const asked: [string, string, object?][] = [
      ["POST", "/api/auth/admin/create-user", { ...person, role: "admin" }],
      ["POST", "/api/auth/admin/create-user", person],
      ["POST", "/api/auth/admin/invitations", { email: person.email, role: "admin" }],
      ["POST", "/api/auth/admin/invitations", { email: person.email }],
      ["POST", "/api/auth/admin/verify-user", { userId: victim.userId }],
      ["POST", "/api/auth/admin/set-role", { userId: victim.userId, role: "admin" }],
      ["POST", "/api/auth/admin/revoke-sessions", { userId }],
      ["POST", "/api/auth/admin/ban-user", { userId }],
      ["POST", "/api/auth/admin/unban-user", { userId }],
      ["POST", KEYS, { name: "another" }],
      ["DELETE", `${KEYS}/${id}`],
      ["DELETE", `/api/auth/admin/api-keys/${id}`],
      ["POST", "/api/auth/change-password", { currentPassword: PASSWORD, newPassword: "a donkey with a ladder" }],
    ];
    const answers: string[] = [];
    for (const [method, path, body] of asked) answers.push(`${path} ${(await byKey(key, method, path, body)).status}`);
    expect(answers).toEqual(asked.map(([, path]) => `${path} 403`));
    expect((await requestSession(app, { token: other })).status).toBe(200);
  });

  test("may ban a user", async () => {
    const { key } = await createKeyFor(app, adminToken);
    const { userId } = await createHolder();
    expect((await byKey(key, "POST", "/api/auth/admin/ban-user", { userId })).status).toBe(200);
  });
});

describe("secret of a new API key", () => {
  test("is returned once, and repeating the request with its Idempotency-Key answers 409 without the secret", async () => {
    const token = await app.admin();
    const { key } = await createKeyFor(app, token);
    const headers = { "idempotency-key": "make-a-key" };
    const order = { body: { name: "once" }, headers };
    const made = await app.request<{ key: string; id: string }>("POST", KEYS, { ...order, token });
    expect(made.body.key).toStartWith("reprise_");
    const asKey = await byKey(key, "POST", KEYS, order.body, headers);
    expect([asKey.status, asKey.body.key]).toEqual([403, undefined]);
    const again = await app.request<{ key?: string; message: string }>("POST", KEYS, { ...order, token });
    expect([again.status, again.body.key]).toEqual([409, undefined]);
    expect(again.body.message).toContain("shown only once");
    const [row] = await app.store.read.select().from(idempotencyKeys).where(eq(idempotencyKeys.key, "make-a-key"));
    const kept = app.deps.vault.decrypt(row?.answer ?? "", `idempotency_keys|${row?.userId} make-a-key|answer`);
    expect(kept).not.toContain(made.body.key);
    const mine = await app.request<{ data: { name: string }[] }>("GET", KEYS, { token });
    expect(mine.body.data.filter(({ name }) => name === "once")).toHaveLength(1);
  });
});

test("API keys: lastUsedAt is listed and written at most once in ten minutes", async () => {
  const token = await app.signUp("last.use@example.com");
  const { id, key } = await createKeyFor(app, token);
  const stored = async () => (await app.store.read.select().from(apiKeys).where(eq(apiKeys.id, id)))[0]?.lastRequest;
  const written = async (expected: number) => {
    for (let look = 0; look < 200 && (await stored()) !== expected; look++) await Bun.sleep(5);
    return stored();
  };
  const first = clock.now();
  expect(await stored()).toBeNull();
  for (let use = 0; use < 5; use++) expect(await statusOf(key)).toBe(200);
  expect(await written(first)).toBe(first);
  clock.advance(9 * MINUTE);
  const version = app.store.version();
  for (let use = 0; use < 5; use++) await statusOf(key);
  expect(app.store.version()).toBe(version);
  expect(await stored()).toBe(first);
  clock.advance(2 * MINUTE);
  await statusOf(key);
  expect(await written(first + 11 * MINUTE)).toBe(first + 11 * MINUTE);
  const { body } = await app.request<{ data: { lastUsedAt: string }[] }>("GET", KEYS, { token });
  expect(body.data[0]?.lastUsedAt).toBe(new Date(first + 11 * MINUTE).toISOString());
});

test("GET and DELETE /api/auth/admin/api-keys: an admin lists the keys of all users and revokes any of them", async () => {
  const holder = await createHolder();
  const list = (query: string) =>
    app.request<{ data: { id: string; userEmail: string; kind: string }[]; nextCursor: string | null }>(
      "GET",
      `/api/auth/admin/api-keys?${query}`,
      { token: adminToken },
    );
  const { body } = await list(`userId=${holder.userId}`);
  expect(body.data.map(({ kind, userEmail }) => [kind, userEmail])).toEqual([
    ["SERVICE", holder.email],
    ["PERSONAL", holder.email],
  ]);
  expect(JSON.stringify(body)).not.toContain(holder.service);
  expect((await list(`userId=${holder.userId}&kind=SERVICE`)).body.data).toHaveLength(1);
  const page = await list(`userId=${holder.userId}&limit=1`);
  expect((await list(`userId=${holder.userId}&limit=1&cursor=${page.body.nextCursor}`)).body.data).toMatchObject([
    { kind: "PERSONAL" },
  ]);
  const path = `/api/auth/admin/api-keys/${body.data[0]?.id}`;
  expect((await app.request("DELETE", path, { token: holder.token })).status).toBe(403);
  expect((await app.request("DELETE", path, { token: adminToken })).status).toBe(200);
  expect(await statuses(holder)).toEqual([200, 401]);
  expect((await app.request("DELETE", path, { token: adminToken })).status).toBe(404);
});
