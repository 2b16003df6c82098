import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { sql } from "drizzle-orm";
import { expireLot, grant } from "../src/credits/ledger.ts";
import { sealOlder } from "../src/credits/sealOlder.ts";
import { verifyLedger } from "../src/credits/verify.ts";
import { type Outreach, startOutreach } from "./support/outreach.ts";

setDefaultTimeout(60_000);

let world: Outreach;
beforeAll(async () => {
  world = await startOutreach();
});
afterAll(() => world.close());

const proof = () => world.store.snapshot((read) => verifyLedger(read));

test("books kept before entries were numbered and sealed are, once, and go on", async () => {
  const stage = await world.launched({ people: 40, delays: [0, 2] });
  const lot = {
    brandId: stage.brandId,
    amount: 5000,
    kind: "SUBSCRIPTION",
    source: "an early end",
    reason: "a month",
  } as const;
  await world.store.write((tx) => grant(tx, lot));
  await world.run();
  await world.store.write((tx) => expireLot(tx, { source: "an early end" }, "PERIOD_ENDED"));
  const before = await proof();
  expect(before).toMatchObject({ ok: true });
  // As a migration leaves them.
  await world.store.write(async (tx) => {
    await tx.all(sql`update ledger_entries set seq = 0, seal = 0, part = null`);
    await tx.all(sql`update credit_accounts set entries = 0`);
    await tx.all(sql`update credit_lots set expired = 0`);
  });
  expect(await proof()).toMatchObject({ ok: false });
  const [first, second] = await Promise.all([sealOlder(world.store), sealOlder(world.store)]);
  expect(Math.max(first, second)).toBeGreaterThan(0);
  expect(await proof()).toMatchObject({ ok: true, entries: before.entries });
  expect(await sealOlder(world.store)).toBe(0);
  await world.pass(3 * 86_400_000);
  expect((await world.messagesOf(stage.campaignId)).filter(({ status }) => status === "SENT")).toHaveLength(80);
  expect(await proof()).toMatchObject({ ok: true, faults: [], drifts: [] });
});
