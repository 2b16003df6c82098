import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { JsonObject } from "../../../src/http/json.ts";
import { MINUTE, VirtualClock } from "../../../src/lib/clock.ts";
import { PASSWORD } from "../../support/api-client.ts";
import { startApp, type TestApp } from "../../support/app.ts";
import { createKeyFor } from "../../support/auth-helpers.ts";
import { contract, findPublishedOperation } from "../../support/contract.ts";

// Cover what only a session may do, and what a session may do only shortly after its password was entered.

setDefaultTimeout(60_000);

const WINDOW_MS = 15 * MINUTE;
const clock = new VirtualClock(Date.UTC(2026, 10, 23, 9));
let app: TestApp;
let session: string;
let key: string;

beforeAll(async () => {
  app = await startApp({ clock, config: { reauthWindowMs: WINDOW_MS } });
  session = await app.admin();
  key = (await createKeyFor(app, session)).key;
});
afterAll(() => app.close());

interface Guarded {
  method: string;
  path: string;
  sessionOnly: boolean;
  recentSignIn: true | "of sessions" | undefined;
}

function guarded(): Guarded[] {
  return app.app.routes.flatMap(({ method, path, hooks }) => {
    const { sessionOnly, recentSignIn } =
      (hooks as { detail?: { sessionOnly?: true; recentSignIn?: true | "of sessions" } } | undefined)?.detail ?? {};
    if (!sessionOnly && !recentSignIn) return [];
    return [{ method, path, sessionOnly: sessionOnly === true || recentSignIn === true, recentSignIn }];
  });
}

async function ask(method: string, path: string, headers: Record<string, string>, body: object = {}) {
  const text = method === "GET" ? undefined : JSON.stringify(body);
  const type = text === undefined ? {} : { "content-type": "application/json", "content-length": String(text.length) };
  const request = new Request(`http://localhost${path.replace(/:\w+/, "x")}`, {
    method,
    headers: { "x-client-address": "192.0.2.9", ...type, ...headers },
    ...(text === undefined ? {} : { body: text }),
  });
  const response = await app.app.handle(request);
  return { status: response.status, body: JSON.parse(await response.text()) as { code?: string; key?: string } };
}
const bySession = () => ({ authorization: `Bearer ${session}` });
const byKey = () => ({ "x-api-key": key });

test("routes restricted to sessions or to a recent sign-in are exactly the expected ones", () => {
  const rows = guarded().map(({ method, path, sessionOnly, recentSignIn }) =>
    [method, path.replace(/\/$/, ""), sessionOnly ? "session only" : "keys too", recentSignIn ? "recent" : ""]
      .join(" ")
      .trim(),
  );
  expect(rows.toSorted()).toEqual([
    "DELETE /api/auth/admin/api-keys/:id session only",
    "DELETE /api/auth/api-keys/:id session only",
    "DELETE /api/auth/sessions/:id session only",
    "GET /api/auth/api-keys session only",
    "GET /api/auth/sessions session only",
    "POST /api/auth/admin/adjust-credits keys too recent",
    "POST /api/auth/admin/create-user session only recent",
    "POST /api/auth/admin/grant-credits keys too recent",
    "POST /api/auth/admin/invitations session only recent",
    "POST /api/auth/admin/revoke-sessions session only",
    "POST /api/auth/admin/set-role session only recent",
    "POST /api/auth/admin/unban-user session only recent",
    "POST /api/auth/admin/verify-user session only recent",
    "POST /api/auth/api-keys session only recent",
    "POST /api/auth/change-password session only",
    "POST /api/auth/reauthenticate session only",
  ]);
});

test("routes restricted to sessions or to a recent sign-in include no operation of the reference contract", () => {
  const own = new Set(guarded().map(({ method, path }) => `${method} ${path}`));
  expect(contract.length).toBe(23);
  expect(contract.filter(({ method, path }) => own.has(`${method} ${path}`))).toEqual([]);
});

test("OpenAPI document: restricted operations list apiKey as security scheme only where an API key is accepted", async () => {
  const text = await (await app.app.handle(new Request("http://localhost/swagger/json"))).text();
  const document = JSON.parse(text) as JsonObject;
  for (const { method, path, sessionOnly } of guarded()) {
    const operation = findPublishedOperation(document, { method, path: path.replace(/\/$/, "") });
    const { security = document.security } = operation ?? {};
    const schemes = (Array.isArray(security) ? security : []).flatMap((scheme) => Object.keys(scheme as JsonObject));
    const expected = ["bearerAuth", ...(sessionOnly ? [] : ["apiKey"]), "cookie"];
    expect([path, operation === null, schemes]).toEqual([path, false, expected]);
  }
});

test("session-only routes: an API key gets 403, also together with a session", async () => {
  for (const { method, path, sessionOnly } of guarded()) {
    for (const headers of [byKey(), { ...byKey(), ...bySession() }]) {
      const { status, body } = await ask(method, path, headers);
      if (sessionOnly) expect([path, status, body.code]).toEqual([path, 403, "FORBIDDEN"]);
      else expect([path, body.code]).toEqual([path, "INVALID"]);
    }
  }
});

describe("a session older than the reauthentication window", () => {
  beforeAll(() => clock.advance(WINDOW_MS + 1));

  test("gets 403 REAUTHENTICATION_REQUIRED from routes that need a recent sign-in, and is accepted by all others", async () => {
    for (const { method, path, recentSignIn } of guarded()) {
      const { status, body } = await ask(method, path, bySession());
      if (recentSignIn) expect([path, status, body.code]).toEqual([path, 403, "REAUTHENTICATION_REQUIRED"]);
      else expect([path, body.code]).not.toEqual([path, "REAUTHENTICATION_REQUIRED"]);
    }
    for (const { method, path } of contract)
      expect((await ask(method, path, bySession())).body.code).not.toBe("REAUTHENTICATION_REQUIRED");
  });

  test("becomes recent again with the same token after reauthenticate with the right password, until the window ends", async () => {
    const create = () => ask("POST", "/api/auth/api-keys/", bySession(), { name: "later" });
    expect((await create()).status).toBe(403);
    const wrong = await ask("POST", "/api/auth/reauthenticate", bySession(), { password: "x" });
    expect([wrong.status, wrong.body.code]).toEqual([422, "INVALID"]);
    expect((await create()).status).toBe(403);
    const right = await ask("POST", "/api/auth/reauthenticate", bySession(), { password: PASSWORD });
    expect(right).toMatchObject({
      status: 200,
      body: { success: true, signedInAt: new Date(clock.now()).toISOString() },
    });
    expect((await create()).status).toBe(200);
    clock.advance(WINDOW_MS);
    expect((await create()).status).toBe(200);
    clock.advance(1);
    expect((await create()).status).toBe(403);
  });

  test("remains old when another session of the same user is reauthenticated", async () => {
    const email = "twosessions@example.com";
    const [one, other] = [await app.signUp(email), await app.signIn(email)];
    clock.advance(WINDOW_MS + 1);
    const give = { token: one, body: { password: PASSWORD } };
    expect((await app.request("POST", "/api/auth/reauthenticate", give)).status).toBe(200);
    const create = async (token: string) =>
      (await app.request("POST", "/api/auth/api-keys", { token, body: { name: "k" } })).status;
    expect([await create(one), await create(other)]).toEqual([200, 403]);
  });

  test("is not needed for credit operations with an API key", async () => {
    const token = await app.signUp("billed@example.com");
    const brand = await app.request<{ brand: { id: string } }>("POST", "/api/brands", { token, body: { name: "B" } });
    const grant = { brandId: brand.body.brand.id, credits: 1, reason: "paid" };
    expect((await ask("POST", "/api/auth/admin/grant-credits", bySession(), grant)).body.code).toBe(
      "REAUTHENTICATION_REQUIRED",
    );
    expect((await ask("POST", "/api/auth/admin/grant-credits", byKey(), grant)).status).toBe(200);
    expect((await ask("POST", "/api/auth/admin/adjust-credits", byKey(), grant)).status).toBe(200);
  });

  test("gets 429 from reauthenticate after 10 wrong passwords", async () => {
    const token = await app.signUp("insider@example.com");
    const statuses: number[] = [];
    for (let guess = 0; guess < 12; guess++)
      statuses.push((await app.request("POST", "/api/auth/reauthenticate", { token, body: { password: "x" } })).status);
    expect(statuses).toEqual([...Array<number>(10).fill(422), 429, 429]);
  });
});

describe("Idempotency-Key on a session-only route", () => {
  test("the stored response is replayed neither to an API key nor to the session, and an old session gets 403", async () => {
    const token = await app.signUp("replay@example.com");
    const own = { "idempotency-key": "the-same", authorization: `Bearer ${token}` };
    const made = await ask("POST", "/api/auth/api-keys/", own, { name: "secret" });
    expect([made.status, typeof made.body.key]).toEqual([200, "string"]);
    const replayed = await ask("POST", "/api/auth/api-keys/", own, { name: "secret" });
    expect([replayed.status, replayed.body.code, replayed.body.key]).toEqual([409, "CONFLICT", undefined]);
    const stolen = await ask(
      "POST",
      "/api/auth/api-keys/",
      { "idempotency-key": "the-same", "x-api-key": made.body.key ?? "" },
      { name: "secret" },
    );
    expect([stolen.status, stolen.body.code, stolen.body.key]).toEqual([403, "FORBIDDEN", undefined]);
    clock.advance(WINDOW_MS + 1);
    const late = await ask("POST", "/api/auth/api-keys/", own, { name: "secret" });
    expect([late.status, late.body.code, late.body.key]).toEqual([403, "REAUTHENTICATION_REQUIRED", undefined]);
  });
});
