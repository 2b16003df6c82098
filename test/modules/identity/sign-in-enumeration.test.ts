import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, spyOn, test } from "bun:test";
import { sql } from "drizzle-orm";
import { HOUR, VirtualClock } from "../../../src/lib/clock.ts";
import { PASSWORD } from "../../support/api-client.ts";
import { startApp, type TestApp } from "../../support/app.ts";
import { getUserId, requestSignIn } from "../../support/auth-helpers.ts";

// Sign-in must not reveal which accounts exist, neither by its response nor by its work.

setDefaultTimeout(30_000);

const clock = new VirtualClock(Date.UTC(2026, 10, 23, 9));
let app: TestApp;
beforeAll(async () => {
  app = await startApp({ clock });
  await app.signUp("known@example.com");
  const banned = await getUserId(app, await app.signUp("banned@example.com"));
  await app.request("POST", "/api/auth/admin/ban-user", { token: await app.admin(), body: { userId: banned } });
  const verified = await getUserId(app, await app.signUp("verified@example.com"));
  await app.store.write((tx) => tx.all(sql`update users set email_verified = true where id = ${verified}`));
});
afterAll(() => app.close());
// Advance beyond the window in which attempts are counted.
beforeEach(() => clock.advance(HOUR));

/** Signs in and counts the password hashes that this took. */
async function attempt(email: string, password: string) {
  const [hash, verify] = [spyOn(Bun.password, "hash"), spyOn(Bun.password, "verify")];
  try {
    const { status, body } = await requestSignIn(app, email, password);
    const { requestId: _, ...rest } = body as unknown as Record<string, unknown>;
    return { status, body: rest, hashes: hash.mock.calls.length + verify.mock.calls.length };
  } finally {
    hash.mockRestore();
    verify.mockRestore();
  }
}

const ACCOUNTS = {
  unverified: ["known@example.com", "KNOWN@Example.com", " known@example.com ", "known@example.com\t"],
  verified: ["verified@example.com", "VERIFIED@Example.com", " verified@example.com ", "verified@example.com\t"],
  banned: ["banned@example.com", "BANNED@Example.com", " banned@example.com ", "banned@example.com\t"],
  unknown: ["unknown@example.com", "UNKNOWN@Example.com", " unknown@example.com ", "unknown@example.com\t"],
};
const PASSWORDS = {
  "of one character": "x",
  "of one space": " ",
  "of nine characters": "wrong wro",
  "of ten characters": "wrong wron",
  "of 128 characters": `${"wrong ".repeat(21)}wr`,
  "of 129 characters": `${"wrong ".repeat(21)}wro`,
  "that is common": "password12",
  "of letters that compose": "e\u0301",
  "with a NUL": "wrong\0wrong",
  "with half a surrogate pair": "wrong\ud800wrong",
  "of no characters": "",
};

describe("sign-in with a wrong password", () => {
  test.each(Object.entries(PASSWORDS))(
    "%s: has the same response and work for known, banned and unknown accounts",
    async (_, password) => {
      for (const spelling of [0, 1, 2, 3]) {
        const unknown = await attempt(ACCOUNTS.unknown[spelling] ?? "", password);
        for (const emails of Object.values(ACCOUNTS))
          expect(await attempt(emails[spelling] ?? "", password)).toEqual(unknown);
      }
    },
  );

  test("accepted by the schema: costs one hash and answers 401 at any length", async () => {
    for (const email of ["known@example.com", "unknown@example.com", "banned@example.com"])
      for (const password of ["x", "wrong wron", "wrong ".repeat(21)])
        expect(await attempt(email, password)).toMatchObject({
          status: 401,
          hashes: 1,
          body: { code: "UNAUTHENTICATED" },
        });
  });
});

test("password hashes: known accounts use the same parameters as the comparison for unknown ones", async () => {
  const hash = spyOn(Bun.password, "hash");
  await requestSignIn(app, "not-known-at-all@example.com", "x");
  const unknown = hash.mock.calls.at(0)?.[1];
  hash.mockRestore();
  expect(unknown).toEqual({ algorithm: "argon2id", memoryCost: 19_456, timeCost: 2 });
  const stored = await app.store.read.all<{ password: string }>(sql`select password from accounts`);
  expect(stored.length).toBeGreaterThan(2);
  for (const { password } of stored) expect(password).toStartWith("$argon2id$v=19$m=19456,t=2,p=1$");
});

test("sign-in of a banned user: answers 403 with the right password and 401 with a wrong one", async () => {
  expect(await requestSignIn(app, "banned@example.com", PASSWORD)).toMatchObject({ status: 403 });
  expect(await requestSignIn(app, "banned@example.com", "x")).toMatchObject({ status: 401 });
});

test("sign-in throttle: refuses known and unknown accounts after the same number of attempts", async () => {
  await app.signUp("hammered@example.com");
  const statuses = async (email: string) => {
    const all: number[] = [];
    for (let guess = 0; guess < 12; guess++) all.push((await requestSignIn(app, email, "x")).status);
    return all;
  };
  const known = await statuses("hammered@example.com");
  expect(known).toEqual([...Array<number>(10).fill(401), 429, 429]);
  expect(await statuses("never-here@example.com")).toEqual(known);
});
