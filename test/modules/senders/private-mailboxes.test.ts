import { afterAll, beforeAll, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import type { MailLogin } from "../../../src/channels/channel.ts";
import { emailAccounts } from "../../../src/db/schema/senders.ts";
import { parsePrivateNetworks } from "../../../src/lib/network/private-networks.ts";
import { decryptLogin } from "../../../src/modules/senders/login.ts";
import { startApp, type TestApp } from "../../support/app.ts";
import { type BrandOwner, createBrandOwner, requestAs } from "../../support/brands.ts";

interface One {
  message: string;
  connected: boolean;
  details?: { field: string; message: string }[];
  emailAccount: { id: string; host: string; port: number; displayName: string | null };
}

let app: TestApp;
let ann: BrandOwner;
let bob: BrandOwner;
let admin: BrandOwner["request"];
/** Logins that verifyMailbox was called with. */
const tried: MailLogin[] = [];

const relay = { host: "10.1.2.3", port: 2600, security: "NONE", username: "relay", password: "s3cret" };

beforeAll(async () => {
  const networks = parsePrivateNetworks("10.1.2.0/24:2600");
  app = await startApp({
    config: { privateSmtpNetworks: typeof networks === "string" ? [] : networks },
    deps: {
      verifyMailbox: async (login) => {
        tried.push(login);
        return { ok: true };
      },
    },
  });
  [ann, bob] = [await createBrandOwner(app, "ann"), await createBrandOwner(app, "bob")];
  admin = requestAs(app, await app.admin());
});
afterAll(() => app.close());

async function addAsAdmin(email: string, over: object = {}): Promise<string> {
  const order = { ...relay, email, brandId: ann.brandId, ...over };
  const made = await admin<One>("POST", "/api/email-accounts", order);
  if (made.status !== 200) throw new Error(made.text);
  return made.body.emailAccount.id;
}

async function storedLogin(id: string): Promise<MailLogin | null> {
  const [row] = await app.store.read.select().from(emailAccounts).where(eq(emailAccounts.id, id));
  return row ? decryptLogin(app.deps.vault, row) : null;
}

test("mailbox on a private network: a user is refused, also unverified, before any connection is tried", async () => {
  const before = tried.length;
  const answers: string[] = [];
  for (const host of ["10.1.2.3", "10.1.2.4", "10.9.9.9", "127.0.0.1"]) {
    for (const allowUnverified of [false, true]) {
      const order = { ...relay, security: "TLS", port: 587, host, email: "a@private.example", allowUnverified };
      const refused = await ann.request<One>("POST", "/api/email-accounts", order);
      expect(refused.status).toBe(422);
      answers.push(refused.body.message);
    }
  }
  // The messages for a listed network, an unlisted one and the machine itself must be equal.
  expect(new Set(answers).size).toBe(1);
  expect(tried.length).toBe(before);
  const refused = await ann.request("POST", "/api/email-accounts", { ...relay, email: "a@private.example" });
  expect(refused.status).toBe(422);
  await addAsAdmin("relay1@private.example");
  expect(tried.at(-1)).toMatchObject({ host: "10.1.2.3", privateHost: true });
});

test("mailbox on a private network: an admin may use only the listed networks and ports", async () => {
  for (const wrong of [{ port: 25 }, { host: "10.1.3.3" }, { host: "169.254.169.254" }, { host: "8.8.8.8" }]) {
    const order = { ...relay, email: "b@private.example", brandId: ann.brandId, ...wrong };
    expect((await admin("POST", "/api/email-accounts", order)).status).toBe(422);
  }
  const open = { ...relay, host: "8.8.8.8", port: 587, email: "b@private.example", brandId: ann.brandId };
  const inTheClear = await admin<One>("POST", "/api/email-accounts", open);
  expect(inTheClear.body.details).toEqual([{ field: "security", message: "must be TLS or STARTTLS" }]);
});

test("private mailbox given by an admin: its brand tests and renames it and cannot change its login", async () => {
  const id = await addAsAdmin("relay2@private.example");
  expect(await storedLogin(id)).toMatchObject({ host: "10.1.2.3", privateHost: true });
  const renamed = await ann.request<One>("PATCH", `/api/email-accounts/${id}`, { displayName: "Ann" });
  expect(renamed.body.emailAccount.displayName).toBe("Ann");
  expect(renamed.text).not.toContain("privateHost");
  const tested = await ann.request<One>("POST", `/api/email-accounts/${id}/test-connection`);
  expect(tested.body.connected).toBe(true);
  for (const change of [{ password: "guess" }, { port: 2601 }, { host: "8.8.8.8", port: 587, password: "x" }]) {
    const refused = await ann.request("PATCH", `/api/email-accounts/${id}`, { ...change, allowUnverified: true });
    expect(refused.status).toBe(403);
  }
  expect(await storedLogin(id)).toMatchObject({ password: "s3cret" });
  expect((await admin("PATCH", `/api/email-accounts/${id}`, { password: "new" })).status).toBe(200);
  expect(await storedLogin(id)).toMatchObject({ password: "new", privateHost: true });
});

test("private mailbox assigned to another brand: stays allowed until an admin moves it to a public server", async () => {
  const id = await addAsAdmin("relay3@private.example");
  const assignment = { accountId: id, brandId: bob.brandId };
  expect((await admin("POST", "/api/auth/admin/assign-email-account", assignment)).status).toBe(200);
  expect((await bob.request<One>("POST", `/api/email-accounts/${id}/test-connection`)).body.connected).toBe(true);
  const outside = { host: "8.8.8.8", port: 587, security: "TLS", password: "x" };
  expect((await admin("PATCH", `/api/email-accounts/${id}`, outside)).status).toBe(200);
  expect(await storedLogin(id)).not.toHaveProperty("privateHost");
  const inside = { host: "10.1.2.3", port: 2600, password: "x" };
  expect((await bob.request("PATCH", `/api/email-accounts/${id}`, inside)).status).toBe(422);
});

test("private mailbox from before the list: is refused until an admin sets its host again, without the password", async () => {
  const id = await addAsAdmin("relay4@private.example");
  await app.store.write((tx) => tx.update(emailAccounts).set({ privateHost: false }).where(eq(emailAccounts.id, id)));
  expect((await ann.request<One>("POST", `/api/email-accounts/${id}/test-connection`)).body.connected).toBe(false);
  expect((await ann.request("PATCH", `/api/email-accounts/${id}`, { host: relay.host })).status).toBe(422);
  expect((await admin("PATCH", `/api/email-accounts/${id}`, { host: relay.host })).status).toBe(200);
  expect((await ann.request<One>("POST", `/api/email-accounts/${id}/test-connection`)).body.connected).toBe(true);
  expect(await storedLogin(id)).toMatchObject({ password: "s3cret", privateHost: true });
});

test("mailbox on a public host whose address becomes private: no connection is made", async () => {
  const made = await ann.request<One>("POST", "/api/email-accounts", {
    ...relay,
    ...{ host: "8.8.8.8", port: 587, security: "TLS", email: "moves@private.example" },
  });
  const { id } = made.body.emailAccount;
  // Change the stored address, as a changed DNS record would.
  await app.store.write((tx) =>
    tx.update(emailAccounts).set({ host: "10.1.2.3", port: 2600 }).where(eq(emailAccounts.id, id)),
  );
  const before = tried.length;
  const tested = await ann.request<One>("POST", `/api/email-accounts/${id}/test-connection`);
  expect(tested.body.connected).toBe(false);
  expect(tried.length).toBe(before);
});
