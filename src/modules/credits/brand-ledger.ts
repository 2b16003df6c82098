import type { Tx } from "../../db/store.ts";
import type { Instant } from "../../lib/clock.ts";
import { lockAccounts } from "./accounts.ts";
import { EFFECTS, type EntryKind, LOT_EFFECTS, LOT_FIELDS, type Movement, NO_LOT } from "./effects.ts";
import { type Lot, listLots } from "./lots.ts";
import { postMovements } from "./posting.ts";

/** The fields of an entry besides its kind, lot and amount. */
export interface EntryNote {
  reason: string;
  actorId?: string | null;
  messageId?: string;
  campaignId?: string;
  creditType?: string;
}

/** Checks that a lot had not expired at a time. */
const isValidAt = (lot: Lot, at: Instant) => lot.expires_at === null || lot.expires_at > at;

/** A processed clawback. */
export interface Refund {
  amount: number;
  /** The refunded lot; null for no particular one. */
  lotId: string | null;
  /** Time when the money was returned. */
  at: Instant;
}

/**
 * A brand's lots and debt, changed in memory under the account's lock and posted together. Movements that are valid only
 * together (a grant and the debt it repays) are written in one batch.
 */
export class BrandLedger {
  private readonly movements: Movement[] = [];

  private constructor(
    readonly brandId: string,
    readonly lots: Lot[],
    private debt: number,
    private readonly now: Instant,
  ) {}

  static async open(tx: Tx, brandId: string): Promise<BrandLedger> {
    const debt = (await lockAccounts(tx, [brandId])).get(brandId)?.debt ?? 0;
    return new BrandLedger(brandId, await listLots(tx, brandId), debt, tx.now);
  }

  get owed(): number {
    return this.debt;
  }

  move(kind: EntryKind, lot: Lot | null, amount: number, note: EntryNote): void {
    if (amount <= 0) return;
    this.movements.push({ kind, brandId: this.brandId, lotId: lot?.id ?? NO_LOT, amount, ...note });
    this.debt += amount * (EFFECTS[kind].debt ?? 0);
    // A granted lot is loaded with its credits.
    if (lot && kind !== "GRANT") for (const field of LOT_FIELDS) lot[field] += amount * (LOT_EFFECTS[kind][field] ?? 0);
  }

  /** Writes off the remaining credits of expired lots. */
  expireEnded(note: EntryNote): void {
    for (const lot of this.lots) if (!isValidAt(lot, this.now)) this.move("EXPIRE", lot, lot.remaining, note);
  }

  /**
   * Repays refunds from the lots: first from each refund's own lot, the spent part of it from the others, soonest to expire
   * first, as if the brand had spent it, but not from lots that had expired when the money was returned. The rest stays a
   * debt. The shares follow from the lots and refunds alone, not from the order of their arrival: a lot that is granted
   * late takes over from those that paid in its place. So the ledger ends the same for every order of events, and no brand
   * loses longer-lasting credits by it.
   */
  payRefunds(refunds: readonly Refund[], note: EntryNote): void {
    const targets = this.computeShares(refunds);
    for (const [lot, target] of targets) this.move("RETURN", lot, lot.repaid - target, note);
    for (const [lot, target] of targets) {
      const due = target - lot.repaid;
      this.move("REVIVE", lot, Math.min(lot.expired, due - lot.remaining), note);
      this.move("REPAY", lot, due, note);
    }
  }

  /** Computes the amount that each lot pays for these refunds, which are sorted by time. */
  private computeShares(refunds: readonly Refund[]): Map<Lot, number> {
    const shares = new Map(this.lots.map((lot) => [lot, 0]));
    const unused = (lot: Lot) => lot.remaining + lot.expired + lot.repaid - (shares.get(lot) ?? 0);
    const byId = new Map(this.lots.map((lot) => [lot.id, lot]));
    const rests = refunds.map(({ amount, lotId, at }) => {
      const lot = lotId === null ? undefined : byId.get(lotId);
      const own = lot ? Math.min(amount, unused(lot)) : 0;
      if (lot) shares.set(lot, (shares.get(lot) ?? 0) + own);
      return { at, amount: amount - own };
    });
    let paid = 0;
    for (const lot of this.lots) {
      const owed = rests.reduce((sum, rest) => (isValidAt(lot, rest.at) ? sum + rest.amount : sum), 0);
      const share = Math.min(unused(lot), Math.max(0, owed - paid));
      shares.set(lot, (shares.get(lot) ?? 0) + share);
      paid += share;
    }
    return shares;
  }

  async post(tx: Tx): Promise<void> {
    await postMovements(tx, this.movements);
  }
}
