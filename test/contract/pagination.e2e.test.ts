import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createReadyBrand, launchCampaign, type ReadyBrand } from "../support/api-campaign.ts";
import { SIMULATOR_ENVIRONMENT } from "../support/seed-brand.ts";
import { waitUntil } from "../support/servers/temp-server.ts";
import { type Service, startService } from "../support/service.ts";

// Walk the lists of the reference contract in its five forms of paging, each with its own names, defaults and end.

let service: Service;
let admin: string;
let brand: ReadyBrand;
const BRANDS = 23;
const PEOPLE = 40;
/** Counts the contacts whose opening message was accepted: each of them has a follow-up. */
let followUps = 0;

beforeAll(async () => {
  service = await startService({ env: SIMULATOR_ENVIRONMENT });
  admin = await service.admin();
  brand = await createReadyBrand(service, admin, {
    name: "ann",
    smtpPort: 2525,
    mailboxes: ["a@ann.example"],
    credits: 500,
  });
  for (let n = 1; n < BRANDS; n++) {
    await ask("POST", "/api/brands", { name: `Brand ${n}` });
    await brand.ask("POST", "/api/auth/banned", { email: `ban${n}@example.com` });
  }
  await brand.ask("POST", "/api/auth/banned", { phone: "+12025550100" });
  const people = Array.from({ length: PEOPLE }, (_, n) => ({ email: `p${n}@people.example` }));
  const stages = [
    { subject: "Hi", body: "Hello" },
    { body: "And?", delay: { value: 1, unit: "DAYS" as const } },
  ];
  const id = await launchCampaign(brand, { name: "ann", stages, people });
  const total = async () => (await ask("GET", "/api/auth/admin/scheduled-follow-ups")).pagination?.total ?? 0;
  await waitUntil("most openings are out", async () => (await total()) > 22, 20_000);
  // Cancel the campaign, so that no more follow-ups are added.
  await brand.ask("POST", `/api/campaigns/${id}/cancel`);
  followUps = await total();
}, 60_000);
afterAll(() => service.remove());

interface Listed {
  [list: string]: unknown;
  pagination?: Record<string, number>;
  hasMore?: boolean;
  total?: number;
  nextCursor?: string | null;
}

async function ask<Body = Listed>(method: string, path: string, body?: object, token = admin): Promise<Body> {
  const sent = body === undefined ? { token } : { token, body };
  const answer = await service.api<Body>(method, path, sent);
  if (answer.status !== 200) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.body;
}

/** Returns the ids of a page, under the name that the list uses. */
function idsOf(rows: unknown): string[] {
  return (rows as Record<string, string>[]).map((row) => row.id ?? row.brandId ?? row.accountId ?? "");
}

/** Requests page after page until one is not full, and expects no row twice. */
async function walk(page: (number: number) => Promise<string[]>, size: number): Promise<number> {
  const seen: string[] = [];
  for (let number = 0; ; number++) {
    const ids = await page(number);
    seen.push(...ids);
    if (ids.length < size) break;
  }
  expect(new Set(seen).size).toBe(seen.length);
  return seen.length;
}

describe("cursor paging of GET /api/auth/banned", () => {
  const list = (query = "") => ask<Listed>("GET", `/api/auth/banned${query}`, undefined, brand.token);

  test("20 rows are returned by default, the newest first, with a cursor for the next page", async () => {
    const first = await list();
    expect(first.data).toHaveLength(20);
    expect(first.nextCursor).toBeString();
    const rest = await list(`?cursor=${first.nextCursor}`);
    expect(rest).toMatchObject({ success: true, nextCursor: null });
    expect(rest.data).toHaveLength(BRANDS - 20);
  });

  test.each(["createdAt", "email"])("pages sorted by %s in either order return every ban once", async (sortBy) => {
    const walked = await Promise.all(
      ["asc", "desc"].map(async (sortOrder) => {
        const seen: string[] = [];
        for (let cursor = ""; ; ) {
          const page = await list(`?limit=4&sortBy=${sortBy}&sortOrder=${sortOrder}${cursor && `&cursor=${cursor}`}`);
          seen.push(...idsOf(page.data));
          if (typeof page.nextCursor !== "string") return seen;
          cursor = page.nextCursor;
        }
      }),
    );
    expect(walked[0]).toHaveLength(BRANDS);
    expect(new Set(walked[0]).size).toBe(BRANDS);
    expect(walked[1]?.toReversed()).toEqual(walked[0]);
  });
});

describe("limit and offset paging of POST /api/auth/admin/brands", () => {
  const list = (body: object) => ask("POST", "/api/auth/admin/brands", body);

  test("10 rows from the start are returned by default", async () => {
    const page = await list({});
    expect(page).toMatchObject({ success: true, hasMore: true, total: BRANDS });
    expect(page.brands).toHaveLength(10);
    expect(idsOf((await list({ limit: 10, offset: 0 })).brands)).toEqual(idsOf(page.brands));
  });

  test("pages return every brand once, and hasMore is false on the last page", async () => {
    const page = async (number: number) => idsOf((await list({ limit: 4, offset: number * 4 })).brands);
    expect(await walk(page, 4)).toBe(BRANDS);
    expect(await list({ limit: 3, offset: BRANDS - 3 })).toMatchObject({ hasMore: false, total: BRANDS });
    expect(await list({ limit: 3, offset: BRANDS - 4 })).toMatchObject({ hasMore: true });
    expect(await list({ offset: 1_000_000 })).toMatchObject({ brands: [], hasMore: false, total: BRANDS });
  });
});

describe("page and limit paging of POST /api/auth/admin/all-credits", () => {
  const list = (body: object) => ask("POST", "/api/auth/admin/all-credits", body);

  test("10 rows of the first page are returned by default", async () => {
    const { credits, pagination } = await list({});
    expect(credits).toHaveLength(10);
    expect(pagination).toEqual({ currentPage: 1, limit: 10, totalItems: BRANDS, totalPages: 3 });
  });

  test("pages return every brand once, and a page after the last is empty", async () => {
    const page = async (number: number) => idsOf((await list({ limit: 5, page: number + 1 })).credits);
    expect(await walk(page, 5)).toBe(BRANDS);
    expect(await list({ page: 1_000_000 })).toMatchObject({
      credits: [],
      pagination: { currentPage: 1_000_000, totalItems: BRANDS },
    });
  });
});

describe("page and limit paging of GET /api/auth/admin/payments", () => {
  const list = (query = "") => ask("GET", `/api/auth/admin/payments${query}`);

  test("20 rows of the first page are the default, and page and limit are taken from the query", async () => {
    const { transactions, pagination } = await list();
    expect(transactions).toBeArray();
    expect(pagination).toMatchObject({ page: 1, pageSize: 20 });
    expect((await list("?page=2&limit=5")).pagination).toMatchObject({ page: 2, pageSize: 5 });
  });
});

describe("page and limit paging of GET /api/auth/admin/scheduled-follow-ups", () => {
  const list = (query = "") => ask("GET", `/api/auth/admin/scheduled-follow-ups${query}`);

  test("20 rows of the first page are returned by default, without a `success` field", async () => {
    const { items, pagination, ...rest } = await list();
    expect(items).toHaveLength(20);
    expect(pagination).toEqual({ limit: 20, page: 1, total: followUps, totalPages: 2 });
    expect(rest).toEqual({});
  });

  test("pages return every follow-up once, and a page after the last is empty", async () => {
    const page = async (number: number) => idsOf((await list(`?limit=5&page=${number + 1}`)).items);
    expect(await walk(page, 5)).toBe(followUps);
    expect(await list("?page=1000000")).toMatchObject({ items: [], pagination: { page: 1_000_000, total: followUps } });
  });
});

test("POST /api/auth/admin/email-accounts: all mailboxes are returned on one page unless a filter is set", async () => {
  const path = "/api/auth/admin/email-accounts";
  const all = await ask("POST", path, {});
  expect(all).toEqual(await ask("POST", path, { assignmentFilter: "all" }));
  expect(all.accounts).toHaveLength(1);
  expect((await ask("POST", path, { assignmentFilter: "unassigned" })).accounts).toEqual([]);
});
