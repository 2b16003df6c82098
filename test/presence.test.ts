import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { DAY, VirtualClock } from "../src/clock.ts";
import { openStore } from "../src/db/open.ts";
import { banUser, revokeSessions } from "../src/identity/users.ts";
import { startApp, type TestApp } from "./support/app.ts";
import { idOf } from "./support/visitors.ts";

setDefaultTimeout(60_000);

// Who makes a request is remembered between requests: nobody may stay remembered a moment too long.

const clock = new VirtualClock(Date.UTC(2026, 10, 23, 9));
let app: TestApp;
beforeAll(async () => {
  app = await startApp({ clock });
});
afterAll(() => app.close());

const status = async (token: string) => (await app.request("GET", "/api/auth/session", { token })).status;
async function remembered(name: string) {
  const token = await app.signUp(`${name}@example.com`);
  expect([await status(token), await status(token)]).toEqual([200, 200]);
  return { token, id: await idOf(app, token) };
}

test("who was shut out a moment ago is a stranger", async () => {
  const { token, id } = await remembered("ann");
  await app.store.write((tx) => banUser(tx, id));
  expect(await status(token)).toBe(401);
});

test("also when another process did it", async () => {
  const { token, id } = await remembered("ben");
  const { dataDir, databaseUrl } = app.deps.config;
  const other = await openStore({ dataDir, databaseUrl, durability: "off" });
  await other.write((tx) => revokeSessions(tx, id));
  expect(await status(token)).toBe(401);
  await other.close();
});

test("a session ends in time though nothing was written", async () => {
  const { token } = await remembered("cat");
  clock.advance(7 * DAY + 1);
  expect(await status(token)).toBe(401);
});

test("a new brand is its owner's at once", async () => {
  const { token } = await remembered("dan");
  await app.request("POST", "/api/brands", { token, body: { name: "Dan's" } });
  const { body } = await app.request<{ user: { brandId: string | null } }>("GET", "/api/auth/session", { token });
  expect(body.user.brandId).not.toBeNull();
});
