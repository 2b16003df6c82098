import { afterAll, beforeAll, describe, expect, setDefaultTimeout, spyOn, test } from "bun:test";
import { eq, sql } from "drizzle-orm";
import { sessions } from "../../../../src/db/schema/identity.ts";
import type { Store } from "../../../../src/db/store.ts";
import { DAY, HOUR, MINUTE, VirtualClock } from "../../../../src/lib/clock.ts";
import { createIdentity } from "../../../../src/modules/identity/identity.ts";
import { sessionActivity } from "../../../../src/modules/identity/sessions/activity.ts";
import { PASSWORD } from "../../../support/api-client.ts";
import { startApp, type TestApp } from "../../../support/app.ts";
import { firstCookie, requestSession, requestSignIn } from "../../../support/auth-helpers.ts";
import { waitUntil } from "../../../support/servers/temp-server.ts";

// Check listing and ending the sessions of a user, and that using a session costs few writes.

setDefaultTimeout(30_000);

const IDLE_MS = 24 * HOUR;
const clock = new VirtualClock(Date.UTC(2026, 10, 23, 9));
let app: TestApp;
beforeAll(async () => {
  app = await startApp({ clock, config: { sessionIdleMs: IDLE_MS } });
});
afterAll(() => app.close());

interface Listed {
  id: string;
  createdAt: string;
  signedInAt: string;
  lastSeenAt: string;
  expiresAt: string;
  address: string | null;
  userAgent: string | null;
  current: boolean;
}
const list = async (token: string) =>
  (await app.request<{ data: Listed[] }>("GET", "/api/auth/sessions", { token })).body.data;
const iso = (at: number) => new Date(at).toISOString();

describe("GET and DELETE /api/auth/sessions", () => {
  test("lists client and times of each session without any token", async () => {
    const start = clock.now();
    await app.signUp("list@example.com");
    const at = { "x-client-address": "2001:db8:1:2::7", "user-agent": `A telephone ${"x".repeat(400)}` };
    const { body } = await requestSignIn(app, "list@example.com", PASSWORD, at);
    const answer = await app.request<{ data: Listed[] }>("GET", "/api/auth/sessions", { token: body.token });
    expect(answer.body.data).toMatchObject([
      {
        createdAt: iso(start),
        signedInAt: iso(start),
        lastSeenAt: iso(start),
        expiresAt: iso(start + 7 * DAY),
        address: "2001:db8:1:2::/64",
        current: true,
      },
      { userAgent: null, current: false },
    ]);
    expect(answer.body.data[0]?.userAgent).toStartWith("A telephone xxx");
    expect(answer.body.data[0]?.userAgent?.length).toBeLessThanOrEqual(256);
    const rows = await app.store.read.select({ token: sessions.token }).from(sessions);
    for (const { token } of rows) expect(answer.text).not.toContain(token);
  });

  test("lists neither sessions of other users nor ended ones, and answers 404 when deleting those", async () => {
    const mine = await app.signUp("mine@example.com");
    const theirs = await app.signUp("theirs@example.com");
    const [other] = await list(theirs);
    expect((await list(mine)).map(({ id }) => id)).not.toContain(other?.id ?? "");
    expect((await app.request("DELETE", `/api/auth/sessions/${other?.id}`, { token: mine })).status).toBe(404);
    expect((await requestSession(app, { token: theirs })).status).toBe(200);
    const second = await app.signIn("mine@example.com");
    await app.request("POST", "/api/auth/sign-out", { token: second });
    expect(await list(mine)).toHaveLength(1);
  });

  test("DELETE ends one session at once, including the current one", async () => {
    const [one, other] = [await app.signUp("end@example.com"), await app.signIn("end@example.com")];
    expect((await requestSession(app, { token: other })).status).toBe(200);
    const gone = (await list(one)).find(({ current }) => !current)?.id;
    expect((await app.request("DELETE", `/api/auth/sessions/${gone}`, { token: one })).status).toBe(200);
    expect((await requestSession(app, { token: other })).status).toBe(401);
    expect((await app.request("DELETE", `/api/auth/sessions/${gone}`, { token: one })).status).toBe(404);
    const [own] = await list(one);
    expect((await app.request("DELETE", `/api/auth/sessions/${own?.id}`, { token: one })).status).toBe(200);
    expect((await requestSession(app, { token: one })).status).toBe(401);
  });

  test("DELETE from another origin answers 403", async () => {
    await app.signUp("forged@example.com");
    const cookie = firstCookie(await requestSignIn(app, "forged@example.com"));
    const headers = { cookie, origin: "https://evil.example" };
    expect((await app.request("DELETE", "/api/auth/sessions/x", { headers })).status).toBe(403);
  });
});

describe("idle session", () => {
  test("ends after the idle limit, before its seven days are over", async () => {
    const token = await app.signUp("idle@example.com");
    clock.advance(IDLE_MS - 1);
    expect((await requestSession(app, { token })).status).toBe(200);
    const unused = await app.signUp("unused@example.com");
    clock.advance(IDLE_MS);
    expect((await requestSession(app, { token: unused })).status).toBe(401);
    expect((await requestSession(app, { token })).status).toBe(401);
  });

  test("the idle limit counts from the last use in any process", async () => {
    const token = await app.signUp("used@example.com");
    const { store, config, log } = app.deps;
    const replica = createIdentity({ store, config, clock, log, secret: new Uint8Array(32) });
    for (let day = 0; day < 5; day++) {
      clock.advance(IDLE_MS - HOUR);
      expect((await requestSession(app, { token })).status).toBe(200);
      await app.identity.activity.flush();
    }
    await replica.activity.flush();
    clock.advance(IDLE_MS);
    expect((await requestSession(app, { token })).status).toBe(401);
  });

  test("ends after the idle limit also when its principal is cached", async () => {
    const token = await app.signUp("remembered@example.com");
    expect([(await requestSession(app, { token })).status, (await requestSession(app, { token })).status]).toEqual([
      200, 200,
    ]);
    clock.advance(IDLE_MS);
    expect((await requestSession(app, { token })).status).toBe(401);
  });
});

/** Wraps a store and counts its writes. */
function counting(store: Store) {
  const counted = { writes: 0 };
  const write: Store["write"] = (work) => {
    counted.writes++;
    return store.write(work);
  };
  return { counted, store: { write } };
}

describe("session activity", () => {
  test("many uses within minutes cause a single write at the next flush", async () => {
    const token = await app.signUp("busy@example.com");
    const [{ id } = { id: "" }] = await list(token);
    const { counted, store } = counting(app.store);
    const activity = sessionActivity(store, app.deps.log);
    const began = clock.now();
    for (let second = 0; second < 600; second++) {
      clock.advance(1000);
      activity.record({ sessionId: id, lastSeenAt: began }, clock.now());
    }
    expect(counted.writes).toBe(0);
    await activity.flush();
    await activity.flush();
    expect(counted.writes).toBe(1);
    const [row] = await app.store.read.select().from(sessions).where(eq(sessions.id, id));
    expect(row?.lastSeenAt).toBe(began + 5 * MINUTE);
  });

  test("a timer flushes one minute after the first use", async () => {
    const token = await app.signUp("timed@example.com");
    const [{ id } = { id: "" }] = await list(token);
    const { counted, store } = counting(app.store);
    const timers = spyOn(globalThis, "setTimeout");
    const activity = sessionActivity(store, app.deps.log);
    for (let use = 0; use < 10; use++) activity.record({ sessionId: id, lastSeenAt: 0 }, clock.now() + use);
    const calls = timers.mock.calls.filter(([, delay]) => delay === MINUTE);
    timers.mockRestore();
    expect(calls).toHaveLength(1);
    for (const [run] of calls) (run as () => void)();
    await waitUntil("the activity is written", async () => counted.writes === 1);
  });

  test("uses of several sessions are written together and never move lastSeenAt back", async () => {
    const tokens = [await app.signUp("many1@example.com"), await app.signUp("many2@example.com")];
    const ids = await Promise.all(tokens.map(async (token) => (await list(token))[0]?.id ?? ""));
    const { counted, store } = counting(app.store);
    const activity = sessionActivity(store, app.deps.log);
    const began = clock.now();
    for (const sessionId of ids) activity.record({ sessionId, lastSeenAt: began }, began + 10 * MINUTE);
    activity.record({ sessionId: null, lastSeenAt: null }, began + 10 * MINUTE);
    await activity.flush();
    expect(counted.writes).toBe(1);
    for (const sessionId of ids) activity.record({ sessionId, lastSeenAt: began }, began + 6 * MINUTE);
    await activity.flush();
    for (const id of ids) {
      const [row] = await app.store.read.select().from(sessions).where(eq(sessions.id, id));
      expect(row?.lastSeenAt).toBe(began + 10 * MINUTE);
    }
  });

  test("requests write nothing to the sessions until a flush updates lastSeenAt in the list", async () => {
    const token = await app.signUp("seen@example.com");
    const stored = () => app.store.read.all(sql`select * from sessions order by id`);
    const before = JSON.stringify(await stored());
    clock.advance(20 * MINUTE);
    for (let request = 0; request < 50; request++) expect((await requestSession(app, { token })).status).toBe(200);
    expect(JSON.stringify(await stored())).toBe(before);
    await app.identity.activity.flush();
    expect((await list(token))[0]?.lastSeenAt).toBe(iso(clock.now()));
  });
});
