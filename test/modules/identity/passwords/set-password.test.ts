import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createAdmin, createBootstrapToken } from "../../../../src/modules/identity/bootstrap-admin.ts";
import { PASSWORD } from "../../../support/api-client.ts";
import { startApp, type TestApp } from "../../../support/app.ts";

// Apply the password rules wherever a password is set; passwordRules.once.test.ts tests the rules themselves.

setDefaultTimeout(30_000);

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const GUESSABLE = ["1234567890", "password12", "qwertyuiop", "iloveyou123", "graceful.hopper", "Grace Hopper 1"];
const GRACE = { email: "graceful.hopper@example.com", name: "Grace Hopper" };

/** Each way to set a password, with the request that sends it. */
const WAYS: Record<string, (password: string) => Promise<{ status: number; body: unknown }>> = {
  "sign-up": (password) => app.request("POST", "/api/auth/sign-up/email", { body: { ...GRACE, password } }),
  claim: async (password) => {
    const token = await createBootstrapToken(app.store);
    return app.request("POST", "/api/auth/claim", { body: { ...GRACE, password, token } });
  },
  "an admin's create-user": async (password) => {
    const body = { ...GRACE, password };
    return app.request("POST", "/api/auth/admin/create-user", { token: await app.admin(), body });
  },
};

describe.each(Object.entries(WAYS))("password rules in %s", (_, send) => {
  test.each(GUESSABLE)("refuse %s with the field and the reason", async (password) => {
    const { status, body } = await send(password);
    expect(status).toBe(422);
    const { code, details } = body as { code: string; details: { field: string; message: string }[] };
    expect([code, details.map(({ field }) => field)]).toEqual(["INVALID", ["password"]]);
    expect(details[0]?.message).toMatch(/^this is .*: choose another/);
    expect(JSON.stringify(body)).not.toContain(password);
  });
});

describe("POST /api/auth/change-password", () => {
  test("refuses a guessable password and keeps the old one", async () => {
    const body = { email: GRACE.email, password: PASSWORD, name: GRACE.name };
    const { token } = (await app.request<{ token: string }>("POST", "/api/auth/sign-up/email", { body })).body;
    for (const newPassword of GUESSABLE) {
      const sent = { token, body: { currentPassword: PASSWORD, newPassword } };
      const answer = await app.request("POST", "/api/auth/change-password", sent);
      expect(answer).toMatchObject({ status: 422, body: { details: [{ field: "newPassword" }] } });
    }
    expect(await app.signIn(GRACE.email)).toBeString();
  });
});

test("sign-up: repeated refused passwords do not count as guessing attempts", async () => {
  const visitor = { "x-client-address": "192.0.2.77" };
  const body = { email: "choosing@example.com", name: "Choosing" };
  const choose = async (password: string) =>
    (await app.request("POST", "/api/auth/sign-up/email", { body: { ...body, password }, headers: visitor })).status;
  for (let times = 0; times < 30; times++) expect(await choose("password12")).toBe(422);
  expect(await choose(PASSWORD)).toBe(200);
});

describe("createAdmin on the command line", () => {
  test.each(GUESSABLE)("refuses the password %s", async (password) => {
    expect(createAdmin(app.store, { ...GRACE, password })).rejects.toMatchObject({ code: "INVALID" });
  });
});
