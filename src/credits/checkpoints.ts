import type { EntryFault } from "./entryFaults.ts";
import type { Fold } from "./fold.ts";
import type { EntryFields } from "./seal.ts";

/** What an anchor says of a brand's ledger. */
export interface Checkpoint {
  brandId: string;
  /** How many entries there were. */
  entries: number;
  head: string;
  /** When: ISO 8601. */
  at: string;
}

/** Holds a ledger that is read from its beginning against what anchors said of it at earlier times. */
export class Checkpoints {
  /** By brand, then by the number of entries. */
  readonly #expected = new Map<string, Map<number, Checkpoint>>();
  readonly #missed = new Map<string, Checkpoint>();

  constructor(checkpoints: Iterable<Checkpoint> = []) {
    for (const checkpoint of checkpoints) {
      const ofBrand = this.#expected.get(checkpoint.brandId) ?? new Map<number, Checkpoint>();
      this.#expected.set(checkpoint.brandId, ofBrand);
      // Two anchors of the same count agree, unless the database was rolled back between them: the earlier one counts.
      if (!ofBrand.has(checkpoint.entries)) ofBrand.set(checkpoint.entries, checkpoint);
    }
  }

  /** Passes an entry, with the chain's head at it. */
  pass({ brandId, seq }: EntryFields, head: string): void {
    const checkpoint = this.#expected.get(brandId)?.get(seq);
    if (checkpoint && checkpoint.head !== head && !this.#missed.has(brandId)) this.#missed.set(brandId, checkpoint);
  }

  /** Says of which brands the ledger is no continuation of what was anchored. */
  faults(fold: Fold, only: string | null): EntryFault[] {
    const faults: EntryFault[] = [];
    for (const [brandId, checkpoints] of this.#expected) {
      if (only !== null && brandId !== only) continue;
      const longest = [...checkpoints.values()].reduce((a, b) => (b.entries > a.entries ? b : a));
      const there = fold.brands.get(brandId)?.entries ?? 0;
      const missed = this.#missed.get(brandId);
      const base = { brandId, subject: "ACCOUNT", entryId: null, fault: "ROLLED_BACK", difference: null } as const;
      if (there < longest.entries)
        faults.push({
          ...base,
          seq: longest.entries,
          detail: `the anchor of ${longest.at} counts ${longest.entries} entries, and there are ${there}: this is an earlier state`,
        });
      else if (missed)
        faults.push({
          ...base,
          seq: missed.entries,
          detail: `the anchor of ${missed.at} knows other entries up to number ${missed.entries}: this is no continuation of it`,
        });
    }
    return faults;
  }
}
