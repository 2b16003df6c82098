import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eq } from "drizzle-orm";
import fc from "fast-check";
import { contacts } from "../../../src/db/schema/contacts.ts";
import { installation } from "../../../src/db/schema/installation.ts";
import type { Reader } from "../../../src/db/store.ts";
import { SYSTEM, tenantScope } from "../../../src/db/tenant-scope.ts";
import { deleteContact, updateContact } from "../../../src/modules/contacts/contacts.ts";
import type { NewContact } from "../../../src/modules/contacts/model.ts";
import { parseContact } from "../../../src/modules/contacts/parse-contact.ts";
import { indexMissingContacts } from "../../../src/modules/contacts/reindex.ts";
import {
  MAX_SEARCH_SLICES,
  SEARCH_SLICE_ENTRIES,
  type SearchPosition,
  searchContacts,
} from "../../../src/modules/contacts/search.ts";
import { upsertContacts } from "../../../src/modules/contacts/upsert.ts";
import { deleteBrand } from "../../../src/modules/deletion/brand.ts";
import { startApp, type TestApp } from "../../support/app.ts";
import { type BrandOwner, createBrandOwner } from "../../support/brands.ts";

// Compare the index with a scan of every contact after random additions, updates and deletions, and count the work.

let app: TestApp;
let ann: BrandOwner;
let bob: BrandOwner;
let brands = 0;
const noPause = async () => {};

beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

async function openBrands() {
  brands++;
  [ann, bob] = [await createBrandOwner(app, `sa${brands}`), await createBrandOwner(app, `sb${brands}`)];
}

const upsert = (rows: NewContact[], brandId: string, onDuplicate: "SKIP" | "UPDATE" = "SKIP") =>
  app.store.write((tx) =>
    upsertContacts(
      tx,
      brandId,
      rows.map((row) => parseContact(row)),
      onDuplicate,
    ),
  );

/** Returns the results of all pages of a search, in pages of `limit`. */
async function search(
  brandId: string | null,
  text: string,
  limit = 3,
  read: Reader = app.store.read,
): Promise<string[]> {
  const found: string[] = [];
  let after: SearchPosition | null = null;
  do {
    const page: { items: string[]; next: SearchPosition | null } = await searchContacts(
      read,
      { scope: tenantScope(SYSTEM, brandId ?? undefined), text, after, limit, pause: noPause },
      async (rows) => new Map(rows.map(({ id }) => [id, id])),
    );
    expect(page.items.length).toBeLessThanOrEqual(limit);
    found.push(...page.items);
    after = page.next;
  } while (after !== null);
  return found;
}

/** Scans every contact, without using the index or its code. */
async function reference(brandId: string | null, text: string): Promise<string[]> {
  const plain = (given: string) =>
    given
      .normalize("NFKD")
      .replace(/\p{M}|['’`"\\]/gu, "")
      .toLowerCase();
  const letter = /[\p{L}\p{N}]/u;
  const wanted = /^[\d\s()+./-]+$/.test(text)
    ? [text.replace(/\D/g, "")].filter(Boolean)
    : plain(text)
        .split(/[\s\p{Cc}]+/u)
        .map((part) =>
          part.slice(
            Math.max(
              0,
              [...part].findIndex((c) => letter.test(c)),
            ),
          ),
        )
        .filter((part) => letter.test(part));
  if (wanted.length === 0) return [];
  const rows = await app.store.read
    .select()
    .from(contacts)
    .where(brandId === null ? undefined : eq(contacts.brandId, brandId));
  const found = rows.filter((row) => {
    const own: string[] = [];
    for (const text of [row.email, row.firstName, row.lastName, row.company]) {
      for (const part of plain(text ?? "").split(/[\s\p{Cc}]+/u)) {
        for (let at = 0; at < part.length; at++) {
          const isStart = at === 0 || !letter.test(part[at - 1] ?? "");
          const rest = part.slice(at);
          if (isStart && letter.test(rest[0] ?? "") && (text !== row.email || /[.@]/.test(rest))) own.push(rest);
        }
      }
    }
    // Strip the country codes of the phone numbers generated below.
    if (row.phone) own.push(row.phone.slice(1), row.phone.replace(/^\+(1|44|49)/, ""), row.phone.slice(-4));
    return wanted.every((word) => {
      const digits = word.replace(/[()./-]/g, "");
      const number = /^\d+$/.test(digits) ? (digits.length < 7 ? digits : digits.replace(/^0+/, "") || digits) : word;
      return own.some((mine) => mine.startsWith(word) || mine.startsWith(number));
    });
  });
  return found.map(({ id }) => id);
}

const sorted = (ids: string[]) => ids.toSorted();

const names = [
  "Ann",
  "Anna",
  "Jo",
  "Jörg",
  "O'Hara",
  "ann-marie",
  "Müller Groß",
  "李 小龙",
  "Łukasz",
  "x",
  "1&1",
  "  Sp  aced ",
];
const name = fc.option(fc.constantFrom(...names), { nil: null });
const local = fc.constantFrom("ann", "ann.miller", "jo_x", "a.b.c", "miller+tag", "42", "o'hara");
const host = fc.constantFrom("acme.com", "mail.acme.co.uk", "ann.example", "x1.org");
const phone = fc.constantFrom("+12025550143", "+12025550199", "+442079460958", "+4930123456", "+12125550100");
const person = fc.record({
  email: fc.option(
    fc.tuple(local, fc.nat(9), host).map(([l, n, h]) => `${l}${n}@${h}`),
    { nil: null },
  ),
  phone: fc.option(phone, { nil: null }),
  firstName: name,
  lastName: name,
  company: fc.option(fc.constantFrom("Acme Dental", "100% Fun_Co", "Ann & Sons", "42 Ltd", "Österreich AG"), {
    nil: null,
  }),
});
const query = fc.oneof(
  fc.constantFrom(
    "ann",
    "an",
    "a",
    "jo",
    "jorg",
    "JÖRG",
    "o'h",
    "ohara",
    "miller",
    "miller@",
    "acme",
    "acme.co",
    "@acme.com",
    "com",
  ),
  fc.constantFrom(
    "ann miller",
    "miller ann",
    "ann dental",
    "x 42",
    "fun",
    "fun_co",
    "100%",
    "%",
    "_",
    "李",
    "小",
    "\\",
    '"',
    "*",
    "a*",
    "ann:",
  ),
  fc.constantFrom(
    "2025550143",
    "+1 (202) 555-0143",
    "202",
    "0207 946 0958",
    "020794609",
    "30123",
    "49",
    "0143",
    "unknown 0199",
    "0049 30 123456",
    "42",
    "1",
  ),
  fc.tuple(fc.constantFrom(...names), fc.nat(5)).map(([text, end]) => text.slice(0, end + 1)),
  fc.string({ maxLength: 4 }).filter((text) => text.trim() !== ""),
);

describe("contact search", () => {
  test("the index finds the same contacts as a full scan after any additions, updates and deletions", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(person, { minLength: 1, maxLength: 12 }),
        fc.array(person, { maxLength: 6 }),
        fc.array(fc.record({ at: fc.nat(20), to: fc.option(person, { nil: null }) }), { maxLength: 5 }),
        fc.array(query, { minLength: 6, maxLength: 12 }),
        async (first, second, edits, queries) => {
          await openBrands();
          const [one, two] = [ann.brandId, bob.brandId];
          await upsert(first, one);
          await upsert(second, one, "UPDATE");
          await upsert(second, two);
          for (const { at, to } of edits) {
            const rows = await app.store.read.select().from(contacts).where(eq(contacts.brandId, one));
            const row = rows[at % Math.max(rows.length, 1)];
            if (!row) continue;
            await app.store
              .write((tx) =>
                (to
                  ? updateContact(tx, row.id, tenantScope(SYSTEM, one), to)
                  : deleteContact(tx, row.id, tenantScope(SYSTEM, one))
                ).then(() => {}),
              )
              .catch((error) => expect(["CONFLICT", "INVALID"]).toContain(error.code));
          }
          for (const text of queries) {
            const wanted = text.trim();
            expect([wanted, sorted(await search(one, wanted))]).toEqual([wanted, sorted(await reference(one, wanted))]);
          }
          const [text = "a"] = queries;
          expect(sorted(await search(null, text.trim()))).toEqual(sorted(await reference(null, text.trim())));
        },
      ),
      { numRuns: Number(process.env.SEARCH_RUNS ?? 25) },
    );
  }, 120_000);

  test("a search with thousands of matches per word visits a bounded number of entries per statement and returns a cursor", async () => {
    await openBrands();
    const many = Array.from({ length: 1_000 }, (_, n) => ({
      email: `p${n}@popular.example`,
      firstName: "Pat",
      lastName: `L${n % 7}`,
    }));
    for (let at = 0; at < 6; at++)
      await upsert(
        many.map((row) => ({ ...row, email: `${at}${row.email}` })),
        ann.brandId,
      );
    let statements = 0;
    let maxRows = 0;
    const watched = Object.create(app.store.read, {
      all: {
        value: async (asked: Parameters<Reader["all"]>[0]) => {
          const rows = await app.store.read.all(asked);
          statements++;
          maxRows = Math.max(maxRows, rows.length);
          return rows;
        },
      },
    }) as Reader;
    let pauses = 0;
    const page = (text: string, after: SearchPosition | null) =>
      searchContacts(
        watched,
        { scope: tenantScope(SYSTEM, ann.brandId), text, after, limit: 20, pause: async () => void pauses++ },
        async (rows) => new Map(rows.map(({ id }) => [id, id])),
      );
    const first = await page("pat", null);
    expect(first.items).toHaveLength(20);
    expect(statements).toBeLessThanOrEqual(6);
    // All 6,000 match each word, and none matches both: the request ends after its slices, with a cursor.
    pauses = 0;
    const noMatch = await page("popular l3 l4", null);
    expect(noMatch.items).toEqual([]);
    expect(pauses).toBeLessThanOrEqual(3 + MAX_SEARCH_SLICES);
    expect(maxRows).toBeLessThanOrEqual(SEARCH_SLICE_ENTRIES);
    expect(await search(ann.brandId, "popular l3 l4", 20)).toEqual([]);
    expect(await search(ann.brandId, "popular l3", 100)).toHaveLength(6 * 143);
    expect((await page("popular zzz", null)).next).toBeNull();
  }, 60_000);

  test("a cursor of another search is answered with 422", async () => {
    await openBrands();
    await upsert(
      Array.from({ length: 5 }, (_, n) => ({ email: `cur${n}@x.example` })),
      ann.brandId,
    );
    const get = (path: string) =>
      ann.request<{ data: unknown[]; nextCursor: string }>("GET", `/api/contacts?limit=2&${path}`);
    const listed = (await get("")).body.nextCursor;
    const found = (await get("searchQuery=cur")).body.nextCursor;
    expect((await get(`searchQuery=cur&cursor=${found}`)).body.data).toHaveLength(2);
    expect((await get(`searchQuery=cur&cursor=${listed}`)).status).toBe(422);
    expect((await get(`searchQuery=dent&cursor=${found}`)).status).toBe(422);
  });

  test("a search within a campaign finds only the campaign's members, filtered by status", async () => {
    await openBrands();
    await upsert([{ email: "pia@x.example" }, { email: "pit@x.example" }], ann.brandId);
    const { body } = await ann.request<{ campaign: { id: string } }>("POST", "/api/campaigns", { name: "c" });
    const path = `/api/campaigns/${body.campaign.id}`;
    await ann.request("POST", `${path}/add-contacts`, {
      contacts: [{ email: "pit@x.example" }, { email: "pim@x.example" }],
    });
    const find = async (query: string) =>
      (await ann.request<{ data: { contact: { email: string } }[] }>("GET", `${path}/contacts?${query}`)).body.data.map(
        ({ contact }) => contact.email,
      );
    expect(await find("searchQuery=pi")).toEqual(["pim@x.example", "pit@x.example"]);
    expect(await find("searchQuery=pi&status=QUEUED")).toHaveLength(2);
    expect(await find("searchQuery=pi&status=ACTIVE")).toEqual([]);
    expect(await find("searchQuery=pia")).toEqual([]);
  });

  test("contacts without index entries are indexed once, and those of a deleted brand are not found", async () => {
    await openBrands();
    await upsert([{ email: "moved@x.example", lastName: "Mover" }], ann.brandId);
    await app.store.write((tx) => tx.delete(installation).where(eq(installation.name, "contact words")));
    expect(await indexMissingContacts(app.store)).toBeGreaterThan(0);
    expect(await indexMissingContacts(app.store)).toBe(0);
    expect(await search(ann.brandId, "mover")).toHaveLength(1);
    await app.store.write((tx) => deleteBrand(tx, ann.brandId));
    expect(await search(ann.brandId, "mover")).toEqual([]);
    expect(await search(null, "mover")).toEqual([]);
  });
});
