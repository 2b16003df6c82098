import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { isUniqueViolation } from "../../../src/db/errors.ts";
import { openStore } from "../../../src/db/open.ts";
import { brands } from "../../../src/db/schema/brands.ts";
import type { Store } from "../../../src/db/store.ts";
import { grant } from "../../../src/modules/credits/ledger.ts";
import { verifyLedger } from "../../../src/modules/credits/verify.ts";
import { updateWeight } from "../../../src/modules/credits/weights.ts";
import { startApp, type TestApp } from "../../support/app.ts";
import { findUnendedHolds, getAccountFigures } from "./ledger-model.ts";
import { applyOperation, ledgerOperations } from "./ledger-operations.ts";

setDefaultTimeout(600_000);

const CALLERS = 32;
const EACH = 60;

let app: TestApp;
/** Opens stores like several processes on one database. On Postgres each has ten connections of its own. */
let stores: Store[];
beforeAll(async () => {
  app = await startApp();
  const { databaseUrl, dataDir } = app.deps.config;
  const others = databaseUrl === null ? 0 : 3;
  const open = () => openStore({ dataDir, databaseUrl, clock: app.deps.clock, ledgerKey: app.store.read.ledgerKey });
  stores = [app.store, ...(await Promise.all(Array.from({ length: others }, open)))];
});
afterAll(async () => {
  for (const store of stores.slice(1)) await store.close();
  await app.close();
});

test("ledger: 32 concurrent callers on the same brands, messages, payments and refunds leave no mismatch", async () => {
  const brandIds = await app.store.write(async (tx) => {
    const rows = Array.from({ length: 3 }, () => ({
      id: tx.newId(),
      name: "Race",
      createdAt: tx.now,
      updatedAt: tx.now,
    }));
    await tx.insert(brands).values(rows);
    return rows.map(({ id }) => id);
  });
  for (const brandId of brandIds) {
    await app.store.write((tx) => grant(tx, { brandId, amount: 20_000, kind: "PURCHASED", reason: "start" }));
  }
  let done = 0;
  let refused = 0;
  const plans = fc.sample(fc.array(ledgerOperations, { minLength: EACH, maxLength: EACH, size: "max" }), CALLERS);
  const callers = plans.map(async (plan, caller) => {
    const store = stores[caller % stores.length] ?? app.store;
    for (const [index, operation] of plan.entries()) {
      const brandId = brandIds[(caller + index) % brandIds.length] ?? "";
      // Use new messages from time to time, so that there is always one to hold credits for.
      const run = `${brandId} ${Math.floor(index / 4)}`;
      try {
        await store.write((tx) => applyOperation(tx, brandId, run, operation));
        done++;
      } catch (error) {
        if (operation.do !== "hold" || !isUniqueViolation(error)) throw error;
        refused++;
      }
    }
  });
  const racing = Promise.all(callers).finally(() => {
    over = true;
  });
  let over = false;
  let verifications = 0;
  while (!over) {
    // Verify between the operations: every snapshot that others see must balance too.
    const { drifts, faults } = await app.store.snapshot((read) => verifyLedger(read));
    expect({ drifts, faults }).toEqual({ drifts: [], faults: [] });
    verifications++;
    await Bun.sleep(5);
  }
  await racing;
  await app.store.write((tx) => updateWeight(tx, "EMAIL", 1000));
  expect(done + refused).toBe(CALLERS * EACH);
  expect(verifications).toBeGreaterThan(0);
  expect((await app.store.snapshot((read) => verifyLedger(read))).ok).toBe(true);
  for (const brandId of brandIds) {
    expect(await findUnendedHolds(app.store.read, brandId)).toEqual([]);
    const account = await getAccountFigures(app.store.read, brandId);
    expect(Math.min(...Object.values(account))).toBeGreaterThanOrEqual(0);
    if (account.debt > 0) expect(account.available).toBe(0);
  }
});
