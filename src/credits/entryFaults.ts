import { sql } from "drizzle-orm";
import { ENTRY_KINDS } from "../db/schema/credits.ts";
import type { Reader } from "../db/store.ts";
import type { LedgerKey } from "../secrets.ts";
import { toCredits } from "./amounts.ts";
import { EFFECTS, type EntryKind, POCKETS, type Pocket } from "./effects.ts";
import { type EntryFields, sealEntry } from "./seal.ts";

/**
 * CHANGED: the row says something else than what was sealed. FORGED: its seal was not made with the key either. INSERTED:
 * there was never an entry of that number. MISSING: it is gone. REPLAYED: it is an earlier state, sealed then and put back.
 * OTHER_KEY: sealed with another key than the one there is. ROLLED_BACK: an anchor knows more than the database.
 */
export const FAULTS = ["CHANGED", "FORGED", "INSERTED", "MISSING", "REPLAYED", "OTHER_KEY", "ROLLED_BACK"] as const;

/** A row of the ledger that is not what was written, or that is gone. */
export interface EntryFault {
  brandId: string;
  subject: "ENTRY" | "ACCOUNT" | "LOT";
  /** Null for an entry that is gone, and for what is no entry. */
  entryId: string | null;
  /** The entry's number; for an account how many entries it counts; 0 for a lot. */
  seq: number;
  fault: (typeof FAULTS)[number];
  /** By how much the ledger says too much (or too little, below zero); null where that cannot be told. Thousandths. */
  difference: number | null;
  detail: string;
}

/** How far the fold of a brand's entries lies above its balances. */
export type BrandDrift = Partial<Record<Pocket, number>>;

export type SealedEntry = EntryFields & { seal: string };

/** What a proof found odd about the entries of a brand. */
export interface BrandSuspects {
  /** How many entries its account counts. */
  entries: number;
  /** Whether the seals its entries carry are those that the account was sealed over. */
  areSealsWhole: boolean;
  /** Whether its entries are not numbered from 1 to that count. */
  isMiscounted: boolean;
  drift: BrandDrift;
}

export interface Suspects {
  /** Entries that do not fit their seal. */
  entries: SealedEntry[];
  brands: Map<string, BrandSuspects>;
}

/** Gaps looked for in one brand at most. */
const LOOKED_FOR = 100;

/** Says of each odd entry what was done to it. */
export async function nameFaults(read: Reader, { entries, brands }: Suspects): Promise<EntryFault[]> {
  const gaps = new Map<string, number[]>();
  for (const [brandId, brand] of brands)
    if (brand.isMiscounted) gaps.set(brandId, await missingIn(read, brandId, brand.entries));
  const faults: EntryFault[] = [];
  const moved = new Set<string>();
  for (const entry of entries) {
    const brand = brands.get(entry.brandId);
    const was = before(read.ledgerKey, entry, brand?.drift ?? {}, gaps, await lotsNear(read, entry));
    if (was) moved.add(`${was.brandId} ${was.seq}`);
    faults.push(was ? changed(entry, was) : unexplained(entry, brand));
  }
  for (const [brandId, seqs] of gaps) {
    const missing = seqs.filter((seq) => !moved.has(`${brandId} ${seq}`));
    const lost = missing.length === 1 && !entries.some((entry) => entry.brandId === brandId);
    const said = lost ? guess(brands.get(brandId)?.drift ?? {}) : null;
    for (const seq of missing) {
      const detail = said ? `is gone: a ${said.kind} of ${toCredits(said.amount)} credits` : "is gone";
      const difference = said ? -said.amount : null;
      faults.push({ brandId, subject: "ENTRY", entryId: null, seq, fault: "MISSING", difference, detail });
    }
  }
  return faults;
}

/** The numbers that a brand's entries lack, up to the one its account counted to. */
async function missingIn(read: Reader, brandId: string, entries: number): Promise<number[]> {
  const holes = await read.all<{ seq: unknown; next: unknown }>(sql`select n.seq, n.next from (
      select e.seq, lead(e.seq, 1, ${entries + 1}) over (order by e.seq) as next
      from (select 0 as seq union all select x.seq from ledger_entries x where x.brand_id = ${brandId} and x.seq > 0) e) n
    where n.next > n.seq + 1 and n.seq <= ${entries} order by n.seq limit ${LOOKED_FOR}`);
  const missing: number[] = [];
  for (const hole of holes) {
    const end = Math.min(Number(hole.next), entries + 1);
    for (let seq = Number(hole.seq) + 1; seq < end && missing.length < LOOKED_FOR; seq++) missing.push(seq);
  }
  return missing;
}

async function lotsNear(read: Reader, { brandId }: EntryFields): Promise<string[]> {
  const rows = await read.all<{ id: string }>(
    sql`select l.id from credit_lots l where l.brand_id = ${brandId} limit 1000`,
  );
  return rows.map(({ id }) => id);
}

/** The entry as it was written, if one change explains it: its seal tells when the right one is found. */
function before(
  key: LedgerKey,
  entry: SealedEntry,
  drift: BrandDrift,
  gaps: ReadonlyMap<string, readonly number[]>,
  lotIds: readonly string[],
): EntryFields | null {
  const { seal, ...fields } = entry;
  const amounts = Object.values(drift).flatMap((by) => [entry.amount - by, entry.amount + by]);
  const candidates: EntryFields[] = [
    ...amounts.map((amount) => ({ ...fields, amount })),
    ...ENTRY_KINDS.flatMap((kind) => [entry.amount, ...amounts].map((amount) => ({ ...fields, kind, amount }))),
    ...lotIds.map((lotId) => ({ ...fields, lotId })),
    ...[...gaps].flatMap(([brandId, seqs]) => [fields.seq, ...seqs].map((seq) => ({ ...fields, brandId, seq }))),
  ];
  return candidates.find((candidate) => sealEntry(key, candidate) === seal) ?? null;
}

function changed(entry: EntryFields, was: EntryFields): EntryFault {
  const { brandId, id: entryId, seq } = entry;
  const said: string[] = [];
  if (was.amount !== entry.amount) said.push(`${toCredits(was.amount)} credits`);
  if (was.kind !== entry.kind) said.push(was.kind);
  if (was.lotId !== entry.lotId) said.push(`lot ${was.lotId}`);
  if (was.brandId !== entry.brandId) said.push(`brand ${was.brandId}`);
  if (was.seq !== entry.seq) said.push(`number ${was.seq}`);
  const now = `a ${entry.kind} of ${toCredits(entry.amount)} credits`;
  const detail = `was changed: it is ${now}, and was written as ${said.join(", ")}`;
  const difference = was.amount === entry.amount ? entry.amount : entry.amount - was.amount;
  return { brandId, subject: "ENTRY", entryId, seq, fault: "CHANGED", difference, detail };
}

/** One whose seal fits nothing that it may have been. */
function unexplained(entry: EntryFields, brand: BrandSuspects | undefined): EntryFault {
  const { brandId, id: entryId, seq, kind, amount } = entry;
  const now = `a ${kind} of ${toCredits(amount)} credits`;
  const base = { brandId, subject: "ENTRY", entryId, seq } as const;
  if (!brand || seq < 1 || seq > brand.entries)
    return { ...base, fault: "INSERTED", difference: amount, detail: `was put in by hand: ${now}` };
  // The account was sealed over the very seals that are there: this one was made here, and the rest of the row was not.
  if (brand.areSealsWhole)
    return { ...base, fault: "CHANGED", difference: null, detail: `was changed: it is ${now} now` };
  return {
    ...base,
    fault: "FORGED",
    difference: null,
    detail: `is forged: ${now}, and nothing that was sealed says so`,
  };
}

/** The one entry whose absence explains how far the fold lies from the balances. */
function guess(drift: BrandDrift): { kind: EntryKind; amount: number } | null {
  for (const kind of ENTRY_KINDS) {
    const effects = EFFECTS[kind];
    const [pocket] = POCKETS.filter((pocket) => effects[pocket] !== undefined);
    if (!pocket) continue;
    const amount = -(drift[pocket] ?? 0) * (effects[pocket] ?? 1);
    if (amount > 0 && POCKETS.every((pocket) => (drift[pocket] ?? 0) === -amount * (effects[pocket] ?? 0)))
      return { kind, amount };
  }
  return null;
}
