import type { LedgerKey } from "../secrets.ts";
import type { EntryFault } from "./entryFaults.ts";
import type { BrandFold, LotFold } from "./fold.ts";
import { type AccountFields, keyIdOf, type LotFields, sealAccount, sealLot } from "./seal.ts";

export type SealedAccount = AccountFields & { seal: string };
export type SealedLot = LotFields & { seal: string };

/** Checks that an account has the MAC of its fields, made with this key. */
export const isSealedAccount = (key: LedgerKey, account: SealedAccount) => sealAccount(key, account) === account.seal;

/**
 * Checks the row of an account, and that its head belongs to the entries; null when both are intact. Gaps and single entries
 * are reported by `nameFaults`.
 */
export function accountFault(key: LedgerKey, account: SealedAccount, fold: BrandFold | undefined): EntryFault | null {
  const { brandId, entries: seq } = account;
  const base = { brandId, subject: "ACCOUNT", entryId: null, seq, difference: null } as const;
  if (!isSealedAccount(key, account)) {
    if (keyIdOf(account.seal) !== key.id && keyIdOf(account.seal) !== "")
      return { ...base, fault: "OTHER_KEY", detail: `was signed with another key (${keyIdOf(account.seal)})` };
    const recomputed = fold && { ...account, ...fold.pockets, entries: fold.entries, head: fold.head };
    const isRecomputed = recomputed !== undefined && sealAccount(key, recomputed) === account.seal;
    return isRecomputed
      ? { ...base, fault: "CHANGED", detail: "the account was changed: its MAC matches the sum of the entries" }
      : { ...base, fault: "FORGED", detail: "the account is forged: its MAC does not match its fields" };
  }
  if (fold && fold.provedUpTo > seq)
    return {
      ...base,
      fault: "REPLAYED",
      detail: `the account is an earlier version: it counts ${seq} entries, and entry ${fold.provedUpTo} exists with a valid MAC`,
    };
  const areAllVerified = (fold?.proved ?? 0) === seq && (fold?.entries ?? 0) === seq;
  if (areAllVerified && (fold?.head ?? "") !== account.head)
    return {
      ...base,
      fault: "REPLAYED",
      detail: "an entry was replaced by one that was written with the same number in a copy of this database",
    };
  return null;
}

/** Checks the row of a lot; null when it is intact. */
export function lotFault(key: LedgerKey, lot: SealedLot, fold: LotFold | undefined): EntryFault | null {
  const base = { brandId: lot.brandId, subject: "LOT", entryId: null, seq: 0, difference: null } as const;
  if (sealLot(key, lot) !== lot.seal) {
    if (keyIdOf(lot.seal) !== key.id && keyIdOf(lot.seal) !== "")
      return {
        ...base,
        fault: "OTHER_KEY",
        detail: `lot ${lot.id} was signed with another key (${keyIdOf(lot.seal)})`,
      };
    const asGranted = { ...lot, granted: fold?.granted ?? lot.granted };
    if (fold === undefined)
      return { ...base, fault: "INSERTED", detail: `lot ${lot.id} was inserted: no entry granted it` };
    return sealLot(key, asGranted) === lot.seal
      ? { ...base, fault: "CHANGED", detail: `lot ${lot.id} was changed: another amount was granted` }
      : { ...base, fault: "FORGED", detail: `lot ${lot.id} is forged: its MAC does not match its fields` };
  }
  const { expiresAt } = lot;
  const expiredAt = fold?.expiredAt ?? null;
  if (expiredAt !== null && (expiresAt === null || expiresAt > expiredAt))
    return {
      ...base,
      fault: "REPLAYED",
      detail: `lot ${lot.id} is an earlier version: credits of it have expired before the expiry that it names`,
    };
  return null;
}
