import type { Instant } from "../clock.ts";
import type { LedgerKey } from "../secrets.ts";

/** All that an entry says. */
export interface EntryFields {
  id: string;
  brandId: string;
  seq: number;
  kind: string;
  amount: number;
  lotId: string;
  creditType: string | null;
  campaignId: string | null;
  messageId: string | null;
  reason: string | null;
  actorId: string | null;
  createdAt: Instant;
}

/** What an account's seal covers. */
export interface AccountFields {
  brandId: string;
  entries: number;
  /** The chain over the seals of all entries, up to the last: see `chained`. */
  head: string;
  granted: number;
  available: number;
  reserved: number;
  used: number;
  expired: number;
  clawedBack: number;
  debt: number;
}

/** What a lot's seal covers. What is left in it follows from the entries. */
export interface LotFields {
  id: string;
  brandId: string;
  kind: string;
  granted: number;
  expiresAt: Instant | null;
  source: string | null;
  createdAt: Instant;
}

/** The head of a brand without entries. */
export const NO_HEAD = "";

// A seal is `<key id>.<HMAC-SHA-256, 128 bits>`. What is sealed begins with what it is, so that no seal of one kind of row
// fits another, and names its brand, so that none fits another brand's.

export function sealEntry(key: LedgerKey, entry: EntryFields): string {
  const { id, brandId, seq, kind, amount, lotId, creditType, campaignId, messageId, reason, actorId, createdAt } =
    entry;
  return key.seal(
    JSON.stringify([
      "entry",
      id,
      brandId,
      seq,
      kind,
      amount,
      lotId,
      creditType,
      campaignId,
      messageId,
      reason,
      actorId,
      createdAt,
    ]),
  );
}

export function sealAccount(key: LedgerKey, account: AccountFields): string {
  const { brandId, entries, head, granted, available, reserved, used, expired, clawedBack, debt } = account;
  const pockets = [granted, available, reserved, used, expired, clawedBack, debt];
  return key.seal(JSON.stringify(["account", brandId, entries, head, ...pockets]));
}

export function sealLot(key: LedgerKey, lot: LotFields): string {
  const { id, brandId, kind, granted, expiresAt, source, createdAt } = lot;
  return key.seal(JSON.stringify(["lot", id, brandId, kind, granted, expiresAt, source, createdAt]));
}

/** The id of the key that a seal was made with. */
export function keyIdOf(seal: string): string {
  return seal.slice(0, Math.max(0, seal.indexOf(".")));
}

/**
 * Returns the head of a brand's entries with one more: SHA-256 over the head before and the entry's seal. It needs no key,
 * because the seals have one, and pins all entries before: who knows the head of a time knows which entries there were.
 */
export function chained(head: string, seal: string): string {
  return Bun.SHA256.hash(head + seal, "base64url");
}
