import type { ENTRY_KINDS } from "../../db/schema/credits.ts";

export type EntryKind = (typeof ENTRY_KINDS)[number];

/** The lot id of a movement without a lot: a debt that is not for the refund of one. */
export const NO_LOT = "";

/** A movement of credits. `EFFECTS` defines the effect of each kind. */
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

export const BALANCE_FIELDS = ["granted", "available", "reserved", "used", "expired", "clawedBack", "debt"] as const;
export type BalanceField = (typeof BALANCE_FIELDS)[number];

/** The balances of a lot. A granted lot is inserted with its credits. */
export const LOT_FIELDS = ["remaining", "expired", "repaid"] as const;
export type LotField = (typeof LOT_FIELDS)[number];

/**
 * Defines how each kind of entry changes the balances of an account. Posting an entry and verifying the ledger both use it.
 *
 * CHARGE is the cost of a message beyond its hold. DEBT is the part of a refund that could not be taken back; REPAY pays it
 * from a lot, and RETURN reverses that when another lot has to pay. REVIVE reverses an EXPIRE.
 */
export const EFFECTS: Record<EntryKind, Partial<Record<BalanceField, 1 | -1>>> = {
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

/** Defines how each kind of entry changes the balances of its lot. */
export const LOT_EFFECTS: Record<EntryKind, Partial<Record<LotField, 1 | -1>>> = {
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

/** The sum of movements on the account of one brand. */
export interface AccountDelta extends Record<BalanceField | "entries", number> {
  brandId: string;
}
