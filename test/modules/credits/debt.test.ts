import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eq } from "drizzle-orm";
import { creditLots } from "../../../src/db/schema/credits.ts";
import { DAY } from "../../../src/lib/clock.ts";
import { getBalance } from "../../../src/modules/credits/balance.ts";
import { clawBack } from "../../../src/modules/credits/clawback.ts";
import { type FinalCost, hold, settleAtCost } from "../../../src/modules/credits/holds.ts";
import { expireLot, grant } from "../../../src/modules/credits/ledger.ts";
import type { Balance, Entry } from "../../../src/modules/credits/model.ts";
import type { CampaignFixture } from "../../support/campaign-fixture.ts";
import { type OutreachApp, startOutreachApp } from "../../support/outreach-app.ts";

setDefaultTimeout(60_000);

let world: OutreachApp;
beforeAll(async () => {
  world = await startOutreachApp();
});
afterEach(async () => {
  await world.cancelAllCampaigns();
  expect(await world.listDrifts()).toEqual([]);
});
afterAll(() => world.close());

const balance = ({ brandId }: CampaignFixture) => getBalance(world.store.read, brandId);
const give = ({ brandId }: CampaignFixture, amount: number, source: string, days: number | null = null) =>
  world.store.write((tx) =>
    grant(tx, {
      brandId,
      amount,
      kind: days === null ? "PURCHASED" : "SUBSCRIPTION",
      expiresAt: days === null ? null : tx.now + days * DAY,
      source: `${brandId} ${source}`,
      reason: "payment",
    }),
  );
const refund = ({ brandId }: CampaignFixture, amount: number, lot: string | null, source = "refund") =>
  world.store.write((tx) =>
    clawBack(tx, {
      brandId,
      amount,
      lotSource: lot === null ? null : `${brandId} ${lot}`,
      source: `${brandId} ${source}`,
      reason: "REFUND",
    }),
  );
const launch = (stage: CampaignFixture) =>
  stage.request("POST", `/api/campaigns/${stage.campaignId}/launch`, { confirmContacts: stage.people.length });

describe("refund", () => {
  test("a refund larger than the available credits becomes a debt that is shown, answers launches with 402, and is repaid first", async () => {
    const brand = await world.createDraft({ people: 3, credits: 0, delays: [0] });
    await give(brand, 5000, "pack");
    expect((await launch(brand)).status).toBe(200);
    await world.run();
    expect(await balance(brand)).toMatchObject({ creditAvailable: 2, totalUsed: 3, creditDebt: 0 });

    expect(await refund(brand, 5000, "pack")).toBe("DONE");
    expect(await balance(brand)).toMatchObject({
      creditAvailable: 0,
      totalUsed: 3,
      totalClawedBack: 2,
      creditDebt: 3,
      totalGranted: 5,
    });
    const { body } = await brand.request<{ balance: Balance }>("GET", "/api/credits");
    expect(body.balance.creditDebt).toBe(3);

    const next = await world.copyDraft(brand);
    expect(await launch(next)).toMatchObject({
      status: 402,
      body: {
        code: "INSUFFICIENT_CREDITS",
        message:
          "The brand owes 3 credits for refunds of credits it had spent; with the 3 that the opening stage needs, 6 are missing",
        creditNeeded: 3,
        creditAvailable: 0,
        creditMissing: 6,
        creditDebt: 3,
      },
    });
    await give(brand, 2000, "second");
    expect(await balance(brand)).toMatchObject({ creditAvailable: 0, creditDebt: 1 });
    await give(brand, 4000, "third");
    expect(await balance(brand)).toMatchObject({ creditAvailable: 3, creditDebt: 0, totalClawedBack: 5 });
    expect((await launch(next)).status).toBe(200);
    const entries = await brand.request<{ data: Entry[] }>("GET", "/api/credits/ledger?kind=REPAY");
    expect(entries.body.data.map(({ credits }) => credits)).toEqual([1, 2, 2]);
  });

  test("a refund is posted once, and waits for its payment when the payment is still unknown", async () => {
    const brand = await world.createDraft({ people: 0, credits: 0 });
    expect(await refund(brand, 4000, "late")).toBe("WAITING");
    expect(await balance(brand)).toMatchObject({ creditDebt: 0, totalGranted: 0 });
    expect(await refund(brand, 4000, "late")).toBe("KNOWN");
    await give(brand, 10_000, "late", 30);
    expect(await balance(brand)).toMatchObject({ creditAvailable: 6, totalClawedBack: 4, creditDebt: 0 });
    expect(await Promise.all([1, 2, 3].map(() => refund(brand, 1000, "late", "again")))).toHaveLength(3);
    expect(await balance(brand)).toMatchObject({ creditAvailable: 5, totalClawedBack: 5 });
  });

  test("a refund of an expired lot reduces the expired credits only", async () => {
    const brand = await world.createDraft({ people: 0, credits: 0 });
    await give(brand, 7000, "pack");
    await give(brand, 5000, "month", 1);
    world.clock.advance(2 * DAY);
    await world.engine.sweep();
    expect(await balance(brand)).toMatchObject({ creditAvailable: 7, totalExpired: 5 });
    await refund(brand, 5000, "month");
    expect(await balance(brand)).toMatchObject({ creditAvailable: 7, totalExpired: 0, totalClawedBack: 5 });
  });

  test("a debt is repaid by released holds", async () => {
    const brand = await world.createLaunched({ people: 4, credits: 4 });
    await refund(brand, 4000, null);
    expect(await balance(brand)).toMatchObject({ totalReserved: 4, creditDebt: 4 });
    await world.cancelAllCampaigns();
    expect(await balance(brand)).toMatchObject({
      totalReserved: 0,
      creditAvailable: 0,
      creditDebt: 0,
      totalClawedBack: 4,
    });
  });
});

test("lot expired early: the available credits of the lot expire, and its held credits stay held", async () => {
  const brand = await world.createDraft({ people: 2, credits: 0 });
  await give(brand, 5000, "month", 30);
  await launch(brand);
  const end = (source: string) => world.store.write((tx) => expireLot(tx, { source }, "RENEWED"));
  expect(await end(`${brand.brandId} nothing`)).toBe(false);
  expect(await end(`${brand.brandId} month`)).toBe(true);
  expect(await end(`${brand.brandId} month`)).toBe(false);
  expect(await balance(brand)).toMatchObject({ creditAvailable: 0, totalExpired: 3, totalReserved: 2 });
  const [lot] = await world.store.read
    .select()
    .from(creditLots)
    .where(eq(creditLots.source, `${brand.brandId} month`));
  expect(lot).toMatchObject({ remaining: 0, expired: 3000, expiresAt: world.clock.now() });
});

test("settlement at actual cost: the difference between held and actual cost is released, charged or becomes a debt", async () => {
  const { brandId } = await world.createDraft({ people: 0, credits: 10 });
  const held = async (amount: number): Promise<FinalCost> => {
    const messageId = crypto.randomUUID();
    const request = { messageId, brandId, campaignId: brandId, creditType: "SMS" as const, amount, weight: 1000 };
    expect((await world.store.write((tx) => hold(tx, [request]))).size).toBe(0);
    return { messageId, amount };
  };
  const sent = ({ messageId }: FinalCost, amount: number) =>
    world.store.write((tx) => settleAtCost(tx, [{ messageId, amount }]));
  const now = () => getBalance(world.store.read, brandId);
  const shorter = await held(3000);
  await sent(shorter, 1000);
  await sent(shorter, 3000);
  expect(await now()).toMatchObject({ creditAvailable: 9, totalUsed: 1, totalReserved: 0 });
  await sent(await held(1000), 3000);
  expect(await now()).toMatchObject({ creditAvailable: 6, totalUsed: 4, creditDebt: 0 });
  await sent(await held(6000), 7500);
  expect(await now()).toMatchObject({ creditAvailable: 0, totalUsed: 10, creditDebt: 1.5 });
});
