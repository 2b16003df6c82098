import type { Instant } from "../../lib/clock.ts";
import { type Fields, parseUnixSeconds, toFields, toFieldsList, toInteger, toText } from "../../lib/json-fields.ts";
import { type Product, parseMetadataProduct } from "./catalog.ts";
import type { Observation } from "./resource-history.ts";

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
  /** True while it is not closed, so that its lines may still change. */
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
  /** Paid or settled by credits; `waived` is the amount written off or adjusted. */
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

function getVersion(given: Fields, occurredAt: Instant): number {
  return toInteger(given.resource_version) ?? parseUnixSeconds(given.updated_at) ?? occurredAt;
}

function parseLine(given: Fields, index: number): Line {
  return {
    id: toText(given.id) ?? `line${index}`,
    type: LINE_TYPES[toText(given.entity_type) ?? ""] ?? "other",
    itemPriceId: toText(given.entity_id),
    quantity: toInteger(given.quantity) ?? 1,
    amount: toInteger(given.amount) ?? 0,
    from: parseUnixSeconds(given.date_from),
    to: parseUnixSeconds(given.date_to),
    description: toText(given.description),
  };
}

export function parseInvoice(given: Fields, occurredAt: Instant): Observation<Invoice> | null {
  const id = toText(given.id);
  const customerId = toText(given.customer_id);
  const currency = toText(given.currency_code);
  if (id === null || customerId === null || currency === null) return null;
  const status = toText(given.status) ?? "";
  const attempts = [...toFieldsList(given.dunning_attempts), ...toFieldsList(given.linked_payments)].filter(
    ({ txn_status }) => txn_status === "failure" || txn_status === "late_failure" || txn_status === "timeout",
  );
  const tried = attempts.map(
    (attempt) => parseUnixSeconds(attempt.created_at) ?? parseUnixSeconds(attempt.txn_date) ?? 0,
  );
  const on = status === "paid" && given.deleted !== true;
  const changedAt = parseUnixSeconds(given.updated_at) ?? occurredAt;
  const amountPaid = toInteger(given.amount_paid) ?? 0;
  const state: Invoice = {
    id,
    customerId,
    subscriptionId: toText(given.subscription_id),
    draft: status === "pending",
    failed: status === "not_paid" || attempts.length > 0,
    voided: status === "voided" || given.deleted === true,
    date: parseUnixSeconds(given.date) ?? occurredAt,
    paidAt: parseUnixSeconds(given.paid_at),
    triedAt: tried.length > 0 ? Math.max(...tried) || null : null,
    voidedAt: parseUnixSeconds(given.voided_at),
    currency: currency.toUpperCase(),
    total: toInteger(given.total) ?? 0,
    amountPaid,
    settled: amountPaid + (toInteger(given.credits_applied) ?? 0),
    waived: (toInteger(given.write_off_amount) ?? 0) + (toInteger(given.amount_adjusted) ?? 0),
    lines: toFieldsList(given.line_items).map(parseLine),
  };
  const at = on ? (state.paidAt ?? changedAt) : (state.voidedAt ?? changedAt);
  return { version: getVersion(given, occurredAt), on, at, state };
}

export function parseCreditNote(given: Fields, occurredAt: Instant): Observation<CreditNote> | null {
  const id = toText(given.id);
  const customerId = toText(given.customer_id);
  const currency = toText(given.currency_code);
  if (id === null || customerId === null || currency === null) return null;
  const on = given.status !== "voided" && given.deleted !== true;
  const state: CreditNote = {
    id,
    customerId,
    invoiceId: toText(given.reference_invoice_id),
    returns: given.type !== "adjustment",
    chargeback: given.reason_code === "chargeback",
    status: on ? (toText(given.status) ?? "") : "voided",
    date: parseUnixSeconds(given.date) ?? occurredAt,
    refundedAt: parseUnixSeconds(given.refunded_at),
    currency: currency.toUpperCase(),
    total: toInteger(given.total) ?? 0,
    lines: toFieldsList(given.line_items).map((line) => ({
      of: toText(line.reference_line_item_id),
      amount: toInteger(line.amount) ?? 0,
    })),
  };
  return { version: getVersion(given, occurredAt), on, at: parseUnixSeconds(given.voided_at) ?? occurredAt, state };
}

export function parseTransaction(given: Fields, occurredAt: Instant): Observation<Transaction> | null {
  const id = toText(given.id);
  const customerId = toText(given.customer_id);
  const currency = toText(given.currency_code);
  const type = toText(given.type);
  if (id === null || customerId === null || currency === null) return null;
  // Payments are recorded from their invoices.
  if (type !== "refund" && type !== "payment_reversal") return null;
  const [linked] = toFieldsList(given.linked_invoices);
  const state: Transaction = {
    id,
    customerId,
    invoiceId: toText(linked?.invoice_id),
    type,
    status: toText(given.status) ?? "",
    currency: currency.toUpperCase(),
    amount: toInteger(given.amount) ?? 0,
    date: parseUnixSeconds(given.date) ?? occurredAt,
    noted: toFieldsList(given.linked_credit_notes).length > 0,
  };
  return { version: getVersion(given, occurredAt), on: state.status === "success", at: state.date, state };
}

export function parseItemPrice(given: Fields, occurredAt: Instant): { id: string; sight: Observation<Product> } | null {
  const id = toText(given.id);
  const product = parseMetadataProduct(given.metadata) ?? parseMetadataProduct(toFields(given.meta_data));
  if (id === null || product === null) return null;
  return { id, sight: { version: getVersion(given, occurredAt), on: true, at: occurredAt, state: product } };
}
