import type { Instant } from "../clock.ts";
import type { Tx } from "../db/store.ts";
import { lockAccounts } from "./accounts.ts";
import { post } from "./books.ts";
import { EFFECTS, type EntryKind, LOT_EFFECTS, LOT_POCKETS, type Movement, NO_LOT } from "./effects.ts";
import { type Lot, lotsOf } from "./lots.ts";

/** What an entry says besides its amount. */
export interface Note {
  reason: string;
  actorId?: string | null;
  messageId?: string;
  campaignId?: string;
  creditType?: string;
}

/** Whether credits of a lot were still good at a moment, used or not. */
export const outlives = (lot: Lot, at: Instant) => lot.expires_at === null || lot.expires_at > at;

/** Credits that were asked back. */
export interface Refund {
  amount: number;
  /** The lot whose money went back; null for none in particular. */
  lotId: string | null;
  /** When the money went back. */
  at: Instant;
}

/**
 * One brand's lots and debt, worked on in memory under the account's lock and then posted as one. Movements that only
 * together keep the books in order (a grant and the debt it repays) become true together.
 */
export class Reckoning {
  private readonly movements: Movement[] = [];

  private constructor(
    readonly brandId: string,
    readonly lots: Lot[],
    private debt: number,
    private readonly now: Instant,
  ) {}

  static async open(tx: Tx, brandId: string): Promise<Reckoning> {
    const debt = (await lockAccounts(tx, [brandId])).get(brandId)?.debt ?? 0;
    return new Reckoning(brandId, await lotsOf(tx, brandId), debt, tx.now);
  }

  get owed(): number {
    return this.debt;
  }

  move(kind: EntryKind, lot: Lot | null, amount: number, note: Note): void {
    if (amount <= 0) return;
    this.movements.push({ kind, brandId: this.brandId, lotId: lot?.id ?? NO_LOT, amount, ...note });
    this.debt += amount * (EFFECTS[kind].debt ?? 0);
    // A lot is born full, in the database and here.
    if (lot && kind !== "GRANT")
      for (const pocket of LOT_POCKETS) lot[pocket] += amount * (LOT_EFFECTS[kind][pocket] ?? 0);
  }

  /** Writes off what is left in lots whose time is over. */
  expireOver(note: Note): void {
    for (const lot of this.lots) if (!outlives(lot, this.now)) this.move("EXPIRE", lot, lot.remaining, note);
  }

  /**
   * Lets the lots pay what was refunded. First each refund's own lot; for what was spent of that, the others, soonest to
   * expire first, as if the brand had spent it; not those that had expired when the money went back. What nobody can pay is
   * owed. Who pays follows from the lots and the refunds alone, not from when they were heard of: a lot that comes in late
   * takes over from those that paid in its place. So the books end the same in whatever order the events arrive, and
   * nobody loses credits that last by it.
   */
  payRefunds(refunds: readonly Refund[], note: Note): void {
    const targets = this.sharesOf(refunds);
    for (const [lot, target] of targets) this.move("RETURN", lot, lot.repaid - target, note);
    for (const [lot, target] of targets) {
      const due = target - lot.repaid;
      this.move("REVIVE", lot, Math.min(lot.expired, due - lot.remaining), note);
      this.move("REPAY", lot, due, note);
    }
  }

  /** What each lot is to have paid for these refunds, which are in order of time. */
  private sharesOf(refunds: readonly Refund[]): Map<Lot, number> {
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
      const owed = rests.reduce((sum, rest) => (outlives(lot, rest.at) ? sum + rest.amount : sum), 0);
      const share = Math.min(unused(lot), Math.max(0, owed - paid));
      shares.set(lot, (shares.get(lot) ?? 0) + share);
      paid += share;
    }
    return shares;
  }

  async post(tx: Tx): Promise<void> {
    await post(tx, this.movements);
  }
}
