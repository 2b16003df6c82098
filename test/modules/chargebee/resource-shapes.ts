// Builds resources in the shapes that Chargebee documents (Product Catalog 2.0: https://apidocs.chargebee.com/docs/api/invoices,
// credit_notes, transactions; the same as in types/resources/*.d.ts of the npm package chargebee 3.33.0). Amounts are in the
// currency's smallest unit, times in seconds.

export type Json = Record<string, unknown>;

interface LineOptions {
  item: string;
  amount: number;
  type?: "plan_item_price" | "addon_item_price" | "charge_item_price" | "adhoc";
  quantity?: number;
}

export interface InvoiceOptions {
  lines: LineOptions[];
  subscription?: string;
  currency?: string;
  /** Length of its billing period in seconds, from its creation. */
  until?: number;
}

const MONTH = 30 * 86_400;

export function customerShape(prefix: string): Json {
  return {
    id: `${prefix}cust`,
    first_name: "Benjamin",
    last_name: "Ross",
    email: `${prefix}@customers.example`,
    auto_collection: "on",
    net_term_days: 0,
    object: "customer",
    card_status: "valid",
    deleted: false,
    promotional_credits: 0,
    refundable_credits: 0,
  };
}

/** Builds the card that Chargebee sends with a customer. */
export function cardShape(customerId: unknown): Json {
  const digits = { iin: "411111", last4: "1111", card_type: "visa", masked_number: "************1111" };
  return { status: "valid", ...digits, object: "card", customer_id: customerId };
}

interface Made {
  id: string;
  customerId: unknown;
  now: number;
}

/** Builds an invoice in status payment_due. */
export function invoiceShape({ id, customerId, now }: Made, wish: InvoiceOptions): Json {
  const { lines, subscription, currency = "USD", until = now + MONTH } = wish;
  const total = lines.reduce((sum, line) => sum + line.amount, 0);
  const of = subscription ? { subscription_id: subscription } : {};
  return {
    id,
    customer_id: customerId,
    ...of,
    recurring: subscription !== undefined,
    status: "payment_due",
    price_type: "tax_exclusive",
    date: now,
    currency_code: currency,
    total,
    sub_total: total,
    tax: 0,
    amount_paid: 0,
    amount_adjusted: 0,
    write_off_amount: 0,
    credits_applied: 0,
    amount_due: total,
    deleted: false,
    object: "invoice",
    linked_payments: [],
    dunning_attempts: [],
    issued_credit_notes: [],
    adjustment_credit_notes: [],
    line_items: lines.map((line, index) => ({
      id: `li_${id}_${index}`,
      date_from: now,
      date_to: line.type === "charge_item_price" ? now : until,
      unit_amount: line.amount,
      quantity: line.quantity ?? 1,
      amount: line.amount,
      is_taxed: false,
      object: "line_item",
      description: `Item ${line.item}`,
      entity_type: line.type ?? "plan_item_price",
      entity_id: line.item,
      ...of,
      customer_id: customerId,
    })),
  };
}

/** Builds the payment of an invoice; `change` overrides fields. */
export function transactionShape({ id, customerId, now }: Made, invoice: Json, change: Json): Json {
  return {
    id,
    customer_id: customerId,
    payment_method: "card",
    gateway: "chargebee",
    type: "payment",
    date: now,
    currency_code: invoice.currency_code,
    amount: invoice.total,
    masked_card_number: "************1111",
    object: "transaction",
    deleted: false,
    linked_invoices: [
      { invoice_id: invoice.id, applied_amount: invoice.total, applied_at: now, invoice_status: invoice.status },
    ],
    ...change,
  };
}

/** Builds a credit note that refunds a part of an invoice's first line. */
export function creditNoteShape({ id, customerId, now }: Made, invoice: Json, total: number): Json {
  const [line] = invoice.line_items as Json[];
  return {
    id,
    customer_id: customerId,
    reference_invoice_id: invoice.id,
    type: "refundable",
    reason_code: "product_unsatisfactory",
    status: "refund_due",
    date: now,
    currency_code: invoice.currency_code,
    price_type: "tax_exclusive",
    total,
    sub_total: total,
    amount_refunded: 0,
    deleted: false,
    object: "credit_note",
    line_items: [{ ...line, id: `li_${id}`, reference_line_item_id: line?.id, amount: total, unit_amount: total }],
    linked_refunds: [],
  };
}
