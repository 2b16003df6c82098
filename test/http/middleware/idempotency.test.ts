import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { idempotencyKeys } from "../../../src/db/schema/idempotency.ts";
import { bans } from "../../../src/db/schema/suppressions.ts";
import { purgeIdempotencyKeys } from "../../../src/http/middleware/idempotency.ts";
import { DAY, VirtualClock } from "../../../src/lib/clock.ts";
import { startApp, type TestApp } from "../../support/app.ts";

setDefaultTimeout(60_000);

const clock = new VirtualClock(Date.UTC(2026, 10, 23, 9));
let app: TestApp;
let token: string;
let people = 0;
beforeAll(async () => {
  app = await startApp({ clock });
  token = await app.admin();
});
afterAll(() => app.close());

const someone = () => ({ email: `person${people++}@example.com`, reason: "asked" });
const ban = (body: object | string, key?: string, as = token) =>
  app.request<{ id: string; code: string }>("POST", "/api/auth/banned", {
    body,
    token: as,
    headers: key === undefined ? {} : { "idempotency-key": key },
  });
const lift = (id: string) => app.store.write((tx) => tx.delete(bans).where(eq(bans.id, id)));

describe("Idempotency-Key", () => {
  test("a repeated request is performed once, and gets the same response with idempotent-replayed", async () => {
    const person = someone();
    const first = await ban(person, "once");
    expect(first.headers.get("idempotent-replayed")).toBeNull();
    // Delete the ban, so that a second execution would be visible.
    await lift(first.body.id);
    const again = await ban(person, "once");
    expect([again.status, again.text]).toEqual([200, first.text]);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect(await app.store.read.select().from(bans).where(eq(bans.email, person.email))).toEqual([]);
  });

  test("a request with the same fields in another order is the same request", async () => {
    const { email, reason } = someone();
    const first = await ban({ email, reason }, "order");
    expect((await ban({ reason, email }, "order")).text).toBe(first.text);
  });

  test("a key with another body or another route answers 409", async () => {
    await ban(someone(), "reused");
    const other = await ban(someone(), "reused");
    expect([other.status, other.body.code]).toEqual([409, "CONFLICT"]);
    const elsewhere = await app.request("POST", "/api/brands", {
      body: { name: "Elsewhere" },
      token,
      headers: { "idempotency-key": "reused" },
    });
    expect(elsewhere.status).toBe(409);
  });

  test("a key belongs to its user: the same key of another user is independent", async () => {
    const person = someone();
    const first = await ban(person, "shared");
    const other = await app.admin();
    await lift(first.body.id);
    const theirs = await ban(person, "shared", other);
    expect(theirs.body.id).not.toBe(first.body.id);
  });

  test("an error response is not stored: the corrected request may use the key", async () => {
    const refused = await ban({ reason: "unknown" }, "refused");
    expect(refused.status).toBe(422);
    expect((await ban(someone(), "refused")).status).toBe(200);
  });

  test("ten concurrent requests with one key are performed once", async () => {
    const person = someone();
    const answers = await Promise.all(Array.from({ length: 10 }, () => ban(person, "race")));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(await app.store.read.select().from(bans).where(eq(bans.email, person.email))).toHaveLength(1);
  });

  test.each(["", "with space", "x".repeat(256), "tab\there"])(
    "the invalid key %j is answered with 422",
    async (key) => {
      const answer = await ban(someone(), key);
      expect([answer.status, answer.body.code]).toEqual([422, "INVALID"]);
    },
  );

  test("a stored response is encrypted, and deleted after seven days", async () => {
    const { id } = (await ban(someone(), "sealed")).body;
    const [row] = await app.store.read.select().from(idempotencyKeys).where(eq(idempotencyKeys.key, "sealed"));
    expect(row?.answer).toStartWith("v1.");
    expect(row?.answer).not.toContain(id);
    clock.advance(6 * DAY);
    expect(await app.store.write(purgeIdempotencyKeys)).toBe(0);
    clock.advance(DAY + 1);
    expect(await app.store.write(purgeIdempotencyKeys)).toBeGreaterThan(0);
    expect(await app.store.read.select().from(idempotencyKeys)).toEqual([]);
  });
});

test("Idempotency-Key: an unexpected file in the body does not cause an error", async () => {
  const ask = (content: string) => {
    const body = new FormData();
    body.append("file", new Blob([content]), "a.txt");
    const headers = { authorization: `Bearer ${token}`, "idempotency-key": "unasked", "content-length": "300" };
    return app.app.handle(new Request("http://localhost/api/campaigns/none/resume", { method: "POST", headers, body }));
  };
  token = await app.admin();
  expect([(await ask("x")).status, (await ask("longer")).status]).toEqual([404, 404]);
});

test("Idempotency-Key: a route without support ignores the key", async () => {
  const admin = await app.admin();
  await ban(someone(), "elsewhere", admin);
  const headers = { "idempotency-key": "elsewhere" };
  const answer = await app.request("POST", "/api/auth/sign-out", { token: admin, headers });
  expect(answer.status).toBe(200);
});

test("Idempotency-Key: a request without a session ignores the key", async () => {
  const answer = await app.request("POST", "/api/auth/sign-in/email", {
    body: { email: "unknown@example.com", password: "correct horse battery" },
    headers: { "idempotency-key": "x" },
  });
  expect(answer.status).toBe(401);
});

/** POST routes that create, spend and move nothing, or whose repetition has no further effect. */
const NEED_NO_KEY = new Set([
  "/api/auth/accept-invitation", // no user is signed in yet, and an invitation works once
  "/api/auth/verify-email", // no user is signed in yet, and a link works once
  "/api/auth/send-verification", // no user is signed in yet, and an address is mailed once in ten minutes
  "/api/auth/sign-up/email", // no user is signed in yet, and an address belongs to one user
  "/api/auth/sign-in/email",
  "/api/auth/sign-out",
  "/api/auth/claim",
  "/api/auth/change-password",
  "/api/auth/admin/all-credits", // lists and statistics
  "/api/auth/admin/brands",
  "/api/auth/admin/credit-stats",
  "/api/auth/admin/email-accounts",
  "/api/auth/admin/find-user-by-email",
  "/api/auth/admin/get-credit-weights",
  "/api/auth/admin/preview-credit-weight",
  "/api/auth/admin/reconcile-chargebee", // events are identified by their id
  "/api/auth/admin/verify-ledger",
  "/api/auth/reauthenticate", // entering the password twice has the same effect
  "/api/campaigns/:id/preview-message",
  "/api/email-accounts/:id/test-connection", // tests the login at the time of the call
  "/api/campaigns/conversations/:id/mark-read",
  "/api/webhooks/chargebee", // an event is identified by its id
  "/u/:token", // has no caller, and unsubscribing twice has the same effect
]);

test("Idempotency-Key: every POST route supports a key or is listed as needing none", () => {
  const posts = app.app.routes.filter(({ method }) => method === "POST");
  const without = posts.filter(({ hooks }) => hooks.detail?.idempotent !== true).map(({ path }) => path);
  expect(without.toSorted()).toEqual([...NEED_NO_KEY].toSorted());
});
