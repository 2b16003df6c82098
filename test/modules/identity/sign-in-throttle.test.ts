import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { sql } from "drizzle-orm";
import { DAY, HOUR, MINUTE, VirtualClock } from "../../../src/lib/clock.ts";
import { signer } from "../../../src/lib/crypto/secrets.ts";
import { createIdentity } from "../../../src/modules/identity/identity.ts";
import { purgeKnownClients } from "../../../src/modules/identity/known-clients.ts";
import { getNetwork, purgeSignInCounters, signInThrottle } from "../../../src/modules/identity/sign-in-throttle.ts";
import { createApp } from "../../../src/server/app.ts";
import { PASSWORD } from "../../support/api-client.ts";
import { startApp, type TestApp } from "../../support/app.ts";

// Guessing strangers must not lock out an owner, and guessing must be slow across restarts, replicas and addresses.

setDefaultTimeout(60_000);

const clock = new VirtualClock(Date.UTC(2026, 10, 23, 9));
let app: TestApp;
beforeAll(async () => {
  app = await startApp({ clock });
});
afterAll(() => app.close());

/** Creates another process on the same database, as after a restart or as a second replica. */
function anotherProcess() {
  const { store, config, log } = app.deps;
  const identity = createIdentity({ store, config, clock, log, secret: new Uint8Array(32) });
  return createApp(app.deps, identity);
}

type Program = Pick<ReturnType<typeof anotherProcess>, "handle">;

function signInAt(program: Program, address: string, email: string, password: string, cookie = "") {
  const body = JSON.stringify({ email, password });
  const headers = {
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
    "x-client-address": address,
    cookie,
  };
  return program.handle(new Request("http://localhost/api/auth/sign-in/email", { method: "POST", headers, body }));
}

let attackers = 0;
const anywhere = () => `100.64.${(++attackers >> 8) & 255}.${attackers & 255}`;

/** Guesses once from each of several addresses, until the account is throttled. */
async function guessRepeatedly(program: Program, email: string, guesses = 12): Promise<number[]> {
  const statuses: number[] = [];
  for (let guess = 0; guess < guesses; guess++)
    statuses.push((await signInAt(program, anywhere(), email, "a wrong guess")).status);
  return statuses;
}

const deviceOf = (response: Response) =>
  response.headers.getSetCookie().find((cookie) => cookie.includes("reprise.device-")) ?? "";

describe("sign-in to an account under attack", () => {
  test("succeeds from the owner's known address, also after a restart", async () => {
    await app.signUp("owner@example.com");
    expect((await signInAt(app.app, "198.51.100.7", "owner@example.com", PASSWORD)).status).toBe(200);
    expect((await guessRepeatedly(app.app, "owner@example.com")).at(-1)).toBe(429);
    const restarted = anotherProcess();
    expect(await guessRepeatedly(restarted, "owner@example.com", 2)).toEqual([429, 429]);
    expect((await signInAt(restarted, "198.51.100.7", "Owner@Example.com", PASSWORD)).status).toBe(200);
    expect((await signInAt(restarted, "198.51.100.8", "owner@example.com", PASSWORD)).status).toBe(429);
  });

  test("succeeds with a known device cookie from any address, also from an attacking one", async () => {
    await app.signUp("traveller@example.com");
    const cookie = deviceOf(await signInAt(app.app, "198.51.100.20", "traveller@example.com", PASSWORD));
    expect(cookie).toMatch(/^reprise\.device-[\w-]{10}=[\w.-]+; Max-Age=15552000; Path=\/; HttpOnly; SameSite=Lax$/);
    const [sent = ""] = cookie.split(";");
    for (let guess = 0; guess < 25; guess++)
      await signInAt(app.app, "198.51.100.21", `victim${guess}@example.com`, "a wrong guess");
    await guessRepeatedly(app.app, "traveller@example.com");
    const restarted = anotherProcess();
    expect((await signInAt(restarted, "198.51.100.21", "traveller@example.com", PASSWORD)).status).toBe(429);
    expect((await signInAt(restarted, "198.51.100.21", "traveller@example.com", PASSWORD, sent)).status).toBe(200);
  });

  test("does not affect reauthentication and password changes in a session of the owner", async () => {
    const token = await app.signUp("inside@example.com");
    await guessRepeatedly(app.app, "inside@example.com");
    const again = await app.request("POST", "/api/auth/reauthenticate", { token, body: { password: PASSWORD } });
    expect(again.status).toBe(200);
    const body = { currentPassword: PASSWORD, newPassword: "a brand new password" };
    expect((await app.request("POST", "/api/auth/change-password", { token, body })).status).toBe(200);
  });

  test("allows unknown clients one attempt per 30 seconds", async () => {
    await app.signUp("slow@example.com");
    await guessRepeatedly(app.app, "slow@example.com");
    const refused = await signInAt(app.app, anywhere(), "slow@example.com", PASSWORD);
    expect([refused.status, Number(refused.headers.get("retry-after"))]).toEqual([429, 30]);
    clock.advance(30_000);
    expect(await guessRepeatedly(app.app, "slow@example.com", 2)).toEqual([401, 429]);
  });
});

describe("device cookie", () => {
  test("is valid for one account only, and forged ones are ignored", async () => {
    await app.signUp("one@example.com");
    await app.signUp("two@example.com");
    const ones = deviceOf(await signInAt(app.app, "198.51.100.30", "one@example.com", PASSWORD)).split(";")[0] ?? "";
    const twos = deviceOf(await signInAt(app.app, "198.51.100.31", "two@example.com", PASSWORD)).split(";")[0] ?? "";
    await guessRepeatedly(app.app, "two@example.com");
    const [name = "", value = ""] = twos.split("=");
    const [id, madeAt, signature] = value.split(".");
    for (const forged of [
      ones,
      `${name}=${ones.split("=")[1]}`,
      `${name}=${id}.${Number(madeAt) + 1}.${signature}`,
      `${name}=${id}.${madeAt}.${signature?.slice(1)}`,
      `${name}=`,
      `x${twos}`,
    ])
      expect([forged, (await signInAt(app.app, anywhere(), "two@example.com", PASSWORD, forged)).status]).toEqual([
        forged,
        429,
      ]);
    expect((await signInAt(app.app, anywhere(), "two@example.com", PASSWORD, `a=b; ${twos}; c=d`)).status).toBe(200);
  });

  test("allows no more guesses than other clients have, and is not issued again at each sign-in", async () => {
    await app.signUp("lost@example.com");
    const [sent = ""] = deviceOf(await signInAt(app.app, "198.51.100.40", "lost@example.com", PASSWORD)).split(";");
    const again = await signInAt(app.app, "198.51.100.40", "lost@example.com", PASSWORD, sent);
    expect([again.status, deviceOf(again)]).toEqual([200, ""]);
    const statuses: number[] = [];
    for (let guess = 0; guess < 12; guess++)
      statuses.push((await signInAt(app.app, anywhere(), "lost@example.com", "a wrong guess", sent)).status);
    expect(statuses).toEqual([...Array<number>(10).fill(401), 429, 429]);
  });

  test("cookies collected by a former owner do not use up the current owner's attempts", async () => {
    const email = "regained@example.com";
    await app.signUp(email);
    const [own = ""] = deviceOf(await signInAt(app.app, "198.51.100.60", email, PASSWORD)).split(";");
    const collected: string[] = [];
    for (let n = 0; n < 8; n++)
      collected.push(deviceOf(await signInAt(app.app, "198.51.100.61", email, PASSWORD)).split(";")[0] ?? "");
    const statuses: number[] = [];
    for (const cookie of collected)
      for (let guess = 0; guess < 4; guess++)
        statuses.push((await signInAt(app.app, "198.51.100.61", email, "a wrong guess", cookie)).status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(20);
    expect((await signInAt(app.app, "198.51.100.62", email, PASSWORD, own)).status).toBe(200);
  });

  test("is renewed while in use and expires otherwise", async () => {
    const email = "lasting@example.com";
    const other = new VirtualClock(clock.now());
    const long = await startApp({ clock: other });
    await long.signUp(email);
    const [sent = ""] = deviceOf(await signInAt(long.app, "198.51.100.50", email, PASSWORD)).split(";");
    other.advance(31 * DAY);
    const renewed = deviceOf(await signInAt(long.app, "198.51.100.50", email, PASSWORD, sent)).split(";")[0] ?? "";
    expect(renewed.split(".")[1]).toBe(sent.split(".")[1] ?? "");
    other.advance(179 * DAY);
    await guessRepeatedly(long.app, email);
    expect((await signInAt(long.app, anywhere(), email, PASSWORD, sent)).status).toBe(429);
    expect((await signInAt(long.app, anywhere(), email, PASSWORD, renewed)).status).toBe(200);
    await long.close();
  });
});

describe("password guessing", () => {
  test("from one address: gets five tries and then one a minute, without affecting other addresses", async () => {
    const statuses: number[] = [];
    for (let guess = 0; guess < 7; guess++)
      statuses.push((await signInAt(app.app, "192.0.2.50", "pair@example.com", "a wrong guess")).status);
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
    expect((await signInAt(app.app, anywhere(), "pair@example.com", "a wrong guess")).status).toBe(401);
  });

  test("from the 65,536 networks of one IPv6 /48: counts as one network", async () => {
    const at = (n: number) => `2001:db8:77:${n.toString(16)}::1`;
    const oneAccount: number[] = [];
    for (let n = 0; n < 7; n++)
      oneAccount.push((await signInAt(app.app, at(n), "v6@example.com", "a wrong guess")).status);
    expect(oneAccount).toEqual([401, 401, 401, 401, 401, 429, 429]);
    const many: number[] = [];
    for (let n = 0; n < 40; n++)
      many.push((await signInAt(app.app, at(100 + n), `v6-${n}@example.com`, "a wrong guess")).status);
    expect(many.filter((status) => status === 401)).toHaveLength(35);
    expect((await signInAt(app.app, "2001:db8:78::1", "v6@example.com", "a wrong guess")).status).toBe(401);
  });

  test("through two replicas concurrently: shares one count", async () => {
    const replicas = [app.app, anotherProcess()];
    const guesses = Array.from({ length: 30 }, (_, n) =>
      signInAt(replicas[n % 2] ?? app.app, anywhere(), "replicas@example.com", "a wrong guess"),
    );
    const statuses = (await Promise.all(guesses)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(20);
  });

  test("while throttled: writes nothing", async () => {
    await guessRepeatedly(app.app, "quiet@example.com");
    const before = await dumpCounters();
    expect(await guessRepeatedly(app.app, "quiet@example.com", 20)).toEqual(Array<number>(20).fill(429));
    expect(await dumpCounters()).toBe(before);
  });
});

async function dumpCounters(): Promise<string> {
  const counters = await app.store.read.all(sql`select * from sign_in_counters order by bucket`);
  const clients = await app.store.read.all(sql`select * from known_clients order by account, client`);
  return JSON.stringify([counters, clients]);
}
const countOf = async (table: string) =>
  Number((await app.store.read.all<{ n: number }>(sql`select count(*) as n from ${sql.raw(table)}`))[0]?.n);

describe("sign-in counters", () => {
  test("stay within their bucket range for any attempts", async () => {
    const { attempt } = signInThrottle({ store: app.store, clock, signer: signer(new Uint8Array(32).fill(7)) });
    for (let n = 0; n < 400; n++) {
      const address = `2001:db8:${n.toString(16)}:0::/64`;
      const who = { address, email: `${crypto.randomUUID()}@example.com`, deviceId: null, userId: null };
      await attempt(who, () => Promise.reject(new Error("wrong"))).catch(() => {});
    }
    const [found] = await app.store.read.all<{ lowest: number; highest: number }>(
      sql`select min(bucket) as lowest, max(bucket) as highest from sign_in_counters`,
    );
    expect(Number(found?.lowest)).toBeGreaterThanOrEqual(0);
    expect(Number(found?.highest)).toBeLessThan(8 * 65_536);
  });

  test("are purged when they no longer have an effect", async () => {
    expect(await countOf("sign_in_counters")).toBeGreaterThan(100);
    clock.advance(HOUR);
    await app.store.write(purgeSignInCounters);
    expect(await countOf("sign_in_counters")).toBe(0);
  });

  test("written by a clock that ran ahead do not block sign-in", async () => {
    const now = clock.now();
    await guessRepeatedly(app.app, "ahead@example.com");
    clock.set(now - DAY);
    expect((await signInAt(app.app, anywhere(), "ahead@example.com", "a wrong guess")).status).toBe(401);
    clock.set(now);
  });

  test("store neither addresses nor accounts", async () => {
    await app.signUp("private@example.com");
    await signInAt(app.app, "198.51.100.99", "private@example.com", PASSWORD);
    expect(await dumpCounters()).not.toMatch(/private|198\.51/);
  });
});

describe("known addresses of an account", () => {
  test("are limited to the last ten", async () => {
    await app.signUp("moving@example.com");
    for (let n = 0; n < 12; n++) {
      clock.advance(MINUTE);
      expect((await signInAt(app.app, `203.0.113.${n}`, "moving@example.com", PASSWORD)).status).toBe(200);
    }
    await guessRepeatedly(app.app, "moving@example.com");
    expect((await signInAt(app.app, "203.0.113.1", "moving@example.com", PASSWORD)).status).toBe(429);
    expect((await signInAt(app.app, "203.0.113.11", "moving@example.com", PASSWORD)).status).toBe(200);
  });

  test("are deleted 90 days after their last use", async () => {
    clock.advance(89 * DAY);
    await app.store.write(purgeKnownClients);
    expect(await countOf("known_clients")).toBeGreaterThan(5);
    clock.advance(2 * DAY);
    await app.store.write(purgeKnownClients);
    expect(await countOf("known_clients")).toBe(0);
  });
});

test("getNetwork: returns the /48 of an IPv6 address and null otherwise", () => {
  expect(getNetwork("192.0.2.1")).toBeNull();
  expect(getNetwork("unknown")).toBeNull();
  expect(getNetwork("2001:db8:1:2::/64")).toBe("2001:db8:1::/48");
  expect(getNetwork("2001:db8:0:0::/64")).toBe("2001:db8:0::/48");
});
