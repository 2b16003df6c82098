import fc from "fast-check";
import type { Tx } from "../../../src/db/store.ts";
import { DAY, HOUR, type Instant } from "../../../src/lib/clock.ts";
import { AppError } from "../../../src/lib/errors.ts";
import { clawBack } from "../../../src/modules/credits/clawback.ts";
import { hold, release, settle, settleAtCost } from "../../../src/modules/credits/holds.ts";
import { adjust, expireLot, expireLots, grant } from "../../../src/modules/credits/ledger.ts";
import { getWeights, updateWeight } from "../../../src/modules/credits/weights.ts";

/** Operation on one brand's ledger. Sources and messages are few, so that operations meet the same ones again. */
export type LedgerOperation =
  | { do: "grant"; amount: number; days: number | null; source: number | null }
  | { do: "hold"; units: number; message: number }
  | { do: "settle" | "release"; messages: number[] }
  | { do: "settleActual"; message: number; amount: number }
  | { do: "clawBack"; amount: number; of: number | null; source: number; daysAgo: number }
  | { do: "adjust"; amount: number }
  | { do: "expireLot"; source: number }
  | { do: "expire" }
  | { do: "weight"; weight: number }
  | { do: "wait"; hours: number };

const source = fc.nat(5);
const message = fc.nat(11);
const amount = fc.integer({ min: 1, max: 5000 });

export const ledgerOperations: fc.Arbitrary<LedgerOperation> = fc.oneof(
  fc.record({
    do: fc.constant("grant" as const),
    amount,
    days: fc.constantFrom(null, null, 1, 3, -1),
    source: fc.option(source),
  }),
  { weight: 3, arbitrary: fc.record({ do: fc.constant("hold" as const), units: fc.nat(3), message }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom("settle" as const, "release" as const),
      messages: fc.array(message, { maxLength: 4 }),
    }),
  },
  fc.record({ do: fc.constant("settleActual" as const), message, amount: fc.nat(4000) }),
  fc.record({
    do: fc.constant("clawBack" as const),
    amount,
    of: fc.option(source),
    source: fc.nat(20),
    daysAgo: fc.nat(3),
  }),
  fc.record({ do: fc.constant("adjust" as const), amount: fc.integer({ min: -3000, max: 3000 }) }),
  fc.record({ do: fc.constant("expireLot" as const), source }),
  fc.record({ do: fc.constant("expire" as const) }),
  fc.record({ do: fc.constant("weight" as const), weight: fc.nat(2000) }),
  fc.record({ do: fc.constant("wait" as const), hours: fc.integer({ min: 1, max: 30 }) }),
);

/** Effect of an operation, as far as a model must know it. */
export interface OperationEffect {
  granted: number;
  /** Amount refunded, whether credits were left to take or not. */
  refunded: number;
  held: string[];
}

/** Applies an operation to a brand in a transaction. `run` prefixes ids, so that runs share none. */
export async function applyOperation(
  tx: Tx,
  brandId: string,
  run: string,
  operation: LedgerOperation,
): Promise<OperationEffect> {
  const named = (kind: string, index: number) => `${run} ${kind} ${index}`;
  const nothing: OperationEffect = { granted: 0, refunded: 0, held: [] };
  switch (operation.do) {
    case "grant": {
      const { amount, days, source } = operation;
      const made = await grant(tx, {
        brandId,
        amount,
        kind: days === null ? "PURCHASED" : "SUBSCRIPTION",
        expiresAt: days === null ? null : tx.now + days * DAY,
        source: source === null ? null : named("lot", source),
        reason: "test",
      });
      return { ...nothing, granted: made ? amount : 0 };
    }
    case "hold": {
      const messageId = named("message", operation.message);
      const weight = (await getWeights(tx)).EMAIL;
      const request = { messageId, brandId, campaignId: brandId, creditType: "EMAIL" as const, weight };
      const amount = operation.units * weight;
      const short = await hold(tx, [{ ...request, amount }]);
      return { ...nothing, held: amount === 0 || short.size > 0 ? [] : [messageId] };
    }
    case "settle":
    case "release": {
      const ids = operation.messages.map((index) => named("message", index));
      await (operation.do === "settle" ? settle(tx, ids) : release(tx, ids, "test"));
      return nothing;
    }
    case "settleActual": {
      await settleAtCost(tx, [{ messageId: named("message", operation.message), amount: operation.amount }]);
      return nothing;
    }
    case "clawBack": {
      const { amount, of, source, daysAgo } = operation;
      const said = await clawBack(tx, {
        brandId,
        amount,
        lotSource: of === null ? null : named("lot", of),
        source: named("refund", source),
        reason: "REFUND",
        at: tx.now - daysAgo * DAY,
      });
      return { ...nothing, refunded: said === "KNOWN" ? 0 : amount };
    }
    case "adjust":
      try {
        await adjust(tx, { brandId, amount: operation.amount, reason: "test", actorId: "admin" });
        return { ...nothing, granted: Math.max(0, operation.amount), refunded: Math.max(0, -operation.amount) };
      } catch (error) {
        if (!(error instanceof AppError && error.code === "CONFLICT")) throw error;
        return nothing;
      }
    case "expireLot":
      await expireLot(tx, { source: named("lot", operation.source) }, "RENEWED");
      return nothing;
    case "expire":
      while ((await expireLots(tx)) > 0);
      return nothing;
    case "weight":
      await updateWeight(tx, "EMAIL", operation.weight, "admin");
      return nothing;
    case "wait":
      return nothing;
  }
}

/** Returns by how much an operation advances the clock. */
export const elapsedBy = (operation: LedgerOperation): Instant =>
  operation.do === "wait" ? operation.hours * HOUR : 0;
