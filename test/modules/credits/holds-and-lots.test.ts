import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { creditAccounts } from "../../../src/db/schema/credits.ts";
import { DAY, HOUR } from "../../../src/lib/clock.ts";
import { getBalance } from "../../../src/modules/credits/balance.ts";
import { type HoldRequest, hold, release, settle } from "../../../src/modules/credits/holds.ts";
import { expireLots, grant } from "../../../src/modules/credits/ledger.ts";
import { verifyLedger } from "../../../src/modules/credits/verify.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";

setDefaultTimeout(120_000);

let world: OutreachApp;
beforeAll(async () => {
  world = await startOutreachApp();
});
afterAll(() => world.close());

/** Creates a brand without credits and without a running campaign. */
const createBrand = () => world.createDraft({ people: 0, credits: 0 });
const balance = (brandId: string) => getBalance(world.store.read, brandId);
const asks = (brandId: string, messageId: string, amount: number): HoldRequest => ({
  messageId,
  brandId,
  campaignId: "campaign",
  creditType: "EMAIL",
  amount,
  weight: 1000,
});
const give = (brandId: string, amount: number, more: Partial<Parameters<typeof grant>[1]> = {}) =>
  world.store.write((tx) => grant(tx, { brandId, amount, kind: "PURCHASED", reason: "test", ...more }));
const take = (brandId: string, messageId: string, amount: number) =>
  world.store.write((tx) => hold(tx, [asks(brandId, messageId, amount)]));
const id = () => crypto.randomUUID();

describe("credit holds", () => {
  test("a hold takes from the lot that expires soonest, then from the oldest", async () => {
    const { brandId } = await createBrand();
    const now = world.clock.now();
    await give(brandId, 1000, { reason: "never" });
    await give(brandId, 1000, { kind: "SUBSCRIPTION", expiresAt: now + 2 * DAY });
    await give(brandId, 1000, { kind: "SUBSCRIPTION", expiresAt: now + DAY });
    await take(brandId, id(), 1500);
    expect(await balance(brandId)).toMatchObject({ subscriptionCredits: 0.5, purchasedCredits: 1, totalReserved: 1.5 });
    await take(brandId, id(), 1500);
    expect(await balance(brandId)).toMatchObject({ subscriptionCredits: 0, purchasedCredits: 0, totalReserved: 3 });
    const all = await take(brandId, id(), 1);
    expect(all.size).toBe(1);
  });

  test("a hold takes all credits that a message needs, or none", async () => {
    const { brandId } = await createBrand();
    await give(brandId, 1000);
    expect((await take(brandId, "too much", 1001)).has("too much")).toBe(true);
    expect(await balance(brandId)).toMatchObject({ creditAvailable: 1, totalReserved: 0 });
    expect((await take(brandId, id(), 0)).size).toBe(0);
  });

  test("forty concurrent holds of one credit on ten credits hold exactly ten", async () => {
    const { brandId } = await createBrand();
    await give(brandId, 10_000);
    const answers = await Promise.all(Array.from({ length: 40 }, () => take(brandId, id(), 1000)));
    expect(answers.filter((short) => short.size === 0)).toHaveLength(10);
    expect(await balance(brandId)).toMatchObject({ creditAvailable: 0, totalReserved: 10 });
  });

  test("a hold is settled once or released once, also when both are repeated", async () => {
    const { brandId } = await createBrand();
    await give(brandId, 10_000);
    const [used, back] = [id(), id()];
    await take(brandId, used, 3000);
    await take(brandId, back, 2000);
    await Promise.all(Array.from({ length: 4 }, () => world.store.write((tx) => settle(tx, [used]))));
    await Promise.all(Array.from({ length: 4 }, () => world.store.write((tx) => release(tx, [back], "REPLIED"))));
    await world.store.write((tx) => release(tx, [used], "late"));
    await world.store.write((tx) => settle(tx, [back]));
    expect(await balance(brandId)).toMatchObject({ creditAvailable: 7, totalReserved: 0, totalUsed: 3 });
  });

  test("a second hold for one message is rejected by the database", async () => {
    const { brandId } = await createBrand();
    await give(brandId, 10_000);
    const message = id();
    await take(brandId, message, 1000);
    expect(take(brandId, message, 1000)).rejects.toThrow();
    await world.store.write((tx) => settle(tx, [message]));
    expect(await balance(brandId)).toMatchObject({ creditAvailable: 9, totalUsed: 1 });
  });
});

describe("credit lots", () => {
  test("an expired lot keeps its held credits, and credits released later expire too", async () => {
    const { brandId } = await createBrand();
    await give(brandId, 5000, { kind: "SUBSCRIPTION", expiresAt: world.clock.now() + HOUR });
    const [used, back] = [id(), id()];
    await take(brandId, used, 1000);
    await take(brandId, back, 1000);
    world.clock.advance(HOUR);
    expect((await take(brandId, id(), 1)).size).toBe(1);
    await world.store.write(expireLots);
    expect(await balance(brandId)).toMatchObject({ creditAvailable: 0, totalReserved: 2, totalExpired: 3 });
    await world.store.write((tx) => settle(tx, [used]));
    await world.store.write((tx) => release(tx, [back], "REPLIED"));
    expect(await balance(brandId)).toMatchObject({
      creditAvailable: 0,
      totalUsed: 1,
      totalExpired: 4,
      totalReserved: 0,
    });
    expect(await world.store.write(expireLots)).toBe(0);
  });

  test("concurrent grants with one source create one lot", async () => {
    const { brandId } = await createBrand();
    const source = `invoice ${id()}`;
    const answers = await Promise.all(Array.from({ length: 5 }, () => give(brandId, 1000, { source })));
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect(await balance(brandId)).toMatchObject({ totalGranted: 1 });
  });
});

describe("ledger verification", () => {
  test("reports an account balance that does not equal the sum of the entries", async () => {
    const { brandId } = await createBrand();
    await give(brandId, 5000);
    const admin = await world.admin();
    expect((await admin("POST", "/api/auth/admin/verify-ledger")).body).toMatchObject({ ok: true, drifts: [] });
    const tamper = (by: number) =>
      world.store.write(async (tx) => {
        await tx
          .update(creditAccounts)
          .set({ available: 5000 + by, granted: 5000 + by })
          .where(eq(creditAccounts.brandId, brandId));
      });
    await tamper(1500);
    const { body } = await admin<{ ok: boolean; drifts: object[] }>("POST", "/api/auth/admin/verify-ledger", {});
    await tamper(0);
    expect(body).toMatchObject({ success: true, ok: false });
    expect(body.drifts).toContainEqual({
      brandId,
      what: "account available",
      expected: 5,
      found: 6.5,
    });
    expect((await verifyLedger(world.store.read)).ok).toBe(true);
  });
});
