import { sql } from "drizzle-orm";
import type { creditHolds } from "../../db/schema/credits.ts";
import { forEachSlice } from "../../db/slices.ts";
import { valuesTable } from "../../db/sql.ts";
import type { Tx } from "../../db/store.ts";
import { lockAccounts } from "./accounts.ts";
import { BrandLedger } from "./brand-ledger.ts";
import { addMessageDebt, payRefunds } from "./clawback.ts";
import type { Movement } from "./effects.ts";
import { spendableLots, takeFromLots } from "./lots.ts";
import type { CreditType } from "./model.ts";
import { POSTING_SLICE_ROWS, postMovements } from "./posting.ts";

/** Credits to reserve for a message. `weight` is the price of a unit, stored with the hold. */
export interface HoldRequest {
  messageId: string;
  brandId: string;
  campaignId: string;
  creditType: CreditType;
  amount: number;
  weight: number;
}

/**
 * Reserves credits in the order of the requests, as far as they suffice. Lots that expire soonest are used first, then the
 * oldest. Returns the ids of the messages without enough credits, for which nothing is held.
 */
export async function hold(tx: Tx, requests: readonly HoldRequest[]): Promise<Set<string>> {
  const unfunded = new Set<string>();
  const priced = requests.filter((request) => request.amount > 0);
  if (priced.length === 0) return unfunded;
  const lots = await spendableLots(tx, [...new Set(priced.map((request) => request.brandId))]);
  const movements: Movement[] = [];
  const holds: (typeof creditHolds.$inferInsert)[] = [];
  for (const request of priced) {
    const parts = takeFromLots(lots.get(request.brandId) ?? [], request.amount);
    if (!parts) unfunded.add(request.messageId);
    for (const { lotId, amount } of parts ?? []) {
      const { messageId, brandId, campaignId, creditType, weight } = request;
      holds.push({ messageId, lotId, brandId, campaignId, creditType, amount, weight });
      movements.push({ kind: "HOLD", brandId, amount, lotId, creditType, campaignId, messageId });
    }
  }
  await postMovements(tx, movements);
  await forEachSlice(holds, (some) => tx.all(insertHolds(some)), POSTING_SLICE_ROWS);
  return unfunded;
}

function insertHolds(holds: readonly (typeof creditHolds.$inferInsert)[]) {
  const types = {
    messageId: "text",
    lotId: "text",
    brandId: "text",
    campaignId: "text",
    creditType: "text",
    amount: "bigint",
    weight: "bigint",
  } as const;
  return sql`insert into credit_holds (message_id, lot_id, brand_id, campaign_id, credit_type, amount, weight)
    select n."messageId", n."lotId", n."brandId", n."campaignId", n."creditType", n.amount, n.weight from ${valuesTable("n", holds, types)}`;
}

/** A deleted hold. */
interface Held {
  messageId: string;
  lotId: string;
  brandId: string;
  campaignId: string;
  creditType: CreditType;
  amount: number;
}

/** Deletes the holds of these messages and returns them. A hold is ended by deleting it, so it ends only once. */
async function endHolds(tx: Tx, messageIds: readonly string[]): Promise<Held[]> {
  if (messageIds.length === 0) return [];
  const ids = messageIds.map((id) => ({ id }));
  return tx.all<Held>(sql`delete from credit_holds where message_id in (select n.id from ${valuesTable("n", ids, { id: "text" })})
    returning message_id as "messageId", lot_id as "lotId", brand_id as "brandId", campaign_id as "campaignId",
      credit_type as "creditType", amount`);
}

/** Marks the held credits of sent messages as used. A message without a hold is ignored. */
export async function settle(tx: Tx, messageIds: readonly string[]): Promise<void> {
  const holds = await endHolds(tx, messageIds);
  await postMovements(
    tx,
    holds.map((held) => ({ ...held, kind: "SETTLE" as const })),
  );
}

/** Releases the held credits of messages that will not be sent. Credits of a lot that has expired meanwhile expire at once. */
export async function release(tx: Tx, messageIds: readonly string[], reason: string): Promise<void> {
  await releaseHolds(tx, await endHolds(tx, messageIds), reason);
}

async function releaseHolds(tx: Tx, holds: readonly Held[], reason: string): Promise<void> {
  if (holds.length === 0) return;
  const byBrand = [...Map.groupBy(holds, (held) => held.brandId)].sort(([a], [b]) => (a < b ? -1 : 1));
  await lockAccounts(
    tx,
    byBrand.map(([brandId]) => brandId),
  );
  for (const [brandId, held] of byBrand) {
    const ledger = await BrandLedger.open(tx, brandId);
    const lots = new Map(ledger.lots.map((lot) => [lot.id, lot]));
    for (const { lotId, messageId, campaignId, creditType, amount } of held) {
      ledger.move("RELEASE", lots.get(lotId) ?? null, amount, { reason, messageId, campaignId, creditType });
    }
    if (ledger.owed > 0) await payRefunds(tx, ledger, { reason });
    ledger.expireEnded({ reason: "PERIOD_ENDED" });
    await ledger.post(tx);
  }
}

/** The actual cost of a message. */
export interface FinalCost {
  messageId: string;
  /** Thousandths. */
  amount: number;
}

/**
 * Settles sent messages at their actual cost: an SMS may have more or fewer segments than were held. A difference is
 * released or charged; the part that the lots cannot pay becomes a debt. A message without a hold, because it was settled
 * before, is ignored.
 */
export async function settleAtCost(tx: Tx, costs: readonly FinalCost[]): Promise<void> {
  const final = new Map(costs.map(({ messageId, amount }) => [messageId, amount]));
  const holds = await endHolds(tx, [...final.keys()]);
  const byBrand = [...Map.groupBy(holds, (held) => held.brandId)].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [brandId, ofBrand] of byBrand) {
    const ledger = await BrandLedger.open(tx, brandId);
    const lots = new Map(ledger.lots.map((lot) => [lot.id, lot]));
    ledger.expireEnded({ reason: "PERIOD_ENDED" });
    for (const [messageId, held] of Map.groupBy(ofBrand, (row) => row.messageId)) {
      let left = final.get(messageId) ?? 0;
      const [first] = held;
      if (!first) continue;
      const { campaignId, creditType } = first;
      const note = { reason: "SENT", messageId, campaignId, creditType };
      for (const { lotId, amount } of held) {
        const lot = lots.get(lotId) ?? null;
        const used = Math.min(amount, left);
        ledger.move("SETTLE", lot, used, note);
        ledger.move("RELEASE", lot, amount - used, note);
        left -= used;
      }
      for (const lot of ledger.lots) {
        const part = Math.min(left, lot.remaining);
        ledger.move("CHARGE", lot, part, note);
        left -= part;
      }
      await addMessageDebt(tx, ledger, left, note);
    }
    if (ledger.owed > 0) await payRefunds(tx, ledger, { reason: "SENT" });
    ledger.expireEnded({ reason: "PERIOD_ENDED" });
    await ledger.post(tx);
  }
}
