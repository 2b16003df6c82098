import { sql } from "drizzle-orm";
import type { Reader } from "../db/store.ts";
import { EFFECTS, type EntryKind } from "./books.ts";

/** One figure that does not follow from the entries. Thousandths of a credit. */
export interface Drift {
  brandId: string;
  what: string;
  expected: number;
  found: number;
}

export interface Verdict {
  ok: boolean;
  brands: number;
  entries: number;
  drifts: Drift[];
}

interface Account {
  brand_id: string;
  granted: number;
  available: number;
  reserved: number;
  used: number;
  expired: number;
  clawed_back: number;
  debt: number;
}

const COLUMN = {
  granted: "granted",
  available: "available",
  reserved: "reserved",
  used: "used",
  expired: "expired",
  clawedBack: "clawed_back",
  debt: "debt",
} as const;
type Pocket = keyof typeof COLUMN;

/** `sum()` and 64-bit sums come back as text from Postgres. */
const number = (value: unknown) => Number(value ?? 0);

/**
 * Proves the books: folds every ledger entry and holds the result against the accounts, the lots, the open holds and
 * the identity granted = available + reserved + used + expired + clawed back. Names each figure that differs.
 */
export async function verifyLedger(read: Reader): Promise<Verdict> {
  const drifts: Drift[] = [];
  const compare = (brandId: string, what: string, expected: number, found: number) => {
    if (expected !== found) drifts.push({ brandId, what, expected, found });
  };

  const sums = await read.all<{ brand_id: string; kind: EntryKind; amount: unknown; entries: unknown }>(
    sql`select brand_id, kind, sum(amount) as amount, count(*) as entries from ledger_entries group by brand_id, kind`,
  );
  const folded = new Map<string, Record<Pocket, number>>();
  for (const { brand_id, kind, amount } of sums) {
    const pockets = folded.get(brand_id) ?? {
      granted: 0,
      available: 0,
      reserved: 0,
      used: 0,
      expired: 0,
      clawedBack: 0,
      debt: 0,
    };
    folded.set(brand_id, pockets);
    for (const [pocket, sign] of Object.entries(EFFECTS[kind]) as [Pocket, number][])
      pockets[pocket] += sign * number(amount);
  }

  const accounts = await read.all<Account>(sql`select * from credit_accounts`);
  for (const account of accounts) {
    const fold = folded.get(account.brand_id);
    for (const pocket of Object.keys(COLUMN) as Pocket[]) {
      compare(account.brand_id, `account ${pocket}`, fold?.[pocket] ?? 0, number(account[COLUMN[pocket]]));
    }
    const { granted, available, reserved, used, expired, clawed_back } = account;
    compare(account.brand_id, "identity", granted, available + reserved + used + expired + clawed_back);
    folded.delete(account.brand_id);
  }
  for (const [brandId, fold] of folded) compare(brandId, "account is missing", fold.granted, 0);

  const lots = await read.all<{ id: string; brand_id: string; remaining: number; fold: unknown }>(sql`
    select l.id, l.brand_id, l.remaining, coalesce(e.fold, 0) as fold from credit_lots l left join (
      select lot_id, sum(case when kind in ('GRANT', 'RELEASE', 'REVIVE', 'RETURN') then amount when kind in ('HOLD', 'CHARGE', 'EXPIRE', 'CLAWBACK', 'REPAY') then -amount else 0 end) as fold
      from ledger_entries group by lot_id) e on e.lot_id = l.id`);
  for (const lot of lots) compare(lot.brand_id, `lot ${lot.id} remaining`, number(lot.fold), lot.remaining);

  const holds = await read.all<{ brand_id: string; held: unknown; reserved: unknown }>(sql`
    select a.brand_id, a.reserved, coalesce((select sum(h.amount) from credit_holds h where h.brand_id = a.brand_id), 0) as held from credit_accounts a`);
  for (const row of holds) compare(row.brand_id, "open holds", number(row.reserved), number(row.held));

  return {
    ok: drifts.length === 0,
    brands: accounts.length,
    entries: sums.reduce((total, row) => total + number(row.entries), 0),
    drifts,
  };
}
