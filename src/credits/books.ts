import { type SQL, sql } from "drizzle-orm";
import type { ENTRY_KINDS } from "../db/schema/credits.ts";
import { inSlices } from "../db/slices.ts";
import { rowsOf } from "../db/sql.ts";
import type { Tx } from "../db/store.ts";
import { type EntryFields, sealOf } from "./seal.ts";

/** Rows of one statement here: more than any batch of the engine has, but a brand may have any number of lots. */
export const POSTED_ROWS = 2000;

export type EntryKind = (typeof ENTRY_KINDS)[number];

/** Stands where a movement is of no lot: a debt that is not for the refund of one. */
export const NO_LOT = "";

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

export const POCKETS = ["granted", "available", "reserved", "used", "expired", "clawedBack", "debt"] as const;
export type Pocket = (typeof POCKETS)[number];

/** What a lot keeps of its own. A grant's lot is born full. */
export const LOT_POCKETS = ["remaining", "expired", "repaid"] as const;
export type LotPocket = (typeof LOT_POCKETS)[number];

/**
 * From where to where each kind of entry moves its amount. This table is the whole meaning of the ledger: balances are
 * kept by it when an entry is written, and `verify` folds by it when they are proved.
 *
 * CHARGE is what a message cost beyond its hold. DEBT is what a refund could not take back; REPAY pays it out of a lot,
 * and RETURN undoes that when another lot is the one to pay. REVIVE takes back that credits expired.
 */
export const EFFECTS: Record<EntryKind, Partial<Record<Pocket, 1 | -1>>> = {
  GRANT: { granted: 1, available: 1 },
  HOLD: { available: -1, reserved: 1 },
  SETTLE: { reserved: -1, used: 1 },
  RELEASE: { reserved: -1, available: 1 },
  CHARGE: { available: -1, used: 1 },
  EXPIRE: { available: -1, expired: 1 },
  REVIVE: { expired: -1, available: 1 },
  CLAWBACK: { available: -1, clawedBack: 1 },
  DEBT: { debt: 1 },
  REPAY: { available: -1, clawedBack: 1, debt: -1 },
  RETURN: { available: 1, clawedBack: -1, debt: 1 },
};

/** The same for the pockets of the entry's lot. */
export const LOT_EFFECTS: Record<EntryKind, Partial<Record<LotPocket, 1 | -1>>> = {
  GRANT: { remaining: 1 },
  HOLD: { remaining: -1 },
  SETTLE: {},
  RELEASE: { remaining: 1 },
  CHARGE: { remaining: -1 },
  EXPIRE: { remaining: -1, expired: 1 },
  REVIVE: { remaining: 1, expired: -1 },
  CLAWBACK: { remaining: -1 },
  DEBT: {},
  REPAY: { remaining: -1, repaid: 1 },
  RETURN: { remaining: 1, repaid: -1 },
};

const emptyPockets = () => ({
  granted: 0,
  available: 0,
  reserved: 0,
  used: 0,
  expired: 0,
  clawedBack: 0,
  debt: 0,
});

/** Adds up what movements do to each pocket of each brand. */
function deltasByBrand(movements: readonly Movement[]) {
  const brands = new Map<string, Record<Pocket | "entries", number>>();
  for (const { brandId, kind, amount } of movements) {
    const deltas = brands.get(brandId) ?? { ...emptyPockets(), entries: 0 };
    brands.set(brandId, deltas);
    deltas.entries++;
    for (const pocket of POCKETS) deltas[pocket] += amount * (EFFECTS[kind][pocket] ?? 0);
  }
  // In one order everywhere, so that two transactions over the same brands wait for each other instead of locking up.
  return [...brands]
    .map(([brandId, deltas]) => ({ brandId, ...deltas }))
    .sort((a, b) => (a.brandId < b.brandId ? -1 : 1));
}

/** What changes in each lot by the same movements. */
function deltasByLot(movements: readonly Movement[]) {
  const lots = new Map<string, Record<LotPocket, number>>();
  for (const { lotId, kind, amount } of movements) {
    // The grant's lot was written with its credits in it.
    if (kind === "GRANT" || kind === "SETTLE" || kind === "DEBT") continue;
    const deltas = lots.get(lotId) ?? { remaining: 0, expired: 0, repaid: 0 };
    lots.set(lotId, deltas);
    for (const pocket of LOT_POCKETS) deltas[pocket] += amount * (LOT_EFFECTS[kind][pocket] ?? 0);
  }
  return [...lots].map(([lotId, deltas]) => ({ lotId, ...deltas })).sort((a, b) => (a.lotId < b.lotId ? -1 : 1));
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
 * The database refuses a pocket below zero, a debt beside credits to spend, and a second movement of one kind for one
 * message.
 */
export async function post(tx: Tx, movements: readonly Movement[]): Promise<void> {
  const moved = movements.filter((movement) => movement.amount > 0);
  if (moved.length === 0) return;
  // The account's row is locked from here on: its entries get their numbers one after the other.
  const accounts = await tx.all<{ brand_id: string; entries: number }>(moveAccounts(deltasByBrand(moved)));
  const lots = deltasByLot(moved);
  if (lots.length > 0) {
    const types = { lotId: "text", remaining: "bigint", expired: "bigint", repaid: "bigint" } as const;
    const move = (some: readonly (typeof lots)[number][]) =>
      tx.all(sql`update credit_lots set remaining = credit_lots.remaining + n.remaining,
          expired = credit_lots.expired + n.expired, repaid = credit_lots.repaid + n.repaid
        from ${rowsOf("n", some, types)} where credit_lots.id = n."lotId"`);
    await inSlices(lots, move, POSTED_ROWS);
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
  const entries = entryRows(tx, moved, new Map(accounts.map((row) => [row.brand_id, row.entries])));
  await inSlices(entries, (some) => tx.all(insertEntries(some)), POSTED_ROWS);
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
    debt: "bigint",
    entries: "bigint",
  } as const;
  const moved = (column: string, name: Pocket | "entries") =>
    sql.raw(`${column} = credit_accounts.${column} + n."${name}"`);
  return sql`update credit_accounts set ${moved("granted", "granted")}, ${moved("available", "available")}, ${moved("reserved", "reserved")},
      ${moved("used", "used")}, ${moved("expired", "expired")}, ${moved("clawed_back", "clawedBack")}, ${moved("debt", "debt")}, ${moved("entries", "entries")}
    from ${rowsOf("n", deltas, types)} where credit_accounts.brand_id = n."brandId"
    returning credit_accounts.brand_id, credit_accounts.entries`;
}

/** `newest` is the number of each brand's last entry once all of these are written. */
function entryRows(tx: Tx, movements: readonly Movement[], newest: ReadonlyMap<string, number>) {
  const left = new Map<string, number>();
  const parts = new Map<string, number>();
  const partOf = ({ messageId, kind }: Movement) => {
    if (!messageId) return null;
    const key = `${kind} ${messageId}`;
    const part = parts.get(key) ?? 0;
    parts.set(key, part + 1);
    return part;
  };
  for (const { brandId } of movements) left.set(brandId, (left.get(brandId) ?? 0) + 1);
  return movements.map((movement) => {
    const { brandId } = movement;
    const after = (left.get(brandId) ?? 0) - 1;
    left.set(brandId, after);
    const last = newest.get(brandId);
    if (last === undefined) throw new Error(`the brand ${brandId} has no account`);
    const fields: EntryFields = {
      id: tx.newId(),
      brandId,
      seq: last - after,
      kind: movement.kind,
      amount: movement.amount,
      lotId: movement.lotId,
      creditType: movement.creditType ?? null,
      campaignId: movement.campaignId ?? null,
      messageId: movement.messageId ?? null,
      reason: movement.reason ?? null,
      actorId: movement.actorId ?? null,
      createdAt: tx.now,
    };
    return { ...fields, seal: sealOf(fields), part: partOf(movement) };
  });
}

function insertEntries(rows: readonly ReturnType<typeof entryRows>[number][]): SQL {
  const types = {
    id: "text",
    brandId: "text",
    seq: "bigint",
    kind: "text",
    amount: "bigint",
    lotId: "text",
    creditType: "text",
    campaignId: "text",
    messageId: "text",
    reason: "text",
    actorId: "text",
    createdAt: "bigint",
    seal: "bigint",
    part: "integer",
  } as const;
  return sql`insert into ledger_entries (id, brand_id, seq, kind, amount, lot_id, credit_type, campaign_id, message_id, reason, actor_id, created_at, seal, part)
    select n.id, n."brandId", n.seq, n.kind, n.amount, n."lotId", n."creditType", n."campaignId", n."messageId", n.reason, n."actorId", n."createdAt", n.seal, n.part
    from ${rowsOf("n", rows, types)}`;
}
