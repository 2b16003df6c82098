import type { Instant } from "../clock.ts";
import type { LotKind, Product } from "./catalog.ts";
import { type Facts, turnsOf } from "./facts.ts";
import type { CreditNote, Invoice, Line } from "./resources.ts";

// What the books should say of an invoice, computed from all that is known of it and of nothing else: no clock, no books.
// So it is the same in whatever order that came to be known.

/** A lot that should have been granted. */
export interface LotClaim {
  source: string;
  /** Thousandths. */
  amount: number;
  kind: LotKind;
  expiresAt: Instant | null;
  /** When it was bought: not when it was paid, which may have happened more than once. */
  at: Instant;
  description: string | null;
  /** What should have been taken back of it, by what it was taken back for, the oldest first. */
  takes: TakeClaim[];
}

export interface TakeClaim {
  source: string;
  amount: number;
  at: Instant;
  reason: string;
  /** The credit note behind it; null when the invoice itself was voided or its payment failed later. */
  noteId: string | null;
}

/** A line that brings credits. */
export interface Credited {
  line: Line;
  /** Thousandths. */
  amount: number;
  kind: LotKind;
  planName: string | null;
}

export interface Claims {
  credited: Credited[];
  lots: LotClaim[];
  /** Item prices of which nobody said what they bring. */
  unknown: string[];
}

export type ProductOf = (itemPriceId: string) => Product | null;
/** When the credits of a line end, where its own period does not say: a later plan of the subscription took its place. */
export type EndOf = (line: Line) => Instant | null;

const SOURCE = "chargebee";

/** What the lines of an invoice bring, and which of them nobody knows. */
export function creditedLines(invoice: Invoice, productOf: ProductOf): Pick<Claims, "credited" | "unknown"> {
  const credited: Credited[] = [];
  const unknown = new Set<string>();
  // Credits for what was written off or adjusted away were not paid for.
  const paid = invoice.waived > 0 && invoice.total > 0 ? Math.min(1, invoice.settled / invoice.total) : 1;
  for (const line of invoice.lines) {
    if (line.type === "other" || line.itemPriceId === null) continue;
    const product = productOf(line.itemPriceId);
    if (product === null) unknown.add(line.itemPriceId);
    if (product === null || product.credits === 0) continue;
    const kind = product.kind ?? (line.type === "charge" ? "PURCHASED" : "SUBSCRIPTION");
    const planName = kind === "PURCHASED" ? null : (product.planName ?? line.description);
    credited.push({ line, amount: share(product.credits * line.quantity, paid), kind, planName });
  }
  return { credited, unknown: [...unknown].sort() };
}

/** A part of an amount in whole thousandths, never more than its due; exact whatever floating point makes of a fraction. */
function share(amount: number, part: number): number {
  return Math.min(amount, Math.floor(amount * part + 1e-6));
}

/** Which part of a line a credit note takes back. A note that does not name lines takes the same part of all. */
function partOf(note: CreditNote, line: Line, invoice: Invoice): number {
  const names = note.lines.length > 0 && note.lines.every(({ of }) => invoice.lines.some(({ id }) => id === of));
  if (!names || line.amount === 0) return invoice.total > 0 ? note.total / invoice.total : 1;
  const returned = note.lines.filter(({ of }) => of === line.id).reduce((sum, { amount }) => sum + amount, 0);
  return returned / line.amount;
}

/** The notes that send money back, in the order in which they count. */
export function returning(notes: readonly Facts<CreditNote>[]): Facts<CreditNote>[] {
  const counting = notes.filter(({ newest, first }) => newest.returns && first !== null);
  return counting.sort((a, b) => a.newest.date - b.newest.date || (a.newest.id < b.newest.id ? -1 : 1));
}

export function claimsOf(
  facts: Facts<Invoice>,
  notes: readonly Facts<CreditNote>[],
  { productOf, endOf }: { productOf: ProductOf; endOf: EndOf },
): Claims {
  const invoice = facts.first?.state ?? facts.newest;
  const found = creditedLines(invoice, productOf);
  const { on, off } = turnsOf(facts);
  const lots: LotClaim[] = [];
  for (const { line, amount, kind } of found.credited) {
    const ends = kind === "PURCHASED" ? null : (endOf(line) ?? line.to);
    // An invoice that was paid, lost its payment and was paid again has granted twice and taken back once.
    let returned = 0;
    for (let turn = 0; turn < on; turn++) {
      const source = [SOURCE, invoice.id, line.id, ...(turn > 0 ? [`again${turn}`] : [])].join(":");
      const lot: LotClaim = {
        source,
        amount,
        kind,
        at: invoice.date,
        expiresAt: ends,
        description: line.description,
        takes: [],
      };
      lots.push(lot);
      // Whichever payment a refund came after: heard of late, it must not be taken for a refund of another.
      if (turn === 0) {
        lots.push(...takeForNotes(lot, line, invoice, notes));
        returned = returnedOf(lot, notes);
      }
      const lost = off[turn];
      if (lost === undefined) continue;
      const reason = facts.newest.voided ? "INVOICE_VOIDED" : "PAYMENT_REVERSED";
      const left = turn === on - 1 ? amount - returned : amount;
      lot.takes.push({ source: `${source}:off`, amount: left, at: lost, reason, noteId: null });
    }
  }
  return { ...found, lots };
}

/** What credit notes that are in force take back of a lot. */
export function returnedOf({ takes }: LotClaim, notes: readonly Facts<CreditNote>[]): number {
  const inForce = new Set(notes.filter(({ newest }) => newest.status !== "voided").map(({ newest }) => newest.id));
  return takes.reduce((sum, { amount, noteId }) => sum + (noteId !== null && inForce.has(noteId) ? amount : 0), 0);
}

/**
 * Adds what credit notes take back of a lot. Returns the lots that give it back, for notes that were voided themselves.
 *
 * A note's part is rounded up, so that notes that make up the whole sum take all: the last one takes the rest. A note that
 * was voided does not count against the others, for it may have been voided before they came.
 */
function takeForNotes(lot: LotClaim, line: Line, invoice: Invoice, notes: readonly Facts<CreditNote>[]): LotClaim[] {
  const restored: LotClaim[] = [];
  let left = lot.amount;
  for (const { newest: note } of returning(notes)) {
    const reason = note.chargeback ? "CHARGEBACK" : "REFUND";
    const take = { source: `${lot.source}:${note.id}`, at: note.date, reason, noteId: note.id };
    const part = Math.min(lot.amount, Math.ceil(lot.amount * partOf(note, line, invoice) - 1e-6));
    if (note.status === "voided") {
      lot.takes.push({ ...take, amount: part });
      restored.push({ ...lot, source: `${take.source}:restored`, at: note.date, amount: part, takes: [] });
      continue;
    }
    lot.takes.push({ ...take, amount: Math.min(left, part) });
    left -= Math.min(left, part);
  }
  return restored;
}
