import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { sql } from "drizzle-orm";
import fc from "fast-check";
import type { LimitName } from "../../../src/modules/limits/names.ts";
import { getUsage } from "../../../src/modules/limits/usage.ts";
import { startApp, type TestApp } from "../../support/app.ts";
import { type BrandOwner, createBrandOwner, requestAs } from "../../support/brands.ts";
import { setLimits } from "../../support/limits.ts";

setDefaultTimeout(60_000);

const CALLERS = 32;
const LEFT = 7;

let app: TestApp;
let admin: BrandOwner["request"];
let ann: BrandOwner;
let brands = 0;
let made = 0;

beforeAll(async () => {
  app = await startApp({ config: { allowPrivateSmtp: true } });
  admin = requestAs(app, await app.admin());
});
afterAll(() => app.close());
beforeEach(async () => {
  ann = await createBrandOwner(app, `ann${++brands}`);
});

const used = async (brandId = ann.brandId) => getUsage(app.store.read, brandId);

/** Requests that create one more of each resource with a quota; a DELETE below the same path removes it. */
const resources: Record<string, { path: string; body: () => object; list?: string }> = {
  contacts: { path: "/api/contacts", body: () => ({ email: `c${++made}@x.example` }) },
  campaigns: { path: "/api/campaigns", body: () => ({ name: `C${++made}` }) },
  mailboxes: {
    path: "/api/email-accounts",
    body: () => ({ email: `m${++made}@x.example`, host: "127.0.0.1", port: 2525, security: "NONE" }),
  },
  voicemailNumbers: { path: "/api/voicemail-accounts", body: () => ({ phoneNumber: `+1202555${1000 + ++made}` }) },
  bans: { path: "/api/auth/banned", body: () => ({ email: `b${++made}@x.example` }) },
};

const TABLES: Record<string, string> = {
  contacts: "contacts where brand_id",
  campaigns: "campaigns where brand_id",
  mailboxes: "email_accounts where brand_id",
  voicemailNumbers: "voicemail_accounts where brand_id",
  bans: "bans where scope",
};

async function rowsOf(name: string, brandId = ann.brandId): Promise<number> {
  const [row] = await app.store.read.all<{ n: unknown }>(
    sql`select count(*) as n from ${sql.raw(TABLES[name] ?? "")} = ${brandId}`,
  );
  return Number(row?.n);
}

describe.each(Object.entries(resources))("quota of %s", (name, { path, body }) => {
  const limit = name as LimitName;

  test("32 concurrent callers create exactly what is left, and the counter equals the number of rows", async () => {
    await setLimits(app.store, { [limit]: LEFT }, ann.brandId);
    const answers = await Promise.all(Array.from({ length: CALLERS }, () => ann.request("POST", path, body())));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(LEFT);
    const refused = answers.filter(({ status }) => status !== 200);
    for (const { status, body } of refused) {
      expect(status).toBe(409);
      expect((body as unknown as { message: string }).message).toContain(`${name} is reached: ${LEFT}`);
    }
    expect(await rowsOf(name)).toBe(LEFT);
    expect((await used())[limit]).toBe(LEFT);
  });

  test("a deletion frees the quota, and a change by an admin takes effect at once", async () => {
    await setLimits(app.store, { [limit]: 1 }, ann.brandId);
    const first = await ann.request<Record<string, { id: string }>>("POST", path, body());
    expect((await ann.request("POST", path, body())).status).toBe(409);
    const id = Object.values(first.body).find((value) => typeof value === "object")?.id ?? (first.body.id as never);
    const gone = await ann.request("DELETE", `${path}/${id}`, name === "bans" ? { id } : undefined);
    expect(gone.status).toBe(200);
    expect((await used())[limit]).toBe(0);
    expect((await ann.request("POST", path, body())).status).toBe(200);
    await setLimits(app.store, { [limit]: 2 }, ann.brandId);
    expect((await ann.request("POST", path, body())).status).toBe(200);
    await setLimits(app.store, { [limit]: null }, ann.brandId);
    expect((await ann.request("POST", path, body())).status).toBe(200);
  });
});

test("quota of API keys: 32 concurrent callers create exactly as many as a user may have", async () => {
  await setLimits(app.store, { apiKeys: LEFT });
  const ask = (n: number) => ann.request("POST", "/api/auth/api-keys", { name: `Key ${n}` });
  const answers = await Promise.all(Array.from({ length: CALLERS }, (_, n) => ask(n)));
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(LEFT);
  await setLimits(app.store, { apiKeys: null });
});

test("quota of contacts: rows beyond it are skipped with QUOTA, rows before it are added, known contacts are enrolled", async () => {
  const known = await ann.request("POST", "/api/contacts", { email: "known@x.example" });
  expect(known.status).toBe(200);
  await setLimits(app.store, { contacts: 3 }, ann.brandId);
  const campaign = await ann.request<{ campaign: { id: string } }>("POST", "/api/campaigns", { name: "C" });
  const contacts = ["a", "b", "c", "d", "known"].map((name) => ({ email: `${name}@x.example` }));
  const { body } = await ann.request<{ added: number; enrolled: number; skipped: { index: number; code: string }[] }>(
    "POST",
    `/api/campaigns/${campaign.body.campaign.id}/add-contacts`,
    { contacts },
  );
  expect(body).toMatchObject({ added: 3, enrolled: 3 });
  expect(body.skipped.map(({ index, code }) => `${index} ${code}`)).toEqual(["2 QUOTA", "3 QUOTA"]);
  expect(await rowsOf("contacts")).toBe(3);
});

test("quota of stored bytes: a template beyond it answers 409, and replaced or deleted templates free their bytes", async () => {
  const { body } = await ann.request<{ campaign: { id: string } }>("POST", "/api/campaigns", { name: "C" });
  const { id } = body.campaign;
  const put = (size: number) => {
    const steps = [
      { stage: 0, channel: "EMAIL", subject: "Hi", body: "x".repeat(size), delay: { value: 0, unit: "DAYS" } },
    ];
    return ann.request<{ message: string }>("PUT", `/api/campaigns/${id}/steps`, { steps });
  };
  await setLimits(app.store, { storedBytes: 50_000 }, ann.brandId);
  expect((await put(40_000)).status).toBe(200);
  const refused = await put(60_000);
  expect(refused.status).toBe(409);
  expect(refused.body.message).toContain("storedBytes is reached: 50000 bytes");
  expect((await put(45_000)).status).toBe(200);
  expect((await ann.request("DELETE", `/api/campaigns/${id}`)).status).toBe(200);
  expect((await used()).storedBytes).toBe(0);
});

test("quota of mailboxes: a mailbox assigned to another brand counts for that brand", async () => {
  const bob = await createBrandOwner(app, `bob${brands}`);
  const box = await ann.request<{ emailAccount: { id: string } }>("POST", "/api/email-accounts", {
    ...resources.mailboxes?.body(),
  });
  const move = (brandId: string) =>
    admin("POST", "/api/auth/admin/assign-email-account", { accountId: box.body.emailAccount.id, brandId });
  await move(bob.brandId);
  await move(bob.brandId);
  expect([(await used()).mailboxes, (await used(bob.brandId)).mailboxes]).toEqual([0, 1]);
  await move(ann.brandId);
  expect([(await used()).mailboxes, (await used(bob.brandId)).mailboxes]).toEqual([1, 0]);
});

test("quota counters: equal the number of rows after any sequence of changes, and zero after all is deleted", async () => {
  const acts = fc.array(fc.tuple(fc.constantFrom("make", "change", "join", "delete"), fc.nat(1000)), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(acts, async (steps) => {
      const owner = await createBrandOwner(app, `prop${++brands}`);
      const people: string[] = [];
      const created = await owner.request<{ campaign: { id: string } }>("POST", "/api/campaigns", { name: "C" });
      const campaignId = created.body.campaign.id;
      const joined = new Set<string>();
      for (const [act, n] of steps) {
        const id = people[n % Math.max(1, people.length)];
        if (act === "make" || id === undefined) {
          const body = {
            email: `p${++made}@x.example`,
            firstName: "é".repeat(n % 50),
            custom: { a: "ü".repeat(n % 90) },
          };
          const { contact } = (await owner.request<{ contact: { id: string } }>("POST", "/api/contacts", body)).body;
          people.push(contact.id);
        } else if (act === "change") {
          await owner.request("PATCH", `/api/contacts/${id}`, {
            company: "c".repeat(n % 200),
            email: `q${++made}@x.example`,
          });
        } else if (act === "join") {
          const { contact } = (await owner.request<{ contact: { email: string } }>("GET", `/api/contacts/${id}`)).body;
          const contacts = [{ email: contact.email, lastName: "l".repeat(n % 60) }];
          await owner.request("POST", `/api/campaigns/${campaignId}/add-contacts`, { contacts, onDuplicate: "UPDATE" });
          joined.add(id);
        } else if (!joined.has(id)) {
          await owner.request("DELETE", `/api/contacts/${id}`);
          people.splice(people.indexOf(id), 1);
        }
        expect((await used(owner.brandId)).contacts ?? 0).toBe(await rowsOf("contacts", owner.brandId));
      }
      expect((await owner.request("DELETE", `/api/campaigns/${campaignId}`)).status).toBe(200);
      for (const id of people) expect((await owner.request("DELETE", `/api/contacts/${id}`)).status).toBe(200);
      const left = await used(owner.brandId);
      expect([left.contacts ?? 0, left.campaigns ?? 0, left.storedBytes ?? 0]).toEqual([0, 0, 0]);
    }),
    { numRuns: 8 },
  );
});
