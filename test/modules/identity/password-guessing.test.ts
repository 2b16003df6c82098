import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { sql } from "drizzle-orm";
import { apiKeys } from "../../../src/db/schema/identity.ts";
import { MINUTE, type VirtualClock } from "../../../src/lib/clock.ts";
import { PASSWORD } from "../../support/api-client.ts";
import { startApp, type TestApp } from "../../support/app.ts";
import { requestSignIn, type SignInView } from "../../support/auth-helpers.ts";

setDefaultTimeout(20_000);

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

describe("sign-in throttle", () => {
  const at = (address: string) => ({ "x-client-address": address });

  test("the 21st attempt from one client address gets 429 with Retry-After, and other addresses do not", async () => {
    const statuses: number[] = [];
    for (let guess = 0; guess < 22; guess++)
      statuses.push((await requestSignIn(app, `guess${guess}@example.com`, "a wrong guess", at("192.0.2.1"))).status);
    expect(statuses.slice(0, 20)).toEqual(Array(20).fill(401));
    expect(statuses.slice(20)).toEqual([429, 429]);
    const refused = await requestSignIn(app, "anyone@example.com", PASSWORD, at("192.0.2.1"));
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(refused.body).toMatchObject({ success: false, code: "RATE_LIMITED" });
    expect((await requestSignIn(app, "anyone@example.com", PASSWORD, at("192.0.2.2"))).status).toBe(401);
  });

  test("attempts at one account from many addresses get 429, and its owner still signs in from a known address", async () => {
    await app.signUp("target@example.com");
    const home = at("198.51.100.7");
    expect((await requestSignIn(app, "target@example.com", PASSWORD, home)).status).toBe(200);
    const guesses = Array.from({ length: 12 }, (_, n) =>
      requestSignIn(app, "Target@example.com", "a wrong guess", at(`203.0.113.${n}`)),
    );
    const statuses = (await Promise.all(guesses)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 429)).toHaveLength(2);
    expect((await requestSignIn(app, "target@example.com", PASSWORD, home)).status).toBe(200);
    (app.clock as VirtualClock).advance(MINUTE);
    expect((await requestSignIn(app, "target@example.com", PASSWORD, at("203.0.113.99"))).status).toBe(200);
  });

  test("without a proxy header, an attempt counts for the peer address of the connection", async () => {
    const other = await startApp({ config: { clientAddressHeader: null } });
    const { server } = other.app.listen({ port: 0, hostname: "127.0.0.1" });
    const response = await fetch(`http://127.0.0.1:${server?.port}/api/auth/sign-in/email`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-client-address": "192.0.2.1" },
      body: JSON.stringify({ email: "wire@example.com", password: "a wrong guess" }),
    });
    expect(response.status).toBe(401);
    expect(other.logged.join("")).toContain(
      '"event":"identity.sign_in_failed","address":"127.0.0.1","code":"UNAUTHENTICATED"',
    );
    await other.app.stop();
    await other.close();
  });

  test("sign-in with an unknown e-mail address takes as long as with a known one", async () => {
    await app.signUp("timed@example.com");
    const time = async (email: string) => {
      const started = performance.now();
      await requestSignIn(app, email, "a wrong guess");
      return performance.now() - started;
    };
    const best = async (email: (n: number) => string) => {
      const times: number[] = [];
      for (let n = 0; n < 6; n++) times.push(await time(email(n)));
      return Math.min(...times);
    };
    const [known, unknown] = [await best(() => "timed@example.com"), await best((n) => `no${n}@example.com`)];
    expect(unknown / known).toBeGreaterThan(0.4);
    expect(unknown / known).toBeLessThan(2.5);
  });
});

test("authentication: no log line or response contains a secret", async () => {
  const other = await startApp();
  const token = await other.signUp("quiet@example.com");
  const key = await other.request<{ id: string; key: string }>("POST", "/api/auth/api-keys", {
    token,
    body: { name: "quiet" },
  });
  const adminToken = await other.admin();
  const { user } = (await other.request<SignInView>("GET", "/api/auth/session", { token })).body;
  const texts = [
    (await requestSignIn(other, "quiet@example.com", "a wrong guess")).text,
    (await other.request("GET", "/api/auth/session", { token })).text,
    (await other.request("GET", "/api/auth/api-keys", { token })).text,
    (await other.request("POST", "/api/auth/sign-up/email", { body: { email: "x", password: PASSWORD } })).text,
    (await other.request("POST", "/api/auth/admin/ban-user", { token: adminToken, body: { userId: user.id } })).text,
    (await other.request("POST", "/api/auth/change-password", { token, body: { currentPassword: PASSWORD } })).text,
    ...other.logged,
  ].join("\n");
  const [stored] = await other.store.read.select().from(apiKeys);
  const [account] = await other.store.read.all<{ password: string }>(sql`select password from accounts`);
  for (const secret of [PASSWORD, "a wrong guess", token, key.body.key, stored?.key ?? "?", account?.password ?? "?"])
    expect(texts).not.toContain(secret);
  expect(texts).not.toContain("$argon2");
  expect(account?.password).toStartWith("$argon2id$v=19$m=19456,t=2,p=1$");
  await other.close();
});
