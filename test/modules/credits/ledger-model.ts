import { expect } from "bun:test";
import { sql } from "drizzle-orm";
import type { Reader } from "../../../src/db/store.ts";
import { verifyLedger } from "../../../src/modules/credits/verify.ts";
import type { LedgerOperation, OperationEffect } from "./ledger-operations.ts";

/** Model of a brand's ledger as sums alone, without lots, holds or entries. */
export class LedgerModel {
  private granted = 0;
  private refunded = 0;
  private spent = 0;
  private readonly lots = new Set<number>();
  private readonly waiting = new Map<number, number>();
  /** Amount of each open hold, by message. */
  private readonly open = new Map<string, number>();
  private readonly ever = new Set<string>();

  constructor(private readonly name: (kind: string, index: number) => string) {}

  wasHeld(index: number): boolean {
    return this.ever.has(this.name("message", index));
  }

  apply(operation: LedgerOperation, effect: OperationEffect, price: number): void {
    this.granted += effect.granted;
    switch (operation.do) {
      case "grant":
        if (operation.source === null || effect.granted === 0) return;
        this.lots.add(operation.source);
        // Refunds that arrived before the payment are taken now.
        this.refunded += this.waiting.get(operation.source) ?? 0;
        return;
      case "hold":
        for (const message of effect.held) {
          this.open.set(message, operation.units * price);
          this.ever.add(message);
        }
        return;
      case "settle":
      case "release":
        for (const index of operation.messages) {
          const message = this.name("message", index);
          if (operation.do === "settle") this.spent += this.open.get(message) ?? 0;
          this.open.delete(message);
        }
        return;
      case "settleActual": {
        const message = this.name("message", operation.message);
        if (this.open.delete(message)) this.spent += operation.amount;
        return;
      }
      case "clawBack":
        if (operation.of !== null && !this.lots.has(operation.of))
          this.waiting.set(operation.of, (this.waiting.get(operation.of) ?? 0) + effect.refunded);
        else this.refunded += effect.refunded;
        return;
      case "adjust":
        this.refunded += effect.refunded;
    }
  }

  /** Compares the model with the account, and the account, lots and holds with the entries. */
  async check(read: Reader, brandId: string): Promise<void> {
    const { drifts, faults } = await verifyLedger(read, brandId);
    expect({ drifts, faults }).toEqual({ drifts: [], faults: [] });
    const account = await getAccountFigures(read, brandId);
    expect(account.granted).toBe(this.granted);
    expect(account.reserved).toBe([...this.open.values()].reduce((a, b) => a + b, 0));
    // Everything spent or refunded is used, clawed back, or owed.
    expect(account.used + account.clawed_back + account.debt).toBe(this.spent + this.refunded);
    expect(Math.min(...Object.values(account))).toBeGreaterThanOrEqual(0);
    if (account.debt > 0) expect(account.available).toBe(0);
  }
}

export interface AccountFigures {
  granted: number;
  available: number;
  reserved: number;
  used: number;
  expired: number;
  clawed_back: number;
  debt: number;
}

export async function getAccountFigures(read: Reader, brandId: string): Promise<AccountFigures> {
  const [row] = await read.all<AccountFigures>(sql`select a.granted, a.available, a.reserved, a.used, a.expired,
    a.clawed_back, a.debt from credit_accounts a where a.brand_id = ${brandId}`);
  return row ?? { granted: 0, available: 0, reserved: 0, used: 0, expired: 0, clawed_back: 0, debt: 0 };
}

/** Lists the holds that did not end exactly once and for their whole amount. */
export function findUnendedHolds(read: Reader, brandId: string): Promise<object[]> {
  return read.all(sql`select e.message_id, e.lot_id,
      sum(case when e.kind = 'HOLD' then e.amount else 0 end) as held,
      sum(case when e.kind in ('SETTLE', 'RELEASE') then e.amount else 0 end) as ended, max(coalesce(h.amount, 0)) as open
    from ledger_entries e left join credit_holds h on h.message_id = e.message_id and h.lot_id = e.lot_id
    where e.brand_id = ${brandId} and e.message_id is not null and e.kind in ('HOLD', 'SETTLE', 'RELEASE')
    group by e.message_id, e.lot_id
    having sum(case when e.kind = 'HOLD' then e.amount else 0 end)
      <> sum(case when e.kind in ('SETTLE', 'RELEASE') then e.amount else 0 end) + max(coalesce(h.amount, 0))`);
}
