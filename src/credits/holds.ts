import { sql } from "drizzle-orm";
import type { creditHolds } from "../db/schema/credits.ts";
import { inSlices } from "../db/slices.ts";
import { rowsOf } from "../db/sql.ts";
import type { Tx } from "../db/store.ts";
import { lockAccounts } from "./accounts.ts";
import { POSTED_ROWS, post } from "./books.ts";
import { oweForMessage, payRefunds } from "./clawback.ts";
import type { Movement } from "./effects.ts";
import { spendableLots, take } from "./lots.ts";
import type { CreditType } from "./model.ts";
import { Reckoning } from "./reckoning.ts";

/** Credits wanted for one message. `weight` is the price of a unit, frozen with the hold. */
export interface HoldRequest {
  messageId: string;
  brandId: string;
  campaignId: string;
  creditType: CreditType;
  amount: number;
  weight: number;
}

/**
 * Sets credits aside, in the order of the requests, as far as they go. Lots that expire soonest are spent first, then the
 * oldest. Returns the ids of the messages for which there were not enough; nothing was held for those.
 */
export async function hold(tx: Tx, requests: readonly HoldRequest[]): Promise<Set<string>> {
  const short = new Set<string>();
  const priced = requests.filter((request) => request.amount > 0);
  if (priced.length === 0) return short;
  const lots = await spendableLots(tx, [...new Set(priced.map((request) => request.brandId))]);
  const movements: Movement[] = [];
  const holds: (typeof creditHolds.$inferInsert)[] = [];
  for (const request of priced) {
    const parts = take(lots.get(request.brandId) ?? [], request.amount);
    if (!parts) short.add(request.messageId);
    for (const { lotId, amount } of parts ?? []) {
      const { messageId, brandId, campaignId, creditType, weight } = request;
      holds.push({ messageId, lotId, brandId, campaignId, creditType, amount, weight });
      movements.push({ kind: "HOLD", brandId, amount, lotId, creditType, campaignId, messageId });
    }
  }
  await post(tx, movements);
  await inSlices(holds, (some) => tx.all(insertHolds(some)), POSTED_ROWS);
  return short;
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
    select n."messageId", n."lotId", n."brandId", n."campaignId", n."creditType", n.amount, n.weight from ${rowsOf("n", holds, types)}`;
}

/** An open hold, as the database gives it. */
interface Held {
  messageId: string;
  lotId: string;
  brandId: string;
  campaignId: string;
  creditType: CreditType;
  amount: number;
}

/** Takes the holds of these messages off the table. Deleting is what ends a hold, so nobody can end it again. */
async function endHolds(tx: Tx, messageIds: readonly string[]): Promise<Held[]> {
  if (messageIds.length === 0) return [];
  const ids = messageIds.map((id) => ({ id }));
  return tx.all<Held>(sql`delete from credit_holds where message_id in (select n.id from ${rowsOf("n", ids, { id: "text" })})
    returning message_id as "messageId", lot_id as "lotId", brand_id as "brandId", campaign_id as "campaignId",
      credit_type as "creditType", amount`);
}

/** The messages went out: what was held for them is used. A message without an open hold changes nothing. */
export async function settle(tx: Tx, messageIds: readonly string[]): Promise<void> {
  const holds = await endHolds(tx, messageIds);
  await post(
    tx,
    holds.map((held) => ({ ...held, kind: "SETTLE" as const })),
  );
}

/** The messages will not go out: what was held comes back, or expires at once where its lot has expired meanwhile. */
export async function release(tx: Tx, messageIds: readonly string[], reason: string): Promise<void> {
  await giveBack(tx, await endHolds(tx, messageIds), reason);
}

async function giveBack(tx: Tx, holds: readonly Held[], reason: string): Promise<void> {
  if (holds.length === 0) return;
  const byBrand = [...Map.groupBy(holds, (held) => held.brandId)].sort(([a], [b]) => (a < b ? -1 : 1));
  await lockAccounts(
    tx,
    byBrand.map(([brandId]) => brandId),
  );
  for (const [brandId, held] of byBrand) {
    const books = await Reckoning.open(tx, brandId);
    const lots = new Map(books.lots.map((lot) => [lot.id, lot]));
    for (const { lotId, messageId, campaignId, creditType, amount } of held) {
      books.move("RELEASE", lots.get(lotId) ?? null, amount, { reason, messageId, campaignId, creditType });
    }
    if (books.owed > 0) await payRefunds(tx, books, { reason });
    books.expireOver({ reason: "PERIOD_ENDED" });
    await books.post(tx);
  }
}

/** What a message cost in the end. */
export interface FinalCost {
  messageId: string;
  /** Thousandths. */
  amount: number;
}

/**
 * The messages went out, and cost what was really sent: a text may have come to more parts than it was held for, or fewer.
 * The difference comes back, or is charged; what cannot be charged any more is owed. A message without an open hold, because
 * it was settled before, changes nothing.
 */
export async function settleActual(tx: Tx, costs: readonly FinalCost[]): Promise<void> {
  const final = new Map(costs.map(({ messageId, amount }) => [messageId, amount]));
  const holds = await endHolds(tx, [...final.keys()]);
  const byBrand = [...Map.groupBy(holds, (held) => held.brandId)].sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [brandId, ofBrand] of byBrand) {
    const books = await Reckoning.open(tx, brandId);
    const lots = new Map(books.lots.map((lot) => [lot.id, lot]));
    books.expireOver({ reason: "PERIOD_ENDED" });
    for (const [messageId, held] of Map.groupBy(ofBrand, (row) => row.messageId)) {
      let left = final.get(messageId) ?? 0;
      const [first] = held;
      if (!first) continue;
      const { campaignId, creditType } = first;
      const note = { reason: "SENT", messageId, campaignId, creditType };
      for (const { lotId, amount } of held) {
        const lot = lots.get(lotId) ?? null;
        const used = Math.min(amount, left);
        books.move("SETTLE", lot, used, note);
        books.move("RELEASE", lot, amount - used, note);
        left -= used;
      }
      for (const lot of books.lots) {
        const part = Math.min(left, lot.remaining);
        books.move("CHARGE", lot, part, note);
        left -= part;
      }
      await oweForMessage(tx, books, left, note);
    }
    if (books.owed > 0) await payRefunds(tx, books, { reason: "SENT" });
    books.expireOver({ reason: "PERIOD_ENDED" });
    await books.post(tx);
  }
}
