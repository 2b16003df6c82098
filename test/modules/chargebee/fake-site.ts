// Fakes a Chargebee site: what happens on it becomes events in the shapes that Chargebee
// documents (Product Catalog 2.0, https://apidocs.chargebee.com/docs/api/events, invoices, credit_notes, transactions;
// the same as in types/resources/*.d.ts of the npm package chargebee 3.33.0). Amounts are in the currency's smallest unit,
// times in seconds, resource_version in milliseconds.

import {
  cardShape,
  creditNoteShape,
  customerShape,
  type InvoiceOptions,
  invoiceShape,
  type Json,
  transactionShape,
} from "./resource-shapes.ts";

export interface Event extends Json {
  id: string;
  occurred_at: number;
  event_type: string;
  content: Json;
}

export class ChargebeeSite {
  readonly events: Event[] = [];
  #version = 0;
  #count = 0;
  readonly customer: Json;

  /** `prefix` starts every id, so that two sites share none. `now` is in seconds. */
  constructor(
    readonly prefix: string,
    public now: number,
    customer: Json = {},
  ) {
    this.customer = { ...customerShape(prefix), ...customer };
  }

  #id(kind: string): string {
    return `${this.prefix}${kind}${++this.#count}`;
  }

  /** Returns the present state of a resource, one version newer. */
  #touched<T extends Json>(resource: T, change: Json = {}): T {
    this.#version = Math.max(this.#version + 1, this.now * 1000);
    return Object.assign(resource, change, { resource_version: this.#version, updated_at: this.now });
  }

  emit(event_type: string, content: Json): Event {
    const event = {
      id: this.#id("ev"),
      occurred_at: this.now,
      source: "scheduled_job",
      object: "event",
      api_version: "v2",
      event_type,
      webhook_status: "not_configured",
      content: structuredClone(content),
    };
    this.events.push(event);
    return event;
  }

  /** Creates a customer with a card. */
  #who(): Json {
    return { customer: this.customer, card: cardShape(this.customer.id) };
  }

  customerChanged(change: Json = {}): Event {
    return this.emit("customer_changed", { ...this.#who(), customer: this.#touched(this.customer, change) });
  }

  #made(kind: string) {
    return { id: this.#id(kind), customerId: this.customer.id, now: this.now };
  }

  /** Creates an invoice in status payment_due. */
  invoice(wish: InvoiceOptions, type = "invoice_generated"): Json {
    const { subscription } = wish;
    const invoice = this.#touched(invoiceShape(this.#made("inv"), wish));
    const told = subscription
      ? { subscription: { id: subscription, customer_id: this.customer.id, status: "active", object: "subscription" } }
      : {};
    this.emit(type, { ...told, ...(type === "invoice_generated" ? {} : this.#who()), invoice });
    return invoice;
  }

  #transaction(invoice: Json, change: Json): Json {
    return this.#touched(transactionShape(this.#made("txn"), invoice, change));
  }

  pay(invoice: Json): Event {
    const transaction = this.#transaction(invoice, { status: "success" });
    const linked = {
      txn_id: transaction.id,
      applied_amount: invoice.total,
      applied_at: this.now,
      txn_status: "success",
      txn_date: this.now,
    };
    this.#touched(invoice, {
      status: "paid",
      paid_at: this.now,
      amount_paid: invoice.total,
      amount_due: 0,
      linked_payments: [...(invoice.linked_payments as Json[]), linked],
    });
    return this.emit("payment_succeeded", { transaction, invoice, ...this.#who() });
  }

  fail(invoice: Json): Event {
    const transaction = this.#transaction(invoice, { status: "failure", error_code: "card_declined" });
    const attempt = {
      attempt: 1,
      transaction_id: transaction.id,
      dunning_type: "auto_collect",
      created_at: this.now,
      txn_status: "failure",
    };
    this.#touched(invoice, {
      dunning_status: "in_progress",
      dunning_attempts: [...(invoice.dunning_attempts as Json[]), attempt],
    });
    return this.emit("payment_failed", { transaction, invoice, ...this.#who() });
  }

  /** Reverses a successful payment: it failed late, or the cardholder disputed it. */
  unpay(invoice: Json, type: "late_failure" | "payment_reversal"): Event {
    const change = type === "late_failure" ? { status: "late_failure" } : { type, status: "success" };
    const transaction = this.#transaction(invoice, change);
    const linked = (invoice.linked_payments as Json[]).map((payment) => ({ ...payment, txn_status: "late_failure" }));
    this.#touched(invoice, {
      status: "not_paid",
      paid_at: undefined,
      amount_paid: 0,
      amount_due: invoice.total,
      linked_payments: linked,
    });
    return this.emit("payment_failed", { transaction, invoice, ...this.#who() });
  }

  /** Refunds a part of an invoice by a credit note and a refund transaction, as Chargebee does. */
  refund(invoice: Json, total: number, change: Json = {}): Json {
    const note = this.#touched({ ...creditNoteShape(this.#made("cn"), invoice, total), ...change });
    this.emit("credit_note_created", { credit_note: note });
    const transaction = this.#transaction(invoice, {
      type: "refund",
      status: "success",
      amount: total,
      linked_invoices: [],
      linked_credit_notes: [
        { cn_id: note.id, applied_amount: total, applied_at: this.now, cn_reference_invoice_id: invoice.id },
      ],
    });
    const linked = { txn_id: transaction.id, applied_amount: total, applied_at: this.now, txn_status: "success" };
    this.#touched(note, {
      status: "refunded",
      amount_refunded: total,
      refunded_at: this.now,
      linked_refunds: [linked],
    });
    const issued = [
      ...(invoice.issued_credit_notes as Json[]),
      { cn_id: note.id, cn_status: "refunded", cn_total: total },
    ];
    this.#touched(invoice, { issued_credit_notes: issued });
    this.emit("payment_refunded", { transaction, invoice, credit_note: note, ...this.#who() });
    return note;
  }

  voidNote(note: Json): Event {
    return this.emit("credit_note_updated", {
      credit_note: this.#touched(note, { status: "voided", voided_at: this.now }),
    });
  }

  void(invoice: Json): Event {
    return this.emit("invoice_updated", {
      invoice: this.#touched(invoice, { status: "voided", voided_at: this.now, amount_due: 0 }),
    });
  }

  itemPrice(id: string, metadata: Json): Event {
    const price = {
      id,
      name: id,
      item_id: id,
      pricing_model: "per_unit",
      currency_code: "USD",
      object: "item_price",
      metadata,
    };
    return this.emit("item_price_updated", { item_price: this.#touched(price) });
  }
}
