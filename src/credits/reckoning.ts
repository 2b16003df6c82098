import type { Instant } from "../clock.ts";
import type { Tx } from "../db/store.ts";
import { EFFECTS, type EntryKind, LOT_EFFECTS, LOT_POCKETS, type Movement, NO_LOT, post } from "./books.ts";
import { type Lot, lockAccounts, lotsOf } from "./lots.ts";

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

/**
 * One brand's lots and debt, worked on in memory under the account's lock and then posted as one. Movements that only
 * together keep the books in order (a grant and the debt it repays) become true together.
 *
 * Who pays a debt: the credits that expire soonest, as if the brand had spent them. A lot pays even though it expired
 * since, if it was good when the money went back; and when a lot comes in late that expires before one that has paid, it
 * takes over. So the books end the same in whatever order refunds, payments and renewals are heard of, and nobody loses
 * credits that last by it: what takes over always expires before what it gives back.
 */
export class Reckoning {
  private readonly movements: Movement[] = [];

  private constructor(
    private readonly brandId: string,
    readonly lots: Lot[],
    private debt: number,
    private readonly now: Instant,
  ) {}

  static async open(tx: Tx, brandId: string): Promise<Reckoning> {
    const debt = (await lockAccounts(tx, [brandId])).get(brandId) ?? 0;
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

  /** Takes back what was granted in a lot: from what is left of it, expired or gone to pay for others; the rest is owed. */
  clawBack(lot: Lot | null, amount: number, note: Note): void {
    let missing = amount;
    if (lot) {
      const revived = Math.min(lot.expired, Math.max(0, missing - lot.remaining));
      this.move("REVIVE", lot, revived, note);
      this.move("RETURN", lot, Math.min(lot.repaid, Math.max(0, missing - lot.remaining)), note);
      const own = Math.min(lot.remaining, missing);
      this.move("CLAWBACK", lot, own, note);
      missing -= own;
    }
    this.move("DEBT", lot, missing, note);
  }

  /** Pays what is owed out of lots that were good at `since`, whether they expired after that or not. */
  repay(since: Instant, note: Note, from: readonly Lot[] = this.lots): void {
    for (const lot of from) {
      if (this.debt === 0) return;
      if (!outlives(lot, since)) continue;
      this.move("REVIVE", lot, Math.min(lot.expired, Math.max(0, this.debt - lot.remaining)), note);
      this.move("REPAY", lot, Math.min(lot.remaining, this.debt), note);
    }
  }

  /** Lets a lot that is new take over what lots that expire later have paid, the last of them first. */
  takeOver(lot: Lot, note: Note): void {
    for (const other of this.lots.toReversed()) {
      if (lot.expires_at === null || !outlives(other, lot.expires_at)) return;
      const part = Math.min(other.repaid, lot.remaining);
      this.move("RETURN", other, part, note);
      this.move("REPAY", lot, part, note);
      if (!outlives(other, this.now)) this.move("EXPIRE", other, part, note);
    }
  }

  async post(tx: Tx): Promise<void> {
    await post(tx, this.movements);
  }
}
