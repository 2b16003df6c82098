import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { campaigns } from "../../../src/db/schema/campaigns.ts";
import { contacts } from "../../../src/db/schema/contacts.ts";
import { conversations } from "../../../src/db/schema/conversations.ts";
import { messages } from "../../../src/db/schema/messages.ts";
import { startApp, type TestApp } from "../../support/app.ts";
import { type BrandOwner, createBrandOwner, requestAs } from "../../support/brands.ts";
import { fuzzEndpoint } from "../../support/fuzz-body.ts";

setDefaultTimeout(60_000);

const CREATE = "/api/auth/admin/create-voicemail-account";
const OWN = "/api/voicemail-accounts";
const NOWHERE = "019a8a3e-5a00-7000-8000-000000000001";

interface Answer {
  success: boolean;
  message: string;
  details?: { field: string }[];
  pendingMessages: number;
  voicemailAccount: { id: string; phoneNumber: string; displayName: string; provider: string; isActive: boolean };
}

let app: TestApp;
let ann: BrandOwner;
let bob: BrandOwner;
let admin: BrandOwner["request"];
let numbers = 0;
beforeAll(async () => {
  app = await startApp();
  [ann, bob] = [await createBrandOwner(app, "ann"), await createBrandOwner(app, "bob")];
  admin = requestAs(app, await app.admin());
});
afterAll(() => app.close());

const fresh = () => `+1202555${String(1000 + numbers++)}`;

describe("POST /api/auth/admin/create-voicemail-account", () => {
  test("stores the number as E.164 and names it after the brand and the last digits", async () => {
    const { status, body } = await admin<Answer>("POST", CREATE, {
      brandId: ann.brandId,
      phoneNumber: "+1 (202) 555-0143",
    });
    expect(status).toBe(200);
    expect<object>(body).toEqual({
      success: true,
      message: "ann 0143 now leaves voicemails from +12025550143",
      voicemailAccount: {
        id: expect.any(String),
        phoneNumber: "+12025550143",
        displayName: "ann 0143",
        provider: "TWILIO",
      },
    });
  });

  test("answers 409 for a number that has an account on the platform, in any notation and concurrently", async () => {
    const phoneNumber = "+12025550199";
    expect((await admin("POST", CREATE, { brandId: ann.brandId, phoneNumber })).status).toBe(200);
    const again = { brandId: bob.brandId, phoneNumber: "001 202-555-0199" };
    expect((await admin("POST", CREATE, again)).status).toBe(409);
    const order = { brandId: ann.brandId, phoneNumber: fresh() };
    const racing = await Promise.all(Array.from({ length: 4 }, () => admin("POST", CREATE, order)));
    expect(racing.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
  });

  test("answers 422 for a bad number, 404 for an unknown brand, 403 to an owner", async () => {
    for (const phoneNumber of ["", "12", "2025550143", "+1 555", "anything", "+49 1234567"]) {
      const refused = await admin<Answer>("POST", CREATE, { brandId: ann.brandId, phoneNumber });
      expect(refused.status).toBe(422);
      expect(refused.body.details?.[0]?.field).toBe("phoneNumber");
    }
    expect((await admin("POST", CREATE, { brandId: NOWHERE, phoneNumber: fresh() })).status).toBe(404);
    expect((await ann.request("POST", CREATE, { brandId: ann.brandId, phoneNumber: fresh() })).status).toBe(403);
  });

  test("creates one account per Idempotency-Key", async () => {
    const order = { brandId: ann.brandId, phoneNumber: fresh() };
    const first = await admin("POST", CREATE, order, { "idempotency-key": "number" });
    const again = await admin("POST", CREATE, order, { "idempotency-key": "number" });
    expect([again.status, again.text]).toEqual([200, first.text]);
  });
});

describe("/api/voicemail-accounts", () => {
  test("an owner creates, reads, updates and deletes its numbers; another brand gets 404 and an admin may do the same", async () => {
    const made = await ann.request<Answer>("POST", OWN, { phoneNumber: fresh(), displayName: " Front desk " });
    expect(made.body.voicemailAccount).toMatchObject({ displayName: "Front desk", isActive: true });
    const path = `${OWN}/${made.body.voicemailAccount.id}`;
    for (const [method, body] of [["GET"], ["PATCH", { isActive: false }], ["DELETE"]] as const) {
      expect((await bob.request(method, path, body)).status).toBe(404);
    }
    expect((await bob.request("POST", OWN, { phoneNumber: fresh(), brandId: ann.brandId })).status).toBe(403);
    expect((await admin("POST", OWN, { phoneNumber: fresh() })).status).toBe(422);
    expect((await admin("POST", OWN, { phoneNumber: fresh(), brandId: bob.brandId })).status).toBe(200);
    const off = await ann.request<Answer>("PATCH", path, { isActive: false });
    expect(off.body.voicemailAccount).toMatchObject({ isActive: false, displayName: "Front desk" });
    expect((await admin<Answer>("PATCH", path, { displayName: "Back" })).body.voicemailAccount.displayName).toBe(
      "Back",
    );
    expect((await ann.request("PATCH", path, { displayName: " " })).status).toBe(422);
    expect((await ann.request("DELETE", path)).status).toBe(200);
    expect((await ann.request("GET", path)).status).toBe(404);
  });

  test("GET returns the numbers in pages", async () => {
    const carl = await createBrandOwner(app, "carl");
    for (let n = 0; n < 5; n++) await carl.request("POST", OWN, { phoneNumber: fresh(), displayName: `n${n}` });
    const seen: string[] = [];
    for (let cursor = ""; ; ) {
      const page = await carl.request<{ data: { displayName: string }[]; nextCursor: string | null }>(
        "GET",
        `${OWN}?limit=2&cursor=${cursor}`,
      );
      seen.push(...page.body.data.map(({ displayName }) => displayName));
      if (page.body.nextCursor === null) break;
      cursor = page.body.nextCursor;
    }
    expect(seen).toEqual(["n0", "n1", "n2", "n3", "n4"]);
    expect((await bob.request("GET", `${OWN}?brandId=${carl.brandId}`)).status).toBe(403);
    expect((await admin("GET", `${OWN}?brandId=${carl.brandId}`)).status).toBe(200);
  });

  test("DELETE answers 409 while messages wait to be sent from the number", async () => {
    const made = await ann.request<Answer>("POST", OWN, { phoneNumber: fresh() });
    const { id: senderId } = made.body.voicemailAccount;
    await app.store.write(async (tx) => {
      const [id, campaignId, conversationId, contactId] = [tx.newId(), tx.newId(), tx.newId(), tx.newId()];
      const own = { brandId: ann.brandId, createdAt: tx.now, updatedAt: tx.now };
      await tx.insert(contacts).values({ ...own, id: contactId, phone: "+12025550111", custom: {} });
      const plan = { channels: ["VOICEMAIL" as const], timezone: "UTC", sendWindows: [] };
      await tx.insert(campaigns).values({ ...own, ...plan, id: campaignId, name: "c", status: "RUNNING" });
      const row = { ...own, campaignId, contactId };
      await tx.insert(conversations).values({ ...row, id: conversationId, status: "ACTIVE" });
      const times = { scheduledTime: 0, runAt: 0, credits: 0, stage: 0 };
      await tx
        .insert(messages)
        .values({ ...row, ...times, id, conversationId, channel: "VOICEMAIL", status: "UNKNOWN", senderId });
    });
    const refused = await ann.request<Answer>("DELETE", `${OWN}/${senderId}`);
    expect([refused.status, refused.body.pendingMessages]).toEqual([409, 1]);
  });

  test("malformed input is rejected without side effects", async () => {
    const made = await ann.request<Answer>("POST", OWN, { phoneNumber: fresh() });
    const path = `${OWN}/${made.body.voicemailAccount.id}`;
    await fuzzEndpoint(ann, "POST", OWN, { phoneNumber: "+12025550100", displayName: "x" });
    await fuzzEndpoint(ann, "PATCH", path, { displayName: "x", isActive: true });
    await fuzzEndpoint(ann, "GET", OWN);
    await fuzzEndpoint(ann, "GET", path);
    await fuzzEndpoint({ ...ann, request: admin }, "POST", CREATE, {
      brandId: ann.brandId,
      phoneNumber: "+12025550100",
    });
    await fuzzEndpoint(bob, "DELETE", path);
  });
});
