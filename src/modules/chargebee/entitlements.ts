import type { Instant } from "../../lib/clock.ts";
import type { LotKind, Product } from "./catalog.ts";
import { paymentCycles, type ResourceHistory } from "./resource-history.ts";
import type { CreditNote, Invoice, Line } from "./resources.ts";

// Entitlements: the lots and clawbacks that follow from an invoice and its credit notes. They depend on nothing else, neither
// the clock nor the ledger, so they are the same for every order of events.

/** A lot that must have been granted. */
export interface LotEntitlement {
  source: string;
  /** Thousandths. */
  amount: number;
  kind: LotKind;
  expiresAt: Instant | null;
  /** The time of the purchase, not of a payment: an invoice may be paid more than once. */
  at: Instant;
  description: string | null;
  /** The clawbacks of the lot, the oldest first. */
  clawbacks: ClawbackEntitlement[];
}

export interface ClawbackEntitlement {
  source: string;
  amount: number;
  at: Instant;
  reason: string;
  /** Its credit note; null when the invoice was voided or its payment was reversed. */
  noteId: string | null;
}

/** A line that grants credits. */
interface CreditedLine {
  line: Line;
  /** Thousandths. */
  amount: number;
  kind: LotKind;
  planName: string | null;
}

export interface Entitlements {
  credited: CreditedLine[];
  lots: LotEntitlement[];
  /** Item prices without a number of credits. */
  unknown: string[];
}

export type FindProduct = (itemPriceId: string) => Product | null;
/** Finds when the credits of a line end because a later plan of the subscription replaced it; null otherwise. */
export type FindEnd = (line: Line) => Instant | null;

const SOURCE_PREFIX = "chargebee";

/** Lists the lines of an invoice that grant credits, and the item prices without a number of credits. */
function listCreditedLines(invoice: Invoice, productOf: FindProduct): Pick<Entitlements, "credited" | "unknown"> {
  const credited: CreditedLine[] = [];
  const unknown = new Set<string>();
  // No credits for the part of the invoice that was written off or adjusted.
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

/** Returns a share of an amount, rounded down to thousandths. The epsilon compensates for floating-point fractions. */
function share(amount: number, part: number): number {
  return Math.min(amount, Math.floor(amount * part + 1e-6));
}

/** Returns the fraction of a line that a credit note takes back. A note without lines takes the same fraction of all. */
function refundedFraction(note: CreditNote, line: Line, invoice: Invoice): number {
  const names = note.lines.length > 0 && note.lines.every(({ of }) => invoice.lines.some(({ id }) => id === of));
  if (!names || line.amount === 0) return invoice.total > 0 ? note.total / invoice.total : 1;
  const returned = note.lines.filter(({ of }) => of === line.id).reduce((sum, { amount }) => sum + amount, 0);
  return returned / line.amount;
}

/** Lists the notes that return money, in the order in which they apply. */
export function listReturningNotes(notes: readonly ResourceHistory<CreditNote>[]): ResourceHistory<CreditNote>[] {
  const counting = notes.filter(({ newest, first }) => newest.returns && first !== null);
  return counting.sort((a, b) => a.newest.date - b.newest.date || (a.newest.id < b.newest.id ? -1 : 1));
}

/** Computes the lots and clawbacks that follow from an invoice and its credit notes. */
export function computeEntitlements(
  history: ResourceHistory<Invoice>,
  notes: readonly ResourceHistory<CreditNote>[],
  { productOf, endOf }: { productOf: FindProduct; endOf: FindEnd },
): Entitlements {
  const invoice = history.first?.state ?? history.newest;
  const found = listCreditedLines(invoice, productOf);
  const { on, off } = paymentCycles(history);
  const lots: LotEntitlement[] = [];
  for (const { line, amount, kind } of found.credited) {
    const ends = kind === "PURCHASED" ? null : (endOf(line) ?? line.to);
    // An invoice that was paid, reversed and paid again has granted twice and taken back once.
    let returned = 0;
    for (let cycle = 0; cycle < on; cycle++) {
      const source = [SOURCE_PREFIX, invoice.id, line.id, ...(cycle > 0 ? [`again${cycle}`] : [])].join(":");
      const lot: LotEntitlement = {
        source,
        amount,
        kind,
        at: invoice.date,
        expiresAt: ends,
        description: line.description,
        clawbacks: [],
      };
      lots.push(lot);
      // All refunds apply to the first payment: one that arrives late must not count as the refund of another payment.
      if (cycle === 0) {
        lots.push(...addNoteClawbacks(lot, line, invoice, notes));
        returned = sumReturned(lot, notes);
      }
      const reversedAt = off[cycle];
      if (reversedAt === undefined) continue;
      const reason = history.newest.voided ? "INVOICE_VOIDED" : "PAYMENT_REVERSED";
      const left = cycle === on - 1 ? amount - returned : amount;
      lot.clawbacks.push({ source: `${source}:off`, amount: left, at: reversedAt, reason, noteId: null });
    }
  }
  return { ...found, lots };
}

/** Sums the credits that valid credit notes take back from a lot. */
export function sumReturned(
  { clawbacks: takes }: LotEntitlement,
  notes: readonly ResourceHistory<CreditNote>[],
): number {
  const valid = new Set(notes.filter(({ newest }) => newest.status !== "voided").map(({ newest }) => newest.id));
  return takes.reduce((sum, { amount, noteId }) => sum + (noteId !== null && valid.has(noteId) ? amount : 0), 0);
}

/**
 * Adds the clawbacks of credit notes to a lot. Returns the lots that restore the credits of voided notes.
 *
 * Each clawback is rounded up, so that notes over the whole sum take everything; the last one takes the rest. A voided note
 * does not reduce the others, because it may have been voided before they were created.
 */
function addNoteClawbacks(
  lot: LotEntitlement,
  line: Line,
  invoice: Invoice,
  notes: readonly ResourceHistory<CreditNote>[],
): LotEntitlement[] {
  const restored: LotEntitlement[] = [];
  let left = lot.amount;
  for (const { newest: note } of listReturningNotes(notes)) {
    const reason = note.chargeback ? "CHARGEBACK" : "REFUND";
    const take = { source: `${lot.source}:${note.id}`, at: note.date, reason, noteId: note.id };
    const part = Math.min(lot.amount, Math.ceil(lot.amount * refundedFraction(note, line, invoice) - 1e-6));
    if (note.status === "voided") {
      lot.clawbacks.push({ ...take, amount: part });
      restored.push({ ...lot, source: `${take.source}:restored`, at: note.date, amount: part, clawbacks: [] });
      continue;
    }
    lot.clawbacks.push({ ...take, amount: Math.min(left, part) });
    left -= Math.min(left, part);
  }
  return restored;
}
