import type { LedgerKey } from "../secrets.ts";
import type { EntryFault } from "./entryFaults.ts";
import type { BrandFold, LotFold } from "./fold.ts";
import { type AccountFields, keyIdOf, type LotFields, sealAccount, sealLot } from "./seal.ts";

export type SealedAccount = AccountFields & { seal: string };
export type SealedLot = LotFields & { seal: string };

/** Whether a row that carries a seal is what was sealed with this key. */
export const isSealedAccount = (key: LedgerKey, account: SealedAccount) => sealAccount(key, account) === account.seal;

/**
 * Says what is wrong with an account's row itself, and with the entries as a whole that it was sealed over; null when
 * nothing is. Gaps and single entries are named elsewhere.
 */
export function accountFault(key: LedgerKey, account: SealedAccount, fold: BrandFold | undefined): EntryFault | null {
  const { brandId, entries: seq } = account;
  const base = { brandId, subject: "ACCOUNT", entryId: null, seq, difference: null } as const;
  if (!isSealedAccount(key, account)) {
    if (keyIdOf(account.seal) !== key.id && keyIdOf(account.seal) !== "")
      return { ...base, fault: "OTHER_KEY", detail: `was sealed with another key (${keyIdOf(account.seal)})` };
    const asFolded = fold && { ...account, ...fold.pockets, entries: fold.entries, head: fold.head };
    const isFolded = asFolded !== undefined && sealAccount(key, asFolded) === account.seal;
    return isFolded
      ? { ...base, fault: "CHANGED", detail: "the account was changed: its seal fits what the entries say" }
      : { ...base, fault: "FORGED", detail: "the account is forged: its seal is not of what it says" };
  }
  if (fold && fold.provedUpTo > seq)
    return {
      ...base,
      fault: "REPLAYED",
      detail: `the account is an earlier one put back: it counts ${seq} entries, and there is a sealed one with the number ${fold.provedUpTo}`,
    };
  const areAllProved = (fold?.proved ?? 0) === seq && (fold?.entries ?? 0) === seq;
  if (areAllProved && (fold?.head ?? "") !== account.head)
    return {
      ...base,
      fault: "REPLAYED",
      detail: "one of the entries is another that was sealed for the same number, in a copy of this database",
    };
  return null;
}

/** Says what is wrong with the row of a lot; null when nothing is. */
export function lotFault(key: LedgerKey, lot: SealedLot, fold: LotFold | undefined): EntryFault | null {
  const base = { brandId: lot.brandId, subject: "LOT", entryId: null, seq: 0, difference: null } as const;
  if (sealLot(key, lot) !== lot.seal) {
    if (keyIdOf(lot.seal) !== key.id && keyIdOf(lot.seal) !== "")
      return {
        ...base,
        fault: "OTHER_KEY",
        detail: `lot ${lot.id} was sealed with another key (${keyIdOf(lot.seal)})`,
      };
    const asGranted = { ...lot, granted: fold?.granted ?? lot.granted };
    if (fold === undefined) return { ...base, fault: "INSERTED", detail: `lot ${lot.id} was put in by hand` };
    return sealLot(key, asGranted) === lot.seal
      ? { ...base, fault: "CHANGED", detail: `lot ${lot.id} was changed: it was not granted as much` }
      : { ...base, fault: "FORGED", detail: `lot ${lot.id} is forged: its seal is not of what it says` };
  }
  const { expiresAt } = lot;
  const expiredAt = fold?.expiredAt ?? null;
  if (expiredAt !== null && (expiresAt === null || expiresAt > expiredAt))
    return {
      ...base,
      fault: "REPLAYED",
      detail: `lot ${lot.id} is an earlier one put back: credits of it have expired, and it says that they do later`,
    };
  return null;
}
