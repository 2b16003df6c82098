import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { DAY, HOUR, iso } from "../../../src/lib/clock.ts";
import type { BrandCredits, CreditStats } from "../../../src/modules/credits/model.ts";
import type { Transaction } from "../../../src/modules/payments/model.ts";
import { toMajorUnits, toMinorUnits } from "../../../src/modules/payments/money.ts";
import { createPayment, type PaymentInput } from "../../../src/modules/payments/payments.ts";
import { getUserId } from "../../support/auth-helpers.ts";
import type { BrandOwner } from "../../support/brands.ts";
import { fuzzEndpoint } from "../../support/fuzz-body.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";

setDefaultTimeout(60_000);

const ADMIN = "/api/auth/admin";

interface Payments {
  transactions: Transaction[];
  pagination: { page: number; pageSize: number; total: number; totalPages: number };
  details?: { field: string; message: string }[];
}

let world: OutreachApp;
let admin: BrandOwner["request"];
beforeAll(async () => {
  world = await startOutreachApp();
  admin = await world.admin();
});
afterEach(async () => {
  await world.cancelAllCampaigns();
  expect(await world.listDrifts()).toEqual([]);
});
afterAll(() => world.close());

const payments = async (query = "") => (await admin<Payments>("GET", `${ADMIN}/payments?${query}`)).body;
const grant = (body: object, headers?: Record<string, string>) =>
  admin<Payments>("POST", `${ADMIN}/grant-credits`, { credits: 100, reason: "paid", ...body }, headers);
const record = (order: Partial<PaymentInput> & { brandId: string }) =>
  world.store.write((tx) =>
    createPayment(tx, {
      type: "CREDIT_PURCHASE",
      status: "SUCCESS",
      amountMinor: 100,
      currency: "USD",
      creditsAdded: 1000,
      transactionDate: tx.now,
      ...order,
    }),
  );

describe("POST /api/auth/admin/grant-credits with a payment", () => {
  test("records the payment and the credits it paid for, in all fields", async () => {
    const { brandId, token } = await world.createDraft();
    const paidAt = iso(world.clock.now() - DAY);
    const payment = { amount: 49.9, currency: "usd", description: "Transfer 4711", planName: "Gold", paidAt };
    expect((await grant({ brandId, credits: 1.5, kind: "SUBSCRIPTION", payment })).status).toBe(200);
    expect((await payments(`brandId=${brandId}`)) as object).toEqual({
      success: true,
      transactions: [
        {
          id: expect.any(String),
          brandId,
          brandName: "brand0",
          userId: await getUserId(world.app, token),
          userName: "Someone",
          userEmail: "owner@brand0.example",
          type: "SUBSCRIPTION",
          status: "SUCCESS",
          amount: 49.9,
          amountMinor: 4990,
          currency: "USD",
          creditsAdded: 1.5,
          planName: "Gold",
          description: "Transfer 4711",
          chargebeeCustomerId: null,
          chargebeeInvoiceId: null,
          transactionDate: paidAt,
        },
      ],
      pagination: { page: 1, pageSize: 20, total: 1, totalPages: 1 },
    });
  });

  test("records one payment per Idempotency-Key, and none when the request is rejected", async () => {
    const { brandId } = await world.createDraft({ credits: 0 });
    const body = { brandId, payment: { amount: 10, currency: "EUR" } };
    const headers = { "idempotency-key": "transfer-1" };
    const answers = await Promise.all([grant(body, headers), grant(body, headers)]);
    expect(answers.every(({ status }) => status === 200 || status === 409)).toBe(true);
    expect((await grant(body, headers)).text).toBe(answers.find(({ status }) => status === 200)?.text ?? "");
    const tomorrow = iso(world.clock.now() + DAY);
    for (const [field, payment] of [
      ["payment.amount", { amount: 10.001, currency: "EUR" }],
      ["payment.amount", { amount: 1.5, currency: "JPY" }],
      ["payment.amount", { amount: 0, currency: "EUR" }],
      ["payment.currency", { amount: 10, currency: "XXQ" }],
      ["payment.currency", { amount: 10, currency: "EURO" }],
      ["payment.paidAt", { amount: 10, currency: "EUR", paidAt: tomorrow }],
    ] as const) {
      const { status, body } = await grant({ brandId, payment });
      expect([payment, status, body.details?.[0]?.field]).toEqual([payment, 422, field]);
    }
    expect(await payments(`brandId=${brandId}`)).toMatchObject({ pagination: { total: 1 } });
    expect((await admin("GET", `/api/credits?brandId=${brandId}`)).body).toMatchObject({
      balance: { totalGranted: 100 },
    } as never);
    expect((await admin("DELETE", `/api/brands/${brandId}`)).body).toMatchObject({ history: { payments: 1 } } as never);
  });

  test("toMinorUnits and toMajorUnits: keep the decimals of each currency", () => {
    for (const [amount, currency, minor] of [
      [19.99, "USD", 1999],
      [1.1, "EUR", 110],
      [500, "JPY", 500],
      [1.234, "KWD", 1234],
      [999_999_999.99, "USD", 99_999_999_999],
    ] as const) {
      expect(toMinorUnits("amount", amount, currency)).toBe(minor);
      expect(toMajorUnits(minor, currency)).toBe(amount);
    }
  });
});

describe("GET /api/auth/admin/payments", () => {
  test("lists the newest first, each source once, and filters by status, type and brand in any letter case", async () => {
    const { brandId } = await world.createDraft();
    const at = (hours: number) => ({ brandId, transactionDate: world.clock.now() - hours * HOUR });
    expect(await record({ ...at(3), source: "invoice-1", amountMinor: 500, currency: "JPY" })).not.toBeNull();
    expect(await record({ ...at(3), source: "invoice-1", amountMinor: 900, currency: "JPY" })).toBeNull();
    await record({ ...at(1), type: "REFUND", status: "REFUNDED", amountMinor: -1234, creditsAdded: -5000 });
    await record({ ...at(2), type: "SUBSCRIPTION", status: "FAILED", currency: "KWD", amountMinor: 1234 });
    const { transactions } = await payments(`brandId=${brandId}`);
    expect(
      transactions.map(({ type, amount, amountMinor, creditsAdded }) => [type, amount, amountMinor, creditsAdded]),
    ).toEqual([
      ["REFUND", -12.34, -1234, -5],
      ["SUBSCRIPTION", 1.234, 1234, 1],
      ["CREDIT_PURCHASE", 500, 500, 1],
    ]);
    const total = async (query: string) => (await payments(`brandId=${brandId}&${query}`)).pagination.total;
    expect(await total("status=failed")).toBe(1);
    expect(await total("status=SUCCESS&type=credit_Purchase")).toBe(1);
    expect(await total("type=chargeback")).toBe(0);
    expect((await payments("brandId=nothing")).transactions).toEqual([]);
    const second = await payments(`brandId=${brandId}&page=2&limit=2`);
    expect(second.pagination).toEqual({ page: 2, pageSize: 2, total: 3, totalPages: 2 });
    expect(second.transactions).toEqual(transactions.slice(2));
    expect((await payments(`brandId=${brandId}&page=9007199254740991`)).transactions).toEqual([]);
  });

  test("answers 422 with the field name for a bad page, limit, status or type, and 403 to an owner", async () => {
    const refused = async (query: string) => {
      const { status, body } = await admin<Payments>("GET", `${ADMIN}/payments?${query}`);
      expect([query, status, body.details?.[0]?.field]).toEqual([query, 422, query.split("=")[0] ?? ""]);
      return body.details?.[0]?.message ?? "";
    };
    for (const value of ["abc", "-1", "1.5", "0", "1e3", "0x1", "", "%201", "99999999999999999999"]) {
      await refused(`page=${value}`);
      await refused(`limit=${value}`);
    }
    await refused("limit=101");
    expect(await refused("status=PAID")).toBe("expected one of PENDING, SUCCESS, FAILED, VOIDED, REFUNDED");
    expect(await refused("type=GIFT")).toContain("CREDIT_PURCHASE");
    const { request } = await world.createDraft();
    expect((await request("GET", `${ADMIN}/payments`)).status).toBe(403);
  });
});

describe("credits of all brands", () => {
  interface Credits {
    credits: BrandCredits[];
    pagination: { currentPage: number; limit: number; totalItems: number; totalPages: number };
    details?: { field: string }[];
  }
  const all = async (body: object = {}) => (await admin<Credits>("POST", `${ADMIN}/all-credits`, body)).body;
  const stats = async () => (await admin<{ stats: CreditStats }>("POST", `${ADMIN}/credit-stats`)).body.stats;

  async function everyPage(): Promise<BrandCredits[]> {
    const seen: BrandCredits[] = [];
    for (let page = 1, pages = 1; page <= pages; page++) {
      const { credits, pagination } = await all({ page, limit: 2 });
      expect(pagination).toMatchObject({ currentPage: page, limit: 2 });
      pages = pagination.totalPages;
      seen.push(...credits);
    }
    return seen;
  }

  test("POST all-credits: figures exclude held and expired credits and add up to POST credit-stats", async () => {
    const stage = await world.createLaunched({ people: 3, credits: 10 });
    await world.run();
    const { brandId, campaignId } = stage;
    await grant({ brandId, credits: 5, kind: "SUBSCRIPTION", expiresAt: iso(world.clock.now() + HOUR) });
    const [row] = (await all({ limit: 1 })).credits;
    const used = { campaignId, creditType: "EMAIL", creditReserved: 3, creditUsed: 3 };
    const expected = {
      brandId,
      brandName: row?.brandName ?? "",
      ownerName: "Someone",
      ownerEmail: `owner@${row?.brandName}.example`,
      subscriptionCredits: 5,
      purchasedCredits: 4,
      creditAvailable: 9,
      totalReserved: 3,
      totalUsed: 3,
      creditDebt: 0,
      totalCampaigns: 1,
      campaignCredits: [{ ...used, campaignName: `${row?.brandName} spring` }],
    };
    expect(row).toEqual(expected);
    // The lot has expired, but is not written off yet.
    world.clock.advance(2 * HOUR);
    const [later] = (await all({ limit: 1 })).credits;
    expect(later).toEqual({ ...expected, subscriptionCredits: 0, creditAvailable: 4 });

    await admin("POST", "/api/brands", { name: "Without anything" });
    expect((await all({ limit: 1 })).credits[0]).toMatchObject({
      brandName: "Without anything",
      ownerName: null,
      ownerEmail: null,
      creditAvailable: 0,
      totalReserved: 0,
      totalUsed: 0,
      totalCampaigns: 0,
      campaignCredits: [],
    });
    const rows = await everyPage();
    const sum = (figure: "creditAvailable" | "totalReserved" | "totalUsed") =>
      rows.reduce((total, row) => total + row[figure] * 1000, 0) / 1000;
    expect(new Set(rows.map(({ brandId }) => brandId)).size).toBe(rows.length);
    expect(await stats()).toEqual({
      totalBrands: rows.length,
      totalAvailable: sum("creditAvailable"),
      totalReserved: sum("totalReserved"),
      totalUsed: sum("totalUsed"),
    });
  });

  test("POST all-credits: returns pages of ten brands by default and answers 422 to bad page numbers", async () => {
    expect((await all()).pagination).toMatchObject({ currentPage: 1, limit: 10 });
    expect((await all({ page: 1e300 })).credits).toEqual([]);
    for (const [field, value] of [
      ["page", 0],
      ["page", 1.5],
      ["page", "1"],
      ["limit", 0],
      ["limit", 101],
      ["limit", null],
    ]) {
      const { status, body } = await admin<Credits>("POST", `${ADMIN}/all-credits`, { [`${field}`]: value });
      expect([value, status, body.details?.[0]?.field]).toEqual([value, 422, `${field}`]);
    }
  });
});

test("payment routes: malformed input is rejected without side effects", async () => {
  const stage = await world.createDraft();
  const asAdmin = { ...stage, request: admin };
  await fuzzEndpoint(asAdmin, "GET", `${ADMIN}/payments`);
  await fuzzEndpoint(asAdmin, "POST", `${ADMIN}/all-credits`, { page: 1, limit: 1 });
  await fuzzEndpoint(asAdmin, "POST", `${ADMIN}/credit-stats`, { x: 1 });
  const { brandId } = stage;
  const payment = { amount: 1, currency: "USD", description: "x", planName: "x", paidAt: "2026-01-01T00:00:00Z" };
  await fuzzEndpoint(asAdmin, "POST", `${ADMIN}/grant-credits`, { brandId, credits: 1, reason: "x", payment });
});
