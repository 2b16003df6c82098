import type { ENTRY_KINDS } from "../db/schema/credits.ts";

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

/** What movements do to the account of one brand. */
export interface AccountDelta extends Record<Pocket | "entries", number> {
  brandId: string;
}
