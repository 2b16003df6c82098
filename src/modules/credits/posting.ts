import { sql } from "drizzle-orm";
import { forEachSlice } from "../../db/slices.ts";
import { valuesTable } from "../../db/sql.ts";
import type { Tx } from "../../db/store.ts";
import { getLockedAccounts, setLockedAccounts } from "./accounts.ts";
import {
  type AccountDelta,
  BALANCE_FIELDS,
  type BalanceField,
  EFFECTS,
  LOT_EFFECTS,
  LOT_FIELDS,
  type LotField,
  type Movement,
} from "./effects.ts";
import { applyDelta, buildEntries, insertEntriesSql, updateAccountsSql } from "./posting-rows.ts";

/** Rows of one statement: more than a delivery batch has, but a brand may have any number of lots. */
export const POSTING_SLICE_ROWS = 2000;

const zeroBalances = () => ({
  granted: 0,
  available: 0,
  reserved: 0,
  used: 0,
  expired: 0,
  clawedBack: 0,
  debt: 0,
});

/** Sums the effects of movements on the balances of each brand. */
function deltasByBrand(movements: readonly Movement[]): AccountDelta[] {
  const brands = new Map<string, Record<BalanceField | "entries", number>>();
  for (const { brandId, kind, amount } of movements) {
    const deltas = brands.get(brandId) ?? { ...zeroBalances(), entries: 0 };
    brands.set(brandId, deltas);
    deltas.entries++;
    for (const field of BALANCE_FIELDS) deltas[field] += amount * (EFFECTS[kind][field] ?? 0);
  }
  // Always in the same order, so that transactions over the same brands wait for each other without a deadlock.
  return [...brands]
    .map(([brandId, deltas]) => ({ brandId, ...deltas }))
    .sort((a, b) => (a.brandId < b.brandId ? -1 : 1));
}

/** Sums the effects of movements on each lot. */
function deltasByLot(movements: readonly Movement[]) {
  const lots = new Map<string, Record<LotField, number>>();
  for (const { lotId, kind, amount } of movements) {
    // A granted lot is inserted with its credits.
    if (kind === "GRANT" || kind === "SETTLE" || kind === "DEBT") continue;
    const deltas = lots.get(lotId) ?? { remaining: 0, expired: 0, repaid: 0 };
    lots.set(lotId, deltas);
    for (const field of LOT_FIELDS) deltas[field] += amount * (LOT_EFFECTS[kind][field] ?? 0);
  }
  return [...lots].map(([lotId, deltas]) => ({ lotId, ...deltas })).sort((a, b) => (a.lotId < b.lotId ? -1 : 1));
}

/** Sums held, used and released credits by campaign and channel. */
function deltasByCampaign(movements: readonly Movement[]) {
  const rows = new Map<
    string,
    { campaignId: string; creditType: string; reserved: number; used: number; released: number }
  >();
  for (const { campaignId, creditType, kind, amount } of movements) {
    if (!campaignId || !creditType) continue;
    const key = `${campaignId} ${creditType}`;
    const row = rows.get(key) ?? { campaignId, creditType, reserved: 0, used: 0, released: 0 };
    rows.set(key, row);
    row.reserved += amount * (EFFECTS[kind].reserved ?? 0);
    row.used += amount * (EFFECTS[kind].used ?? 0);
    if (kind === "RELEASE") row.released += amount;
  }
  return [...rows.values()].sort((a, b) => (a.campaignId + a.creditType < b.campaignId + b.creditType ? -1 : 1));
}

/**
 * Writes movements: their entries, and in the same transaction every balance that they change. This is the only writer of
 * the ledger. The database rejects a balance below zero, a debt beside available credits, and a second movement of the same
 * kind for a message.
 */
export async function postMovements(tx: Tx, movements: readonly Movement[]): Promise<void> {
  const moved = movements.filter((movement) => movement.amount > 0);
  if (moved.length === 0) return;
  // The accounts are locked from here on, so that their entries are numbered and chained one after the other.
  const deltas = deltasByBrand(moved);
  const before = await getLockedAccounts(
    tx,
    deltas.map(({ brandId }) => brandId),
  );
  const { entries, heads } = buildEntries(tx, moved, before);
  const after = deltas.map((delta) => applyDelta(delta, before, heads));
  const accounts = await tx.all<{ entries: number }>(updateAccountsSql(tx, deltas, after));
  if (accounts.length !== after.length) throw new Error("an account was deleted while its credits were moved");
  setLockedAccounts(tx, after);
  const lots = deltasByLot(moved);
  if (lots.length > 0) {
    const types = { lotId: "text", remaining: "bigint", expired: "bigint", repaid: "bigint" } as const;
    const move = (some: readonly (typeof lots)[number][]) =>
      tx.all(sql`update credit_lots set remaining = credit_lots.remaining + n.remaining,
          expired = credit_lots.expired + n.expired, repaid = credit_lots.repaid + n.repaid
        from ${valuesTable("n", some, types)} where credit_lots.id = n."lotId"`);
    await forEachSlice(lots, move, POSTING_SLICE_ROWS);
  }
  const campaigns = deltasByCampaign(moved);
  if (campaigns.length > 0) {
    const types = {
      campaignId: "text",
      creditType: "text",
      reserved: "bigint",
      used: "bigint",
      released: "bigint",
    } as const;
    await tx.all(sql`insert into campaign_credits (campaign_id, credit_type, reserved, used, released)
      select n."campaignId", n."creditType", n.reserved, n.used, n.released from ${valuesTable("n", campaigns, types)} where true
      on conflict (campaign_id, credit_type) do update set reserved = campaign_credits.reserved + excluded.reserved,
        used = campaign_credits.used + excluded.used, released = campaign_credits.released + excluded.released`);
  }
  await forEachSlice(entries, (some) => tx.all(insertEntriesSql(some)), POSTING_SLICE_ROWS);
}
