import { EFFECTS, type EntryKind, LOT_EFFECTS, LOT_POCKETS, type LotPocket, POCKETS, type Pocket } from "./books.ts";
import type { EntryFields } from "./seal.ts";

/** What the entries of one brand come to. */
export interface BrandFold {
  pockets: Record<Pocket, number>;
  entries: number;
  /** The sum of the entries' numbers: with their count it shows a gap or a double. */
  seqs: number;
}

export type LotFold = Record<LotPocket, number>;
export interface CampaignFold {
  reserved: number;
  used: number;
  released: number;
}

const isKind = (kind: string): kind is EntryKind => kind in EFFECTS;

/** Adds entries up. It grows with the brands, lots and campaigns, not with the entries. */
export class Fold {
  readonly brands = new Map<string, BrandFold>();
  readonly lots = new Map<string, LotFold>();
  /** By `<campaign id> <credit type>`. */
  readonly campaigns = new Map<string, CampaignFold>();
  entries = 0;

  add({ brandId, seq, kind, amount, lotId, campaignId, creditType }: EntryFields): void {
    this.entries++;
    const brand = this.brands.get(brandId) ?? newBrand();
    this.brands.set(brandId, brand);
    brand.entries++;
    brand.seqs += seq;
    // A kind that does not exist moves nothing: what it moved when it had its right one will be missing.
    if (!isKind(kind)) return;
    const effects = EFFECTS[kind];
    for (const pocket of POCKETS) brand.pockets[pocket] += amount * (effects[pocket] ?? 0);
    const lot = this.lots.get(lotId) ?? { remaining: 0, expired: 0, repaid: 0 };
    this.lots.set(lotId, lot);
    for (const pocket of LOT_POCKETS) lot[pocket] += amount * (LOT_EFFECTS[kind][pocket] ?? 0);
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
  const pockets = { granted: 0, available: 0, reserved: 0, used: 0, expired: 0, clawedBack: 0, debt: 0 };
  return { pockets, entries: 0, seqs: 0 };
}
