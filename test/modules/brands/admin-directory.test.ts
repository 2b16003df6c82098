import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { brands } from "../../../src/db/schema/brands.ts";
import { emailAccounts, voicemailAccounts } from "../../../src/db/schema/senders.ts";
import { DAY, iso } from "../../../src/lib/clock.ts";
import { getTwilioTokenContext } from "../../../src/modules/brands/twilio.ts";
import { getUserId } from "../../support/auth-helpers.ts";
import type { BrandOwner } from "../../support/brands.ts";
import { fuzzEndpoint } from "../../support/fuzz-body.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";

setDefaultTimeout(60_000);

const ADMIN = "/api/auth/admin";
const TWILIO = "/api/auth/update-twillio-messaging-service-sid";
const ACCOUNT = `AC${"0123456789abcdef".repeat(2)}`;
const SERVICE = `MG${"0123456789abcdef".repeat(2)}`;

interface Listed {
  brandId: string;
  brandName: string;
  hasTwilioAuthToken: boolean;
  twilioAccountSid: string | null;
  twillioMessagingServiceSid: string | null;
  voicemailSenderAccounts: { id: string; phoneNumber: string }[];
}
interface Directory {
  brands: Listed[];
  hasMore: boolean;
  total: number;
  details?: { field: string; message: string }[];
}

let world: OutreachApp;
let admin: BrandOwner["request"];
beforeAll(async () => {
  world = await startOutreachApp();
  admin = await world.admin();
});
afterEach(() => world.cancelAllCampaigns());
afterAll(() => world.close());

const list = async (body: object) => (await admin<Directory>("POST", `${ADMIN}/brands`, body)).body;
const rowOf = async (brandId: string) =>
  (await world.store.read.select().from(brands).where(eq(brands.id, brandId)))[0];

describe("POST /api/auth/admin/find-user-by-email", () => {
  const find = (email: unknown) => admin<{ userId: string }>("POST", `${ADMIN}/find-user-by-email`, { email });

  test("finds a user by the exact address in any letter case, and answers 404 or 422 otherwise", async () => {
    const { token, brandId } = await world.createDraft();
    const userId = await getUserId(world.app, token);
    expect((await find("OWNER@Brand0.Example")).body as object).toEqual({
      success: true,
      message: "Someone owns a brand",
      userId,
      name: "Someone",
      email: "owner@brand0.example",
      emailVerified: true,
      brandId,
    });
    await world.app.signUp("alone@example.com");
    expect((await find("alone@example.com")).body).toMatchObject({ brandId: null, message: "Someone owns no brand" });
    for (const email of ["lone@example.com", "alone@example.co"]) expect((await find(email)).status).toBe(404);
    for (const email of ["", "%", "alone", null, undefined]) expect((await find(email)).status).toBe(422);
  });
});

describe("POST /api/auth/admin/brands", () => {
  test("returns all fields of the contract and no Twilio token", async () => {
    const { brandId, token } = await world.createDraft();
    const ownerId = await getUserId(world.app, token);
    await admin("POST", TWILIO, { brandId, twilioAccountSid: ACCOUNT, twilioAuthToken: "hush-hush" });
    const number = { brandId, displayName: "Line", createdAt: world.clock.now(), updatedAt: world.clock.now() };
    await world.store.write((tx) =>
      tx.insert(voicemailAccounts).values([
        { ...number, id: "v1", phoneNumber: "+12025550001" },
        { ...number, id: "v2", phoneNumber: "+12025550002", isActive: false },
      ]),
    );
    const answer = await admin("POST", `${ADMIN}/brands`, { limit: 1 });
    expect(answer.text).not.toContain("hush");
    expect(answer.body as object).toEqual({
      success: true,
      message: expect.any(String),
      brands: [
        {
          brandId,
          brandName: "brand1",
          userId: ownerId,
          ownerName: "Someone",
          ownerEmail: "owner@brand1.example",
          twilioAccountSid: ACCOUNT,
          hasTwilioAuthToken: true,
          twillioMessagingServiceSid: null,
          voicemailSenderAccounts: [
            { id: "v1", phoneNumber: "+12025550001", displayName: "Line", provider: "TWILIO", isActive: true },
            { id: "v2", phoneNumber: "+12025550002", displayName: "Line", provider: "TWILIO", isActive: false },
          ],
          createdAt: iso(world.clock.now()),
        },
      ],
      hasMore: true,
      total: 2,
    });
  });

  test("pages by offset, the newest first, ten by default, and returns an empty page beyond the end", async () => {
    for (let index = 0; index < 12; index++) {
      await admin("POST", "/api/brands", { name: `Page ${index}` });
      if (index % 3 === 0) world.clock.advance(DAY);
    }
    const first = await list({});
    expect(first.brands).toHaveLength(10);
    expect(first.brands[0]).toMatchObject({ brandName: "Page 11", userId: null, ownerName: null, ownerEmail: null });
    const seen: string[] = [];
    for (let offset = 0; offset < first.total; offset += 3) {
      const { brands: page, hasMore, total } = await list({ limit: 3, offset });
      expect([total, hasMore]).toEqual([first.total, offset + 3 < first.total]);
      seen.push(...page.map(({ brandId }) => brandId));
    }
    expect(new Set(seen).size).toBe(first.total);
    expect(seen.slice(0, 10)).toEqual(first.brands.map(({ brandId }) => brandId));
    for (const offset of [first.total, 1e9, 1e300]) {
      expect(await list({ offset })).toMatchObject({ brands: [], hasMore: false, total: first.total });
    }
  });

  test("searches brand, owner and SID in any letter case, with % and _ taken literally", async () => {
    const { brandId, token } = await world.createDraft();
    await admin("PATCH", `/api/brands/${brandId}`, { name: "100%_Sale" });
    await admin("POST", TWILIO, { brandId, twillioMessagingServiceSid: SERVICE.replace("01", "fe") });
    const { email } = (await world.app.request<{ user: { email: string } }>("GET", "/api/auth/session", { token })).body
      .user;
    for (const searchQuery of ["100%_sale", " %_S", email.toUpperCase(), "mgfe23", "MGFE"]) {
      expect([searchQuery, await list({ searchQuery })]).toMatchObject([
        searchQuery,
        { total: 1, brands: [{ brandId }] },
      ]);
    }
    expect(await list({ searchQuery: "no brand has this" })).toMatchObject({ total: 0, brands: [], hasMore: false });
    expect((await list({ searchQuery: " " })).total).toBe((await list({})).total);
    expect((await list({ searchQuery: "someone", limit: 1 })).hasMore).toBe(true);
  });

  test("answers 422 with the field name for values out of range", async () => {
    for (const [field, values] of Object.entries({
      limit: [0, -1, 101, 1.5, "10", null, 1e300],
      offset: [-1, 0.5, "0", null],
      searchQuery: [5, null, "x".repeat(500)],
    })) {
      for (const value of values) {
        const { status, body } = await admin<Directory>("POST", `${ADMIN}/brands`, { [field]: value });
        expect([value, status, body.details?.[0]?.field]).toEqual([value, 422, field]);
      }
    }
  });
});

describe("Twilio settings of a brand", () => {
  test("update by field: absent keeps, null clears, empty clears a SID and keeps the token", async () => {
    const { brandId } = await world.createDraft();
    const set = async (change: object) => {
      expect((await admin("POST", TWILIO, { brandId, ...change })).status).toBe(200);
      const row = await rowOf(brandId);
      const sealed = row?.twilioAuthToken ?? null;
      const token = sealed === null ? null : world.app.deps.vault.decrypt(sealed, getTwilioTokenContext(brandId));
      return [row?.twilioAccountSid ?? null, token, row?.twillioMessagingServiceSid ?? null];
    };
    const all = { twilioAccountSid: ACCOUNT, twilioAuthToken: "s3cret", twillioMessagingServiceSid: SERVICE };
    expect(await set(all)).toEqual([ACCOUNT, "s3cret", SERVICE]);
    expect((await rowOf(brandId))?.twilioAuthToken).not.toContain("s3cret");
    expect(await set({})).toEqual([ACCOUNT, "s3cret", SERVICE]);
    expect(await set({ twilioAuthToken: "" })).toEqual([ACCOUNT, "s3cret", SERVICE]);
    expect(await set({ twillioMessagingServiceSid: "" })).toEqual([ACCOUNT, "s3cret", null]);
    expect(await set({ twilioAccountSid: null })).toEqual([null, "s3cret", null]);
    expect(await set({ twilioAuthToken: null })).toEqual([null, null, null]);
    expect(await set(all)).toEqual([ACCOUNT, "s3cret", SERVICE]);
    expect(await set({ twilioAccountSid: "", twilioAuthToken: "new" })).toEqual([null, "new", SERVICE]);
  });

  test("need valid SIDs (422), an existing brand (404) and an admin (403)", async () => {
    const { brandId, request } = await world.createDraft();
    for (const [field, value] of [
      ["twilioAccountSid", SERVICE],
      ["twilioAccountSid", "AC123"],
      ["twilioAccountSid", `${ACCOUNT}0`],
      ["twilioAccountSid", 5],
      ["twillioMessagingServiceSid", ACCOUNT],
      ["twillioMessagingServiceSid", `MG${"g".repeat(32)}`],
      ["twilioAuthToken", {}],
    ]) {
      const { status, body } = await admin<Directory>("POST", TWILIO, { brandId, [`${field}`]: value });
      expect([value, status, body.details?.[0]?.field]).toEqual([value, 422, field as string]);
    }
    expect((await admin("POST", TWILIO, { brandId: "nothing" })).status).toBe(404);
    expect((await admin("POST", TWILIO, {})).status).toBe(422);
    expect((await request("POST", TWILIO, { brandId })).status).toBe(403);
  });
});

describe("DELETE /api/brands/:id", () => {
  test("deletes a brand without history and releases its mailboxes and its owner", async () => {
    const { brandId, request, token } = await world.createDraft({ credits: 0 });
    await request("POST", "/api/auth/banned", { email: "no@person.example" });
    const [box] = await world.store.read.select().from(emailAccounts).where(eq(emailAccounts.brandId, brandId));
    const { total } = await list({});
    expect((await request("DELETE", `/api/brands/${brandId}`)).status).toBe(403);
    expect((await admin("DELETE", `/api/brands/${brandId}`)).body as object).toEqual({ success: true });
    expect((await admin("DELETE", `/api/brands/${brandId}`)).status).toBe(404);
    expect((await list({})).total).toBe(total - 1);
    const [freed] = await world.store.read
      .select()
      .from(emailAccounts)
      .where(eq(emailAccounts.id, box?.id ?? ""));
    expect(freed?.brandId).toBeNull();
    const owner = await world.app.request<{ user: { brandId: null } }>("GET", "/api/auth/session", { token });
    expect(owner.body.user.brandId).toBeNull();
  });

  test("answers 409 with the history of a brand that has one", async () => {
    const launched = await world.createLaunched({ people: 1 });
    const refused = await admin<object>("DELETE", `/api/brands/${launched.brandId}`);
    expect(refused).toMatchObject({
      status: 409,
      body: { code: "CONFLICT", history: { launchedCampaigns: 1, ledgerEntries: 2, payments: 0 } },
    });
    expect(await rowOf(launched.brandId)).toBeDefined();
  });
});

test("platform routes: malformed input is rejected without side effects", async () => {
  const stage = await world.createDraft();
  const asAdmin = { ...stage, request: admin };
  await fuzzEndpoint(asAdmin, "POST", `${ADMIN}/find-user-by-email`, { email: "a@b.example" });
  await fuzzEndpoint(asAdmin, "POST", `${ADMIN}/brands`, { limit: 1, offset: 0, searchQuery: "x" });
  const { brandId } = stage;
  const settings = { brandId, twilioAccountSid: "", twilioAuthToken: "", twillioMessagingServiceSid: "" };
  await fuzzEndpoint(asAdmin, "POST", TWILIO, settings);
});
