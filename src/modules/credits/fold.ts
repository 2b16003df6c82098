import type { Instant } from "../../lib/clock.ts";
import {
  BALANCE_FIELDS,
  type BalanceField,
  EFFECTS,
  type EntryKind,
  LOT_EFFECTS,
  LOT_FIELDS,
  type LotField,
} from "./effects.ts";
import { EMPTY_HEAD, type EntryFields, nextHead } from "./mac.ts";

/** The sums over the entries of one brand. */
export interface BrandFold {
  balances: Record<BalanceField, number>;
  entries: number;
  /** The sum of the entries' numbers, which with their count reveals a gap. */
  seqSum: number;
  /** The hash chain over their MACs, in the order of their numbers. */
  head: string;
  /** The number of entries with a valid MAC, and the highest number of one. */
  verifiedEntries: number;
  lastVerifiedSeq: number;
}

export interface LotFold extends Record<LotField, number> {
  brandId: string;
  granted: number;
  /** Time when credits of it expired first. */
  expiredAt: Instant | null;
}
export interface CampaignFold {
  reserved: number;
  used: number;
  released: number;
}

const isKind = (kind: string): kind is EntryKind => kind in EFFECTS;

/** Sums entries. Its memory grows with the brands, lots and campaigns, not with the entries. */
export class LedgerFold {
  readonly brands = new Map<string, BrandFold>();
  readonly lots = new Map<string, LotFold>();
  /** Keyed by `<campaign id> <credit type>`. */
  readonly campaigns = new Map<string, CampaignFold>();
  entries = 0;

  /** Adds an entry, in the order of each brand's numbers. `isVerified`: `seal` is the valid MAC of the entry. */
  add(entry: EntryFields, seal: string, isVerified: boolean): void {
    const { brandId, seq, kind, amount, lotId, campaignId, creditType, createdAt } = entry;
    this.entries++;
    const brand = this.brands.get(brandId) ?? newBrand();
    this.brands.set(brandId, brand);
    brand.entries++;
    brand.seqSum += seq;
    brand.head = nextHead(brand.head, seal);
    if (isVerified) {
      brand.verifiedEntries++;
      brand.lastVerifiedSeq = seq;
    }
    // An unknown kind moves nothing: the effect of the original kind then shows up as a mismatch.
    if (!isKind(kind)) return;
    const effects = EFFECTS[kind];
    for (const field of BALANCE_FIELDS) brand.balances[field] += amount * (effects[field] ?? 0);
    const lot = this.lots.get(lotId) ?? newLot(brandId);
    this.lots.set(lotId, lot);
    if (kind === "GRANT") lot.granted += amount;
    if (kind === "EXPIRE") lot.expiredAt = Math.min(lot.expiredAt ?? createdAt, createdAt);
    for (const field of LOT_FIELDS) lot[field] += amount * (LOT_EFFECTS[kind][field] ?? 0);
    if (campaignId === null || creditType === null) return;
    const key = `${campaignId} ${creditType}`;
    const campaign = this.campaigns.get(key) ?? { reserved: 0, used: 0, released: 0 };
    this.campaigns.set(key, campaign);
    campaign.reserved += amount * (effects.reserved ?? 0);
    campaign.used += amount * (effects.used ?? 0);
    if (kind === "RELEASE") campaign.released += amount;
  }
}

function newBrand(): BrandFold {
  const balances = { granted: 0, available: 0, reserved: 0, used: 0, expired: 0, clawedBack: 0, debt: 0 };
  return { balances, entries: 0, seqSum: 0, head: EMPTY_HEAD, verifiedEntries: 0, lastVerifiedSeq: 0 };
}

function newLot(brandId: string): LotFold {
  return { brandId, granted: 0, remaining: 0, expired: 0, repaid: 0, expiredAt: null };
}
