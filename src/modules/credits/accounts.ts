import { sql } from "drizzle-orm";
import { creditAccounts } from "../../db/schema/credits.ts";
import { forUpdate, idTable } from "../../db/sql.ts";
import type { Tx } from "../../db/store.ts";
import { type AccountFields, accountMac, EMPTY_HEAD } from "./mac.ts";

/**
 * The accounts that a transaction has locked, with their current values. No other transaction changes them under the lock, so
 * posting movements needs no second read.
 */
const locked = new WeakMap<Tx, Map<string, AccountFields>>();

function getAccountCache(tx: Tx): Map<string, AccountFields> {
  const known = locked.get(tx) ?? new Map<string, AccountFields>();
  locked.set(tx, known);
  return known;
}

/** Creates a brand's account if it has none. */
export async function openAccount(tx: Tx, brandId: string): Promise<void> {
  const empty = { granted: 0, available: 0, reserved: 0, used: 0, expired: 0, clawedBack: 0, debt: 0 };
  const account: AccountFields = { brandId, entries: 0, head: EMPTY_HEAD, ...empty };
  await tx
    .insert(creditAccounts)
    .values({ ...account, seal: accountMac(tx.ledgerKey, account) })
    .onConflictDoNothing();
}

/**
 * Locks accounts until the transaction ends, and returns them by brand. The lock of the account row covers all lots of the
 * brand.
 */
export async function lockAccounts(tx: Tx, brandIds: readonly string[]): Promise<Map<string, AccountFields>> {
  const ids = idTable("b", brandIds);
  const rows =
    await tx.all<AccountFields>(sql`select a.brand_id as "brandId", a.entries, a.head, a.granted, a.available,
      a.reserved, a.used, a.expired, a.clawed_back as "clawedBack", a.debt
    from credit_accounts a where a.brand_id in (select b.id from ${ids}) order by a.brand_id ${forUpdate("a")}`);
  const known = getAccountCache(tx);
  for (const row of rows) known.set(row.brandId, row);
  return new Map(rows.map((row) => [row.brandId, row]));
}

/** Locks accounts and returns them, without a query for those that this transaction has locked before. */
export async function getLockedAccounts(tx: Tx, brandIds: readonly string[]): Promise<Map<string, AccountFields>> {
  const known = getAccountCache(tx);
  const missing = brandIds.filter((brandId) => !known.has(brandId));
  if (missing.length > 0) await lockAccounts(tx, missing);
  return known;
}

/** Updates the values of locked accounts after this transaction has posted movements. */
export function setLockedAccounts(tx: Tx, accounts: readonly AccountFields[]): void {
  const known = getAccountCache(tx);
  for (const account of accounts) known.set(account.brandId, account);
}
