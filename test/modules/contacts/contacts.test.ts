import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import fc from "fast-check";
import { campaigns } from "../../../src/db/schema/campaigns.ts";
import { contacts } from "../../../src/db/schema/contacts.ts";
import { conversations } from "../../../src/db/schema/conversations.ts";
import { bans } from "../../../src/db/schema/suppressions.ts";
import { createBrand } from "../../../src/modules/brands/brands.ts";
import type { Contact, NewContact } from "../../../src/modules/contacts/model.ts";
import { parseContact } from "../../../src/modules/contacts/parse-contact.ts";
import { type RowResult, upsertContacts } from "../../../src/modules/contacts/upsert.ts";
import { startApp, type TestApp } from "../../support/app.ts";
import { type BrandOwner, createBrandOwner, requestAs } from "../../support/brands.ts";
import { fuzzEndpoint } from "../../support/fuzz-body.ts";

interface Answer {
  message: string;
  contactId: string;
  contact: Contact;
  data: Contact[];
  nextCursor: string | null;
}

let app: TestApp;
let ann: BrandOwner;
let bob: BrandOwner;
let brands = 0;

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());
/** Create new brands for each test. */
beforeEach(async () => {
  brands++;
  [ann, bob] = [await createBrandOwner(app, `ann${brands}`), await createBrandOwner(app, `bob${brands}`)];
});

function upsert(rows: NewContact[], onDuplicate: "SKIP" | "UPDATE" = "SKIP", brandId = ann.brandId) {
  const parsed = rows.map((row) => parseContact(row));
  return app.store.write((tx) => upsertContacts(tx, brandId, parsed, onDuplicate));
}

const listResults = (outcomes: RowResult[]) => outcomes.map(({ verdict }) => verdict);

async function listContacts(brandId = ann.brandId): Promise<Contact[]> {
  const rows = await app.store.read.select().from(contacts).where(eq(contacts.brandId, brandId)).orderBy(contacts.id);
  return rows as unknown as Contact[];
}

function insertBan(ban: { scope: string; email?: string; phone?: string }) {
  return app.store.write((tx) =>
    tx.insert(bans).values({ id: tx.newId(), source: "MANUAL", createdAt: tx.now, ...ban }),
  );
}

describe("contact upsert", () => {
  test("each row is added, recognised as duplicate or rejected on its own", async () => {
    const outcomes = await upsert([
      { email: " Jo@Example.com ", firstName: "  Jo  B " },
      { email: "jo@example.com" },
      { phone: "+1 202 555 0143" },
      { email: "x@example.com", phone: "+12025550143" },
      { email: "not-an-address" },
      { phone: "123" },
      { firstName: "Unknown" },
      { email: "", phone: null },
    ]);
    expect(listResults(outcomes)).toEqual([
      "added",
      "duplicate",
      "added",
      // The contact of the phone number has no e-mail address yet, so both are one person; SKIP changes nothing.
      "duplicate",
      "bad_email",
      "bad_phone",
      "no_address",
      "no_address",
    ]);
    expect(outcomes[1]?.contactId).toBe(outcomes[0]?.contactId as string);
    expect(outcomes[3]?.contactId).toBe(outcomes[2]?.contactId as string);
    expect(await listContacts()).toMatchObject([
      { email: "jo@example.com", firstName: "Jo B", phone: null },
      { email: null, phone: "+12025550143" },
    ]);
  });

  test("UPDATE overwrites the fields that a row has and keeps all others", async () => {
    await upsert([{ email: "jo@example.com", firstName: "Jo", company: "Old", custom: { city: "Ulm", a: "1" } }]);
    const outcomes = await upsert(
      [
        { email: "jo@example.com", company: "New", phone: "+12025550143", custom: { a: "2" } },
        { email: "jo@example.com", lastName: "Last" },
        { phone: "+12025550143", timezone: "Europe/Paris" },
      ],
      "UPDATE",
    );
    expect(listResults(outcomes)).toEqual(["updated", "updated", "updated"]);
    expect(await listContacts()).toMatchObject([
      {
        email: "jo@example.com",
        phone: "+12025550143",
        firstName: "Jo",
        lastName: "Last",
        company: "New",
        timezone: "Europe/Paris",
        custom: { city: "Ulm", a: "2" },
      },
    ]);
  });

  test("a row that matches two contacts updates the one with its e-mail address and moves no phone number", async () => {
    await upsert([{ email: "a@example.com" }, { email: "b@example.com", phone: "+12025550143" }]);
    const row = { email: "a@example.com", phone: "+12025550143", company: "Both" };
    const [outcome] = await upsert([row], "UPDATE");
    expect(outcome?.verdict).toBe("updated");
    expect(outcome?.message).toContain("belongs to another contact");
    expect(await listContacts()).toMatchObject([
      { email: "a@example.com", phone: null, company: "Both" },
      { email: "b@example.com", phone: "+12025550143", company: null },
    ]);
  });

  test("two rows with one phone number and different e-mail addresses do not overwrite each other", async () => {
    for (const mode of ["SKIP", "UPDATE"] as const) {
      const outcomes = await upsert(
        [
          { email: "ann@firm.example", phone: "+12025550143", firstName: "Ann" },
          { email: "bob@firm.example", phone: "+12025550143", firstName: "Bob" },
        ],
        mode,
      );
      expect(outcomes[1]).toMatchObject({ verdict: "duplicate", contactId: null });
    }
    expect(await listContacts()).toMatchObject([{ email: "ann@firm.example", firstName: "Ann" }]);
  });

  test("a row with a banned address is neither added nor updated, whether the ban is the brand's or the platform's", async () => {
    await upsert([{ email: "known@example.com", phone: "+12025550101" }]);
    await insertBan({ scope: ann.brandId, email: "brand@example.com" });
    await insertBan({ scope: "platform", email: `platform${brands}@example.com` });
    await insertBan({ scope: ann.brandId, phone: "+12025550101" });
    await insertBan({ scope: bob.brandId, email: "elsewhere@example.com" });
    for (const mode of ["SKIP", "UPDATE"] as const) {
      const outcomes = await upsert(
        [
          { email: "brand@example.com" },
          { email: `platform${brands}@example.com` },
          { email: "new@example.com", phone: "+12025550101" },
          // The row omits the contact's phone number, which is banned.
          { email: "known@example.com", company: "x" },
          { email: "elsewhere@example.com" },
        ],
        mode,
      );
      expect(listResults(outcomes).slice(0, 4)).toEqual(["banned", "banned", "banned", "banned"]);
      expect(outcomes.slice(0, 4).every(({ contactId }) => contactId === null)).toBe(true);
      expect(["added", "updated"]).toContain(outcomes[4]?.verdict as string);
    }
    expect((await listContacts()).map(({ email }) => email)).toEqual(["known@example.com", "elsewhere@example.com"]);
  });

  test("too long values are truncated, and the row's message says so", async () => {
    const custom = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`f${n}`, "v"]));
    const person = { email: "a@example.com", phone: null, firstName: `${"x".repeat(199)}😀`, lastName: null };
    const rows = [{ verdict: "ok" as const, contact: { ...person, company: null, timezone: null, custom } }];
    const [outcome] = await app.store.write((tx) => upsertContacts(tx, ann.brandId, rows, "SKIP"));
    expect(outcome?.message).toContain("of 60 custom fields the first 50");
    const [row] = await listContacts();
    expect(Object.keys(row?.custom ?? {})).toHaveLength(50);
    expect(row?.firstName?.isWellFormed()).toBe(true);
  });

  test("concurrent batches add each contact once", async () => {
    const rows = Array.from({ length: 200 }, (_, n) => ({ email: `p${n}@example.com`, phone: `+1202555${1000 + n}` }));
    const all = await Promise.all([upsert(rows), upsert(rows.toReversed()), upsert(rows, "UPDATE")]);
    expect(all.flat().filter(({ verdict }) => verdict === "added")).toHaveLength(200);
    expect(await listContacts()).toHaveLength(200);
  });

  test("1,000 rows are added and updated twice within 10 seconds", async () => {
    const rows = Array.from({ length: 1000 }, (_, n) => ({ email: `q${n}@example.com`, custom: { n: String(n) } }));
    const started = performance.now();
    await upsert(rows);
    const added = performance.now();
    await upsert(rows, "UPDATE");
    await upsert(
      rows.map((row) => ({ ...row, company: "x" })),
      "UPDATE",
    );
    const updated = performance.now();
    console.log(
      `1000 rows: added in ${(added - started).toFixed(0)} ms, updated twice in ${(updated - added).toFixed(0)} ms`,
    );
    expect(await listContacts()).toHaveLength(1000);
    expect(updated - started).toBeLessThan(10_000);
  });

  test("any batches in any mode keep addresses unique within the brand and return one outcome per row", async () => {
    const email = fc.option(fc.constantFrom<string[]>("a@e.example", "b@e.example", "c@e.example"), { nil: null });
    const phone = fc.option(fc.constantFrom("+12025550111", "+12025550112", "+12025550113"), { nil: null });
    const row = fc.record({ email, phone, firstName: fc.option(fc.constantFrom("X", "Y"), { nil: null }) });
    const batch = fc.record({
      rows: fc.array(row, { maxLength: 6 }),
      mode: fc.constantFrom("SKIP" as const, "UPDATE" as const),
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(batch, { minLength: 1, maxLength: 3 }), async (batches) => {
        const { brandId } = await app.store.write(async (tx) => {
          return { brandId: (await createBrand(tx, { name: `run ${run++}` }, null)).id };
        });
        for (const { rows, mode } of batches) {
          const outcomes = await upsert(rows, mode, brandId);
          expect(outcomes).toHaveLength(rows.length);
          const there = await listContacts(brandId);
          outcomes.forEach(({ contactId }, index) => {
            if (contactId === null) return;
            const contact = there.find(({ id }) => id === contactId);
            const given = rows[index];
            expect(contact?.brandId).toBe(brandId);
            // A phone number may move to another contact, also later in the batch; a known e-mail address identifies
            // its contact.
            if (given?.email) expect([given.email, null]).toContain(contact?.email ?? null);
          });
        }
        const there = await listContacts(brandId);
        for (const key of ["email", "phone"] as const) {
          const values = there.flatMap((contact) => contact[key] ?? []);
          expect(new Set(values).size).toBe(values.length);
        }
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});

describe("/api/contacts", () => {
  test("a contact is created, returned, updated and deleted", async () => {
    const made = await ann.request<Answer>("POST", "/api/contacts", {
      email: "Jo@Example.com",
      phone: "(202) 555-0143",
      defaultCountry: "us",
      consent: "web form",
      custom: { city: "Ulm" },
    });
    expect(made.body.contact).toMatchObject({
      brandId: ann.brandId,
      email: "jo@example.com",
      phone: "+12025550143",
      custom: { city: "Ulm", consent: "web form" },
    });
    const path = `/api/contacts/${made.body.contact.id}`;
    const changed = await ann.request<Answer>("PATCH", path, { firstName: "Jo", phone: null, custom: { a: "b" } });
    expect(changed.body.contact).toMatchObject({
      email: "jo@example.com",
      phone: null,
      firstName: "Jo",
      custom: { a: "b" },
    });
    expect((await ann.request("PATCH", path, { email: null })).status).toBe(422);
    expect((await ann.request("PATCH", path, { email: "not-an-address" })).status).toBe(422);
    expect((await ann.request("PATCH", path, { timezone: "Mars/Base" })).status).toBe(422);
    expect((await ann.request<Answer>("GET", path)).body.contact.firstName).toBe("Jo");
    expect((await ann.request("DELETE", path)).status).toBe(200);
    expect((await ann.request("GET", path)).status).toBe(404);
  });

  test("POST and PATCH answer 409 for known or banned addresses and 422 for invalid fields", async () => {
    const [first] = await upsert([{ email: "a@example.com" }, { email: "b@example.com" }]);
    const again = await ann.request<Answer>("POST", "/api/contacts", { email: "A@example.com" });
    expect(again.status).toBe(409);
    expect(again.body.contactId).toBe(first?.contactId as string);
    const path = `/api/contacts/${first?.contactId}`;
    expect((await ann.request("PATCH", path, { email: "b@example.com" })).status).toBe(409);
    await insertBan({ scope: ann.brandId, email: "no@example.com" });
    expect((await ann.request("POST", "/api/contacts", { email: "no@example.com" })).status).toBe(409);
    expect((await ann.request("PATCH", path, { email: "no@example.com" })).status).toBe(409);
    expect((await ann.request("POST", "/api/contacts", { firstName: "x" })).status).toBe(422);
    expect(
      (await ann.request("POST", "/api/contacts", { email: "x@y.example", custom: { "no spaces": "x" } })).status,
    ).toBe(422);
    expect(
      (await ann.request("POST", "/api/contacts", { email: "x@y.example", custom: { hasOwnProperty: "x" } })).status,
    ).toBe(422);
  });

  test("PATCH of the e-mail address clears emailBouncedAt, PATCH of another field keeps the time", async () => {
    const [first] = await upsert([{ email: "bounced@example.com" }]);
    const id = first?.contactId as string;
    await app.store.write((tx) => tx.update(contacts).set({ emailBouncedAt: tx.now }).where(eq(contacts.id, id)));
    const kept = await ann.request<Answer>("PATCH", `/api/contacts/${id}`, { firstName: "x" });
    expect(kept.body.contact.emailBouncedAt).not.toBeNull();
    const moved = await ann.request<Answer>("PATCH", `/api/contacts/${id}`, { email: "new@example.com" });
    expect(moved.body.contact.emailBouncedAt).toBeNull();
  });

  test("DELETE answers 409 for a contact in a campaign", async () => {
    const [first] = await upsert([{ email: "member@example.com" }]);
    const contactId = first?.contactId as string;
    await app.store.write(async (tx) => {
      const own = { brandId: ann.brandId, createdAt: tx.now, updatedAt: tx.now };
      const plan = {
        name: "c",
        status: "DRAFT" as const,
        channels: ["EMAIL" as const],
        timezone: "UTC",
        sendWindows: [],
      };
      const campaignId = tx.newId();
      await tx.insert(campaigns).values({ ...own, ...plan, id: campaignId });
      await tx.insert(conversations).values({ ...own, id: tx.newId(), campaignId, contactId, status: "QUEUED" });
    });
    expect((await ann.request("DELETE", `/api/contacts/${contactId}`)).status).toBe(409);
  });
});

test("GET /api/contacts?searchQuery: every word must begin a word of name, company, e-mail address or phone number", async () => {
  await upsert([
    { email: "jo.miller@example.com", firstName: "Jo", lastName: "Miller", company: "Miller Dental" },
    { email: "kim@example.com", firstName: "Kim", lastName: "Österreich", company: "100% Fun_Co" },
    { phone: "+12025550143", firstName: "Unknown" },
  ]);
  const find = async (text: string) => {
    const page = await ann.request<Answer>("GET", `/api/contacts?searchQuery=${encodeURIComponent(text)}`);
    return page.body.data.map(({ firstName }) => firstName);
  };
  const cases: [text: string, found: string[]][] = [
    ["MILLER", ["Jo"]],
    ["jo mill", ["Jo"]],
    ["mill jo", ["Jo"]],
    ["jo kim", []],
    ["iller", []],
    ["KIM@EXAMPLE", ["Kim"]],
    ["miller@ex", ["Jo"]],
    ["example.com", ["Jo", "Kim"]],
    ["@example.com", ["Jo", "Kim"]],
    ["Österreich", ["Kim"]],
    ["osterr", ["Kim"]],
    ["100%", ["Kim"]],
    ["co", ["Kim"]],
    ["+1 (202) 555-0143", ["Unknown"]],
    ["202-555", ["Unknown"]],
    ["2025550143", ["Unknown"]],
    ["0143", ["Unknown"]],
    ["1202", ["Unknown"]],
    ["unknown 0143", ["Unknown"]],
    ["143", []],
    ["%", []],
    ["\\", []],
    ["*", []],
    [" ", ["Jo", "Kim", "Unknown"]],
  ];
  for (const [text, found] of cases) expect([text, (await find(text)).toSorted()]).toEqual([text, found]);
});

test("GET /api/contacts: pages neither repeat nor skip a contact while others are added", async () => {
  await upsert(Array.from({ length: 9 }, (_, n) => ({ email: `p${n}@example.com` })));
  const seen: (string | null)[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: { body: Answer } = await ann.request<Answer>("GET", `/api/contacts?limit=2&cursor=${cursor}`);
    seen.push(...page.body.data.map(({ email }) => email));
    cursor = page.body.nextCursor;
    if (seen.length === 4) await upsert([{ email: "late@example.com" }]);
  }
  expect(seen).toEqual([...Array.from({ length: 9 }, (_, n) => `p${n}@example.com`), "late@example.com"]);
});

test("/api/contacts: other owners get 403 or 404, requests without a session 401, and an admin has access", async () => {
  const [first] = await upsert([{ email: "secret@example.com" }]);
  const path = `/api/contacts/${first?.contactId}`;
  for (const [method, body] of [["GET"], ["PATCH", { firstName: "x" }], ["DELETE"]] as const) {
    expect((await bob.request(method, path, body)).status).toBe(404);
  }
  // Create a contact with the same address in the other brand.
  const own = await bob.request<Answer>("POST", "/api/contacts", { email: "secret@example.com" });
  expect(own.status).toBe(200);
  expect(own.body.contact.id).not.toBe(first?.contactId as string);
  expect((await bob.request("POST", "/api/contacts", { email: "x@example.com", brandId: ann.brandId })).status).toBe(
    403,
  );
  expect((await bob.request("GET", `/api/contacts?brandId=${ann.brandId}`)).status).toBe(403);

  const admin = requestAs(app, await app.admin());
  expect((await admin<Answer>("GET", `/api/contacts?brandId=${ann.brandId}`)).body.data).toHaveLength(1);
  expect((await admin("PATCH", path, { firstName: "By admin" })).status).toBe(200);
  expect((await admin("POST", "/api/contacts", { email: "x@example.com", brandId: "nowhere" })).status).toBe(404);
  expect((await app.request("GET", path)).status).toBe(401);
});

test("/api/contacts: invalid input never causes a 500", async () => {
  const [first] = await upsert([{ email: "target@example.com" }]);
  const path = `/api/contacts/${first?.contactId}`;
  const order = {
    email: "n@example.com",
    phone: "+12025550143",
    firstName: "x",
    timezone: "UTC",
    consent: "x",
    custom: { city: "Ulm" },
    defaultCountry: "US",
  };
  await fuzzEndpoint(ann, "POST", "/api/contacts", order);
  await fuzzEndpoint(ann, "PATCH", path, order);
  await fuzzEndpoint(ann, "GET", "/api/contacts");
  await fuzzEndpoint(ann, "GET", path);
  await fuzzEndpoint(bob, "DELETE", path);
}, 60_000);
