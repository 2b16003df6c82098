import { type SQL, sql } from "drizzle-orm";
import { rowsOf } from "../db/sql.ts";
import type { Tx } from "../db/store.ts";

export type EntryKind = "GRANT" | "HOLD" | "SETTLE" | "RELEASE" | "EXPIRE" | "CLAWBACK";

/** One movement of credits. What each kind moves: see `EFFECTS`. */
export interface Movement {
  kind: EntryKind;
  brandId: string;
  amount: number;
  lotId: string;
  creditType?: string | null;
  campaignId?: string | null;
  messageId?: string | null;
  reason?: string | null;
  actorId?: string | null;
}

type Pocket = "granted" | "available" | "reserved" | "used" | "expired" | "clawedBack";

/**
 * From where to where each kind of entry moves its amount. This table is the whole meaning of the ledger: balances are
 * kept by it when an entry is written, and `verify` folds by it when they are proved.
 */
export const EFFECTS: Record<EntryKind, Partial<Record<Pocket, 1 | -1>>> = {
  GRANT: { granted: 1, available: 1 },
  HOLD: { available: -1, reserved: 1 },
  SETTLE: { reserved: -1, used: 1 },
  RELEASE: { reserved: -1, available: 1 },
  EXPIRE: { available: -1, expired: 1 },
  CLAWBACK: { available: -1, clawedBack: 1 },
};

const POCKETS = ["granted", "available", "reserved", "used", "expired", "clawedBack"] as const;

/** Adds up what movements do to each pocket of each brand. */
function deltasByBrand(movements: readonly Movement[]) {
  const brands = new Map<string, Record<Pocket, number>>();
  for (const { brandId, kind, amount } of movements) {
    const deltas = brands.get(brandId) ?? { granted: 0, available: 0, reserved: 0, used: 0, expired: 0, clawedBack: 0 };
    brands.set(brandId, deltas);
    for (const pocket of POCKETS) deltas[pocket] += amount * (EFFECTS[kind][pocket] ?? 0);
  }
  // In one order everywhere, so that two transactions over the same brands wait for each other instead of locking up.
  return [...brands]
    .map(([brandId, deltas]) => ({ brandId, ...deltas }))
    .sort((a, b) => (a.brandId < b.brandId ? -1 : 1));
}

/** What is free in each lot, changed by the same movements. */
function deltasByLot(movements: readonly Movement[]) {
  const lots = new Map<string, number>();
  for (const { lotId, kind, amount } of movements) {
    // A grant's lot is born full.
    const change = kind === "GRANT" ? 0 : amount * (EFFECTS[kind].available ?? 0);
    if (change !== 0) lots.set(lotId, (lots.get(lotId) ?? 0) + change);
  }
  return [...lots].map(([lotId, delta]) => ({ lotId, delta })).sort((a, b) => (a.lotId < b.lotId ? -1 : 1));
}

/** Held, used and released by campaign and channel. */
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
 * Writes movements: the entries, and in the same transaction every balance they change. The only writer of the ledger.
 * The database refuses a pocket below zero and a second entry of one kind for one message and lot.
 */
export async function post(tx: Tx, movements: readonly Movement[]): Promise<void> {
  const moved = movements.filter((movement) => movement.amount > 0);
  if (moved.length === 0) return;
  await tx.all(moveAccounts(deltasByBrand(moved)));
  const lots = deltasByLot(moved);
  if (lots.length > 0) {
    await tx.all(sql`update credit_lots set remaining = credit_lots.remaining + n.delta
      from ${rowsOf("n", lots, { lotId: "text", delta: "bigint" })} where credit_lots.id = n."lotId"`);
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
      select n."campaignId", n."creditType", n.reserved, n.used, n.released from ${rowsOf("n", campaigns, types)} where true
      on conflict (campaign_id, credit_type) do update set reserved = campaign_credits.reserved + excluded.reserved,
        used = campaign_credits.used + excluded.used, released = campaign_credits.released + excluded.released`);
  }
  await tx.all(insertEntries(tx, moved));
}

function moveAccounts(deltas: ReturnType<typeof deltasByBrand>): SQL {
  const types = {
    brandId: "text",
    granted: "bigint",
    available: "bigint",
    reserved: "bigint",
    used: "bigint",
    expired: "bigint",
    clawedBack: "bigint",
  } as const;
  const moved = (column: string, pocket: Pocket) => sql.raw(`${column} = credit_accounts.${column} + n."${pocket}"`);
  return sql`update credit_accounts set ${moved("granted", "granted")}, ${moved("available", "available")}, ${moved("reserved", "reserved")},
      ${moved("used", "used")}, ${moved("expired", "expired")}, ${moved("clawed_back", "clawedBack")}
    from ${rowsOf("n", deltas, types)} where credit_accounts.brand_id = n."brandId"`;
}

function insertEntries(tx: Tx, movements: readonly Movement[]): SQL {
  const rows = movements.map((movement) => ({
    id: tx.newId(),
    brandId: movement.brandId,
    kind: movement.kind,
    amount: movement.amount,
    lotId: movement.lotId,
    creditType: movement.creditType ?? null,
    campaignId: movement.campaignId ?? null,
    messageId: movement.messageId ?? null,
    reason: movement.reason ?? null,
    actorId: movement.actorId ?? null,
  }));
  const types = {
    id: "text",
    brandId: "text",
    kind: "text",
    amount: "bigint",
    lotId: "text",
    creditType: "text",
    campaignId: "text",
    messageId: "text",
    reason: "text",
    actorId: "text",
  } as const;
  return sql`insert into ledger_entries (id, brand_id, kind, amount, lot_id, credit_type, campaign_id, message_id, reason, actor_id, created_at)
    select n.id, n."brandId", n.kind, n.amount, n."lotId", n."creditType", n."campaignId", n."messageId", n.reason, n."actorId", ${tx.now}
    from ${rowsOf("n", rows, types)}`;
}
