import { sql } from "drizzle-orm";
import { ENTRY_KINDS } from "../../db/schema/credits.ts";
import type { Reader } from "../../db/store.ts";
import type { LedgerKey } from "../../lib/crypto/secrets.ts";
import { toCredits } from "./amounts.ts";
import { BALANCE_FIELDS, type BalanceField, EFFECTS, type EntryKind } from "./effects.ts";
import { type EntryFields, entryMac } from "./mac.ts";

/**
 * CHANGED: the fields differ from those that were written. FORGED: the MAC was not made with the key either. INSERTED: no entry
 * of that number was written. MISSING: the row was deleted. REPLAYED: the row is an earlier version of itself. OTHER_KEY: the
 * MAC was made with another key. ROLLED_BACK: an anchor recorded entries that the database lacks.
 */
export const TAMPER_KINDS = [
  "CHANGED",
  "FORGED",
  "INSERTED",
  "MISSING",
  "REPLAYED",
  "OTHER_KEY",
  "ROLLED_BACK",
] as const;

/** A row of the ledger that was changed outside of the service, or was deleted. */
export interface TamperFinding {
  brandId: string;
  subject: "ENTRY" | "ACCOUNT" | "LOT";
  /** Null for a deleted entry, an account and a lot. */
  entryId: string | null;
  /** The number of the entry; for an account the number of its entries; 0 for a lot. */
  seq: number;
  fault: (typeof TAMPER_KINDS)[number];
  /** The excess in the ledger (negative: the shortage) in thousandths; null when unknown. */
  difference: number | null;
  detail: string;
}

/** The sum of a brand's entries minus its balances, where they differ. */
export type BrandMismatch = Partial<Record<BalanceField, number>>;

export type StoredEntry = EntryFields & { seal: string };

/** The result of checking the account of a brand. */
interface BrandCheck {
  /** The number of entries according to the account. */
  entries: number;
  /** True when the head of the account matches the MACs of its entries. */
  isHeadIntact: boolean;
  /** True when the entries are not numbered from 1 to that count. */
  isMiscounted: boolean;
  mismatch: BrandMismatch;
}

export interface SuspectRows {
  /** Entries whose MAC does not match. */
  suspectEntries: StoredEntry[];
  brands: Map<string, BrandCheck>;
}

/** Missing entries reported for one brand at most. */
const MAX_MISSING = 100;

/** Determines for each suspect entry how it was tampered with. */
export async function explainSuspects(read: Reader, { suspectEntries, brands }: SuspectRows): Promise<TamperFinding[]> {
  const gaps = new Map<string, number[]>();
  for (const [brandId, brand] of brands)
    if (brand.isMiscounted) gaps.set(brandId, await listMissing(read, brandId, brand.entries));
  const faults: TamperFinding[] = [];
  const moved = new Set<string>();
  for (const entry of suspectEntries) {
    const brand = brands.get(entry.brandId);
    const original = findOriginal(read.ledgerKey, entry, brand?.mismatch ?? {}, gaps, await listLotIds(read, entry));
    if (original) moved.add(`${original.brandId} ${original.seq}`);
    faults.push(original ? changedFinding(entry, original) : unexplainedFinding(entry, brand));
  }
  for (const [brandId, seqs] of gaps) {
    const missing = seqs.filter((seq) => !moved.has(`${brandId} ${seq}`));
    const lost = missing.length === 1 && !suspectEntries.some((entry) => entry.brandId === brandId);
    const guessed = lost ? guessMissing(brands.get(brandId)?.mismatch ?? {}) : null;
    for (const seq of missing) {
      const detail = guessed ? `is missing: a ${guessed.kind} of ${toCredits(guessed.amount)} credits` : "is missing";
      const difference = guessed ? -guessed.amount : null;
      faults.push({ brandId, subject: "ENTRY", entryId: null, seq, fault: "MISSING", difference, detail });
    }
  }
  return faults;
}

/** Lists the numbers missing among a brand's entries, up to the count of its account. */
async function listMissing(read: Reader, brandId: string, entries: number): Promise<number[]> {
  const holes = await read.all<{ seq: unknown; next: unknown }>(sql`select n.seq, n.next from (
      select e.seq, lead(e.seq, 1, ${entries + 1}) over (order by e.seq) as next
      from (select 0 as seq union all select x.seq from ledger_entries x where x.brand_id = ${brandId} and x.seq > 0) e) n
    where n.next > n.seq + 1 and n.seq <= ${entries} order by n.seq limit ${MAX_MISSING}`);
  const missing: number[] = [];
  for (const hole of holes) {
    const end = Math.min(Number(hole.next), entries + 1);
    for (let seq = Number(hole.seq) + 1; seq < end && missing.length < MAX_MISSING; seq++) missing.push(seq);
  }
  return missing;
}

async function listLotIds(read: Reader, { brandId }: EntryFields): Promise<string[]> {
  const rows = await read.all<{ id: string }>(
    sql`select l.id from credit_lots l where l.brand_id = ${brandId} limit 1000`,
  );
  return rows.map(({ id }) => id);
}

/** Finds the entry as it was written, if a single change explains it: the MAC confirms the right candidate. */
function findOriginal(
  key: LedgerKey,
  entry: StoredEntry,
  mismatch: BrandMismatch,
  gaps: ReadonlyMap<string, readonly number[]>,
  lotIds: readonly string[],
): EntryFields | null {
  const { seal, ...fields } = entry;
  const amounts = Object.values(mismatch).flatMap((by) => [entry.amount - by, entry.amount + by]);
  const candidates: EntryFields[] = [
    ...amounts.map((amount) => ({ ...fields, amount })),
    ...ENTRY_KINDS.flatMap((kind) => [entry.amount, ...amounts].map((amount) => ({ ...fields, kind, amount }))),
    ...lotIds.map((lotId) => ({ ...fields, lotId })),
    ...[...gaps].flatMap(([brandId, seqs]) => [fields.seq, ...seqs].map((seq) => ({ ...fields, brandId, seq }))),
  ];
  return candidates.find((candidate) => entryMac(key, candidate) === seal) ?? null;
}

function changedFinding(entry: EntryFields, original: EntryFields): TamperFinding {
  const { brandId, id: entryId, seq } = entry;
  const differences: string[] = [];
  if (original.amount !== entry.amount) differences.push(`${toCredits(original.amount)} credits`);
  if (original.kind !== entry.kind) differences.push(original.kind);
  if (original.lotId !== entry.lotId) differences.push(`lot ${original.lotId}`);
  if (original.brandId !== entry.brandId) differences.push(`brand ${original.brandId}`);
  if (original.seq !== entry.seq) differences.push(`number ${original.seq}`);
  const now = `a ${entry.kind} of ${toCredits(entry.amount)} credits`;
  const detail = `was changed: it is ${now}, and was written as ${differences.join(", ")}`;
  const difference = original.amount === entry.amount ? entry.amount : entry.amount - original.amount;
  return { brandId, subject: "ENTRY", entryId, seq, fault: "CHANGED", difference, detail };
}

/** Reports an entry whose MAC matches no candidate. */
function unexplainedFinding(entry: EntryFields, brand: BrandCheck | undefined): TamperFinding {
  const { brandId, id: entryId, seq, kind, amount } = entry;
  const now = `a ${kind} of ${toCredits(amount)} credits`;
  const base = { brandId, subject: "ENTRY", entryId, seq } as const;
  if (!brand || seq < 1 || seq > brand.entries)
    return { ...base, fault: "INSERTED", difference: amount, detail: `was inserted: ${now}` };
  // The head of the account includes the MAC of this entry, so the MAC is genuine and the fields were changed.
  if (brand.isHeadIntact)
    return { ...base, fault: "CHANGED", difference: null, detail: `was changed: it is now ${now}` };
  return {
    ...base,
    fault: "FORGED",
    difference: null,
    detail: `is forged: ${now}, and its MAC matches nothing that was written`,
  };
}

/** Finds the single entry whose absence explains the mismatch between entries and balances. */
function guessMissing(mismatch: BrandMismatch): { kind: EntryKind; amount: number } | null {
  for (const kind of ENTRY_KINDS) {
    const effects = EFFECTS[kind];
    const [first] = BALANCE_FIELDS.filter((field) => effects[field] !== undefined);
    if (!first) continue;
    const amount = -(mismatch[first] ?? 0) * (effects[first] ?? 1);
    if (amount > 0 && BALANCE_FIELDS.every((field) => (mismatch[field] ?? 0) === -amount * (effects[field] ?? 0)))
      return { kind, amount };
  }
  return null;
}
