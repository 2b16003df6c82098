import { sql } from "drizzle-orm";
import { ENTRY_KINDS } from "../db/schema/credits.ts";
import type { Reader } from "../db/store.ts";
import { toCredits } from "./amounts.ts";
import { EFFECTS, type EntryKind, POCKETS, type Pocket } from "./books.ts";
import { type EntryFields, sealOf } from "./seal.ts";

/** An entry that is not what was written, or that is gone. */
export interface EntryFault {
  brandId: string;
  /** Null for one that is gone. */
  entryId: string | null;
  seq: number;
  fault: "CHANGED" | "INSERTED" | "MISSING";
  /** By how much the ledger says too much (or too little, below zero); null where that cannot be told. Thousandths. */
  difference: number | null;
  detail: string;
}

/** How far the fold of a brand's entries lies above its balances. */
export type BrandDrift = Partial<Record<Pocket, number>>;

/** What a proof found odd about the entries. */
export interface Suspects {
  /** Entries that do not fit their seal. */
  entries: (EntryFields & { seal: number })[];
  /** Brands whose entries are not numbered from 1 to the account's count. */
  miscounted: { brandId: string; entries: number }[];
  drifts: Map<string, BrandDrift>;
}

/** Gaps and doubles looked for in one brand at most. */
const LOOKED_FOR = 100;

/** Says of each odd entry what was done to it. */
export async function nameFaults(read: Reader, { entries, miscounted, drifts }: Suspects): Promise<EntryFault[]> {
  const gaps = new Map<string, number[]>();
  for (const { brandId, entries } of miscounted) gaps.set(brandId, await missingIn(read, brandId, entries));
  const faults: EntryFault[] = [];
  const moved = new Set<string>();
  for (const entry of entries) {
    const was = before(entry, drifts, [...gaps.keys()], await lotsNear(read, entry));
    if (was) moved.add(`${was.brandId} ${was.seq}`);
    faults.push(was ? changed(entry, was) : await unknown(read, entry, miscounted));
  }
  for (const [brandId, seqs] of gaps) {
    const missing = seqs.filter((seq) => !moved.has(`${brandId} ${seq}`));
    const lost = missing.length === 1 && !entries.some((entry) => entry.brandId === brandId);
    const said = lost ? guess(drifts.get(brandId) ?? {}) : null;
    for (const seq of missing) {
      const detail = said ? `is gone: a ${said.kind} of ${toCredits(said.amount)} credits` : "is gone";
      const difference = said ? -said.amount : null;
      faults.push({ brandId, entryId: null, seq, fault: "MISSING", difference, detail });
    }
  }
  return faults;
}

/** The numbers that a brand's entries lack, up to the one its account counted to. */
async function missingIn(read: Reader, brandId: string, entries: number): Promise<number[]> {
  const holes = await read.all<{ seq: unknown; next: unknown }>(sql`select n.seq, n.next from (
      select e.seq, lead(e.seq, 1, ${entries + 1}) over (order by e.seq) as next
      from (select 0 as seq union select distinct x.seq from ledger_entries x where x.brand_id = ${brandId}) e) n
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
  entry: EntryFields & { seal: number },
  drifts: ReadonlyMap<string, BrandDrift>,
  brandIds: readonly string[],
  lotIds: readonly string[],
): EntryFields | null {
  const { seal, ...fields } = entry;
  const amounts = Object.values(drifts.get(entry.brandId) ?? {}).flatMap((by) => [
    entry.amount - by,
    entry.amount + by,
  ]);
  const candidates: EntryFields[] = [
    ...amounts.map((amount) => ({ ...fields, amount })),
    ...ENTRY_KINDS.flatMap((kind) => [entry.amount, ...amounts].map((amount) => ({ ...fields, kind, amount }))),
    ...lotIds.map((lotId) => ({ ...fields, lotId })),
    ...brandIds.map((brandId) => ({ ...fields, brandId })),
  ];
  return candidates.find((candidate) => sealOf(candidate) === seal) ?? null;
}

function changed(entry: EntryFields, was: EntryFields): EntryFault {
  const { brandId, id: entryId, seq } = entry;
  const said: string[] = [];
  if (was.amount !== entry.amount) said.push(`${toCredits(was.amount)} credits`);
  if (was.kind !== entry.kind) said.push(was.kind);
  if (was.lotId !== entry.lotId) said.push(`lot ${was.lotId}`);
  if (was.brandId !== entry.brandId) said.push(`brand ${was.brandId}`);
  const now = `a ${entry.kind} of ${toCredits(entry.amount)} credits`;
  const detail = `was changed: it is ${now}, and was written as ${said.join(", ")}`;
  const difference = was.amount === entry.amount ? entry.amount : entry.amount - was.amount;
  return { brandId, entryId, seq, fault: "CHANGED", difference, detail };
}

/** One whose seal nothing explains: put in if its number is no number of this brand, or is another's; changed otherwise. */
async function unknown(read: Reader, entry: EntryFields, miscounted: Suspects["miscounted"]): Promise<EntryFault> {
  const { brandId, id: entryId, seq, kind, amount } = entry;
  const now = `a ${kind} of ${toCredits(amount)} credits`;
  const count = miscounted.find((brand) => brand.brandId === brandId);
  const [same] = await read.all<{ n: unknown }>(
    sql`select count(*) as n from ledger_entries e where e.brand_id = ${brandId} and e.seq = ${seq}`,
  );
  if (count && (seq < 1 || seq > count.entries || Number(same?.n) > 1)) {
    return { brandId, entryId, seq, fault: "INSERTED", difference: amount, detail: `was put in by hand: ${now}` };
  }
  return { brandId, entryId, seq, fault: "CHANGED", difference: null, detail: `was changed: it is ${now} now` };
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
