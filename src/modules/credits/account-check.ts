import type { LedgerKey } from "../../lib/crypto/secrets.ts";
import type { BrandFold, LotFold } from "./fold.ts";
import { type AccountFields, accountMac, type LotFields, lotMac, macKeyId } from "./mac.ts";
import type { TamperFinding } from "./tamper-report.ts";

export type StoredAccount = AccountFields & { seal: string };
export type StoredLot = LotFields & { seal: string };

/** Checks that an account has the MAC of its fields, made with this key. */
export const hasValidMac = (key: LedgerKey, account: StoredAccount) => accountMac(key, account) === account.seal;

/**
 * Checks the row of an account, and that its head belongs to the entries; null when both are intact. Gaps and single entries
 * are reported by `explainSuspects`.
 */
export function checkAccount(
  key: LedgerKey,
  account: StoredAccount,
  fold: BrandFold | undefined,
): TamperFinding | null {
  const { brandId, entries: seq } = account;
  const base = { brandId, subject: "ACCOUNT", entryId: null, seq, difference: null } as const;
  if (!hasValidMac(key, account)) {
    if (macKeyId(account.seal) !== key.id && macKeyId(account.seal) !== "")
      return { ...base, fault: "OTHER_KEY", detail: `was signed with another key (${macKeyId(account.seal)})` };
    const recomputed = fold && { ...account, ...fold.balances, entries: fold.entries, head: fold.head };
    const isRecomputed = recomputed !== undefined && accountMac(key, recomputed) === account.seal;
    return isRecomputed
      ? { ...base, fault: "CHANGED", detail: "the account was changed: its MAC matches the sum of the entries" }
      : { ...base, fault: "FORGED", detail: "the account is forged: its MAC does not match its fields" };
  }
  if (fold && fold.lastVerifiedSeq > seq)
    return {
      ...base,
      fault: "REPLAYED",
      detail: `the account is an earlier version: it counts ${seq} entries, and entry ${fold.lastVerifiedSeq} exists with a valid MAC`,
    };
  const areAllVerified = (fold?.verifiedEntries ?? 0) === seq && (fold?.entries ?? 0) === seq;
  if (areAllVerified && (fold?.head ?? "") !== account.head)
    return {
      ...base,
      fault: "REPLAYED",
      detail: "an entry was replaced by one that was written with the same number in a copy of this database",
    };
  return null;
}

/** Checks the row of a lot; null when it is intact. */
export function checkLot(key: LedgerKey, lot: StoredLot, fold: LotFold | undefined): TamperFinding | null {
  const base = { brandId: lot.brandId, subject: "LOT", entryId: null, seq: 0, difference: null } as const;
  if (lotMac(key, lot) !== lot.seal) {
    if (macKeyId(lot.seal) !== key.id && macKeyId(lot.seal) !== "")
      return {
        ...base,
        fault: "OTHER_KEY",
        detail: `lot ${lot.id} was signed with another key (${macKeyId(lot.seal)})`,
      };
    const asGranted = { ...lot, granted: fold?.granted ?? lot.granted };
    if (fold === undefined)
      return { ...base, fault: "INSERTED", detail: `lot ${lot.id} was inserted: no entry granted it` };
    return lotMac(key, asGranted) === lot.seal
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
