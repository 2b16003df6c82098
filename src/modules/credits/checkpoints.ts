import type { LedgerFold } from "./fold.ts";
import type { EntryFields } from "./mac.ts";
import type { TamperFinding } from "./tamper-report.ts";

/** The state of a brand's ledger that an anchor recorded. */
export interface Checkpoint {
  brandId: string;
  /** The number of entries. */
  entries: number;
  head: string;
  /** The time of the record, ISO 8601. */
  at: string;
}

/** Compares a ledger, read from its beginning, with the states that anchors recorded. */
export class Checkpoints {
  /** Checkpoints by brand, then by the number of entries. */
  readonly #expected = new Map<string, Map<number, Checkpoint>>();
  readonly #missed = new Map<string, Checkpoint>();

  constructor(checkpoints: Iterable<Checkpoint> = []) {
    for (const checkpoint of checkpoints) {
      const ofBrand = this.#expected.get(checkpoint.brandId) ?? new Map<number, Checkpoint>();
      this.#expected.set(checkpoint.brandId, ofBrand);
      // Two anchors with the same count are equal unless the database was rolled back between them: the earlier one is
      // used.
      if (!ofBrand.has(checkpoint.entries)) ofBrand.set(checkpoint.entries, checkpoint);
    }
  }

  /** Checks the head of the chain at an entry. */
  check({ brandId, seq }: EntryFields, head: string): void {
    const checkpoint = this.#expected.get(brandId)?.get(seq);
    if (checkpoint && checkpoint.head !== head && !this.#missed.has(brandId)) this.#missed.set(brandId, checkpoint);
  }

  /** Lists the brands whose ledger does not continue the recorded state. */
  findings(fold: LedgerFold, only: string | null): TamperFinding[] {
    const faults: TamperFinding[] = [];
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
          detail: `the anchor of ${longest.at} counts ${longest.entries} entries, and there are ${there}: the database was rolled back`,
        });
      else if (missed)
        faults.push({
          ...base,
          seq: missed.entries,
          detail: `the anchor of ${missed.at} has other entries up to number ${missed.entries}: the ledger is no continuation of it`,
        });
    }
    return faults;
  }
}
