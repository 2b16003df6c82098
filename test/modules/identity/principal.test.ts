import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { openStore } from "../../../src/db/open.ts";
import { DAY, VirtualClock } from "../../../src/lib/clock.ts";
import { banUser, revokeSessions } from "../../../src/modules/identity/users.ts";
import { startApp, type TestApp } from "../../support/app.ts";
import { getUserId } from "../../support/auth-helpers.ts";

setDefaultTimeout(60_000);

// The principal of a request is cached between requests: a revoked one must not stay in the cache.

const clock = new VirtualClock(Date.UTC(2026, 10, 23, 9));
let app: TestApp;
beforeAll(async () => {
  app = await startApp({ clock });
});
afterAll(() => app.close());

const status = async (token: string) => (await app.request("GET", "/api/auth/session", { token })).status;
async function signUpCached(name: string) {
  const token = await app.signUp(`${name}@example.com`);
  expect([await status(token), await status(token)]).toEqual([200, 200]);
  return { token, id: await getUserId(app, token) };
}

test("cached principal: a banned user is signed out at once", async () => {
  const { token, id } = await signUpCached("ann");
  await app.store.write((tx) => banUser(tx, id));
  expect(await status(token)).toBe(401);
});

test("cached principal: sessions revoked by another process end at once", async () => {
  const { token, id } = await signUpCached("ben");
  const { dataDir, databaseUrl } = app.deps.config;
  const other = await openStore({ dataDir, databaseUrl, durability: "off" });
  await other.write((tx) => revokeSessions(tx, id));
  expect(await status(token)).toBe(401);
  await other.close();
});

test("cached principal: a session expires on time without any write", async () => {
  const { token } = await signUpCached("cat");
  clock.advance(7 * DAY + 1);
  expect(await status(token)).toBe(401);
});

test("cached principal: a new brand is in its owner's session at once", async () => {
  const { token } = await signUpCached("dan");
  await app.request("POST", "/api/brands", { token, body: { name: "Dan's" } });
  const { body } = await app.request<{ user: { brandId: string | null } }>("GET", "/api/auth/session", { token });
  expect(body.user.brandId).not.toBeNull();
});
