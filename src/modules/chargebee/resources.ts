import type { Instant } from "../clock.ts";
import { type Product, productIn } from "./catalog.ts";
import type { Sight } from "./facts.ts";
import { type Fields, fieldsIn, listIn, momentIn, textIn, wholeIn } from "./fields.ts";

// Chargebee's resources as they are stored, Product Catalog 2.0: https://apidocs.chargebee.com/docs/api/invoices,
// credit_notes, transactions and item_prices. Amounts are in the currency's smallest unit, as in Chargebee.

export interface Line {
  id: string;
  type: "plan" | "addon" | "charge" | "other";
  itemPriceId: string | null;
  quantity: number;
  amount: number;
  from: Instant | null;
  to: Instant | null;
  description: string | null;
}

export interface Invoice {
  id: string;
  customerId: string;
  subscriptionId: string | null;
  /** Not closed yet, so that its lines may still change. */
  draft: boolean;
  /** A payment was attempted and failed. */
  failed: boolean;
  voided: boolean;
  date: Instant;
  paidAt: Instant | null;
  triedAt: Instant | null;
  voidedAt: Instant | null;
  currency: string;
  total: number;
  amountPaid: number;
  /** Paid or settled by credits; `waived` is what was written off or adjusted. */
  settled: number;
  waived: number;
  lines: Line[];
}

export interface CreditNote {
  id: string;
  customerId: string;
  invoiceId: string | null;
  /** True when money is returned. An adjustment only reduces the amount due. */
  returns: boolean;
  chargeback: boolean;
  status: string;
  date: Instant;
  refundedAt: Instant | null;
  currency: string;
  total: number;
  lines: { of: string | null; amount: number }[];
}

export interface Transaction {
  id: string;
  customerId: string;
  invoiceId: string | null;
  type: string;
  status: string;
  currency: string;
  amount: number;
  date: Instant;
  /** True when a credit note covers the same money. */
  noted: boolean;
}

const LINE_TYPES: Record<string, Line["type"]> = {
  plan_item_price: "plan",
  addon_item_price: "addon",
  charge_item_price: "charge",
};

function versionOf(given: Fields, occurredAt: Instant): number {
  return wholeIn(given.resource_version) ?? momentIn(given.updated_at) ?? occurredAt;
}

function parseLine(given: Fields, index: number): Line {
  return {
    id: textIn(given.id) ?? `line${index}`,
    type: LINE_TYPES[textIn(given.entity_type) ?? ""] ?? "other",
    itemPriceId: textIn(given.entity_id),
    quantity: wholeIn(given.quantity) ?? 1,
    amount: wholeIn(given.amount) ?? 0,
    from: momentIn(given.date_from),
    to: momentIn(given.date_to),
    description: textIn(given.description),
  };
}

export function readInvoice(given: Fields, occurredAt: Instant): Sight<Invoice> | null {
  const id = textIn(given.id);
  const customerId = textIn(given.customer_id);
  const currency = textIn(given.currency_code);
  if (id === null || customerId === null || currency === null) return null;
  const status = textIn(given.status) ?? "";
  const attempts = [...listIn(given.dunning_attempts), ...listIn(given.linked_payments)].filter(
    ({ txn_status }) => txn_status === "failure" || txn_status === "late_failure" || txn_status === "timeout",
  );
  const tried = attempts.map((attempt) => momentIn(attempt.created_at) ?? momentIn(attempt.txn_date) ?? 0);
  const on = status === "paid" && given.deleted !== true;
  const changedAt = momentIn(given.updated_at) ?? occurredAt;
  const amountPaid = wholeIn(given.amount_paid) ?? 0;
  const state: Invoice = {
    id,
    customerId,
    subscriptionId: textIn(given.subscription_id),
    draft: status === "pending",
    failed: status === "not_paid" || attempts.length > 0,
    voided: status === "voided" || given.deleted === true,
    date: momentIn(given.date) ?? occurredAt,
    paidAt: momentIn(given.paid_at),
    triedAt: tried.length > 0 ? Math.max(...tried) || null : null,
    voidedAt: momentIn(given.voided_at),
    currency: currency.toUpperCase(),
    total: wholeIn(given.total) ?? 0,
    amountPaid,
    settled: amountPaid + (wholeIn(given.credits_applied) ?? 0),
    waived: (wholeIn(given.write_off_amount) ?? 0) + (wholeIn(given.amount_adjusted) ?? 0),
    lines: listIn(given.line_items).map(parseLine),
  };
  const at = on ? (state.paidAt ?? changedAt) : (state.voidedAt ?? changedAt);
  return { version: versionOf(given, occurredAt), on, at, state };
}

export function readCreditNote(given: Fields, occurredAt: Instant): Sight<CreditNote> | null {
  const id = textIn(given.id);
  const customerId = textIn(given.customer_id);
  const currency = textIn(given.currency_code);
  if (id === null || customerId === null || currency === null) return null;
  const on = given.status !== "voided" && given.deleted !== true;
  const state: CreditNote = {
    id,
    customerId,
    invoiceId: textIn(given.reference_invoice_id),
    returns: given.type !== "adjustment",
    chargeback: given.reason_code === "chargeback",
    status: on ? (textIn(given.status) ?? "") : "voided",
    date: momentIn(given.date) ?? occurredAt,
    refundedAt: momentIn(given.refunded_at),
    currency: currency.toUpperCase(),
    total: wholeIn(given.total) ?? 0,
    lines: listIn(given.line_items).map((line) => ({
      of: textIn(line.reference_line_item_id),
      amount: wholeIn(line.amount) ?? 0,
    })),
  };
  return { version: versionOf(given, occurredAt), on, at: momentIn(given.voided_at) ?? occurredAt, state };
}

export function readTransaction(given: Fields, occurredAt: Instant): Sight<Transaction> | null {
  const id = textIn(given.id);
  const customerId = textIn(given.customer_id);
  const currency = textIn(given.currency_code);
  const type = textIn(given.type);
  if (id === null || customerId === null || currency === null) return null;
  // Payments are recorded from their invoices.
  if (type !== "refund" && type !== "payment_reversal") return null;
  const [linked] = listIn(given.linked_invoices);
  const state: Transaction = {
    id,
    customerId,
    invoiceId: textIn(linked?.invoice_id),
    type,
    status: textIn(given.status) ?? "",
    currency: currency.toUpperCase(),
    amount: wholeIn(given.amount) ?? 0,
    date: momentIn(given.date) ?? occurredAt,
    noted: listIn(given.linked_credit_notes).length > 0,
  };
  return { version: versionOf(given, occurredAt), on: state.status === "success", at: state.date, state };
}

export function readItemPrice(given: Fields, occurredAt: Instant): { id: string; sight: Sight<Product> } | null {
  const id = textIn(given.id);
  const product = productIn(given.metadata) ?? productIn(fieldsIn(given.meta_data));
  if (id === null || product === null) return null;
  return { id, sight: { version: versionOf(given, occurredAt), on: true, at: occurredAt, state: product } };
}
