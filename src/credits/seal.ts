import type { Instant } from "../clock.ts";

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

const sha256 = new Bun.CryptoHasher("sha256");

/**
 * The digest that an entry carries, so that one changed by hand no longer fits itself: the first six bytes of the SHA-256
 * of its fields as a JSON list. Anyone can work it out again with any tool; it finds mistakes and meddling, not forgers.
 */
export function sealOf(entry: EntryFields): number {
  const { id, brandId, seq, kind, amount, lotId, creditType, campaignId, messageId, reason, actorId, createdAt } =
    entry;
  const fields = [id, brandId, seq, kind, amount, lotId, creditType, campaignId, messageId, reason, actorId, createdAt];
  sha256.update(JSON.stringify(fields));
  return sha256.digest().readUIntBE(0, 6);
}
