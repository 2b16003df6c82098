import type { Instant } from "../../lib/clock.ts";
import type { LedgerKey } from "../../lib/crypto/secrets.ts";

/** The fields that the MAC of an entry covers. */
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

/** The fields that the MAC of an account covers. */
export interface AccountFields {
  brandId: string;
  entries: number;
  /** The hash chain over the MACs of all entries: see `chained`. */
  head: string;
  granted: number;
  available: number;
  reserved: number;
  used: number;
  expired: number;
  clawedBack: number;
  debt: number;
}

/** The fields that the MAC of a lot covers. Its balances follow from the entries. */
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
export const EMPTY_HEAD = "";

// A MAC is `<key id>.<HMAC-SHA-256, 128 bits>`. The text begins with the kind of row and contains its brand, so that no MAC is
// valid for a row of another kind or brand.

export function entryMac(key: LedgerKey, entry: EntryFields): string {
  const { id, brandId, seq, kind, amount, lotId, creditType, campaignId, messageId, reason, actorId, createdAt } =
    entry;
  return key.mac(
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

export function accountMac(key: LedgerKey, account: AccountFields): string {
  const { brandId, entries, head, granted, available, reserved, used, expired, clawedBack, debt } = account;
  const balances = [granted, available, reserved, used, expired, clawedBack, debt];
  return key.mac(JSON.stringify(["account", brandId, entries, head, ...balances]));
}

export function lotMac(key: LedgerKey, lot: LotFields): string {
  const { id, brandId, kind, granted, expiresAt, source, createdAt } = lot;
  return key.mac(JSON.stringify(["lot", id, brandId, kind, granted, expiresAt, source, createdAt]));
}

/** Returns the id of the key that a MAC was made with. */
export function macKeyId(seal: string): string {
  return seal.slice(0, Math.max(0, seal.indexOf(".")));
}

/**
 * Returns the head after one more entry: SHA-256 over the previous head and the MAC of the entry. It needs no key, because the
 * MACs have one, and depends on all entries before: a recorded head proves which entries existed at that time.
 */
export function nextHead(head: string, seal: string): string {
  return Bun.SHA256.hash(head + seal, "base64url");
}
