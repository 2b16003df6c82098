import type { PaymentInput } from "../payments/payments.ts";
import { type ClawbackEntitlement, type Entitlements, listReturningNotes, sumReturned } from "./entitlements.ts";
import { paymentCycles, type ResourceHistory } from "./resource-history.ts";
import type { CreditNote, Invoice, Transaction } from "./resources.ts";

/** A payment, without the brand. */
export type PaymentRow = Omit<PaymentInput, "brandId"> & { source: string };

/** Computes the payments of an invoice and its refunds. */
export function toPaymentRows(
  history: ResourceHistory<Invoice>,
  notes: readonly ResourceHistory<CreditNote>[],
  entitlements: Entitlements,
): PaymentRow[] {
  const invoice = history.newest;
  const { on, off } = paymentCycles(history);
  if (invoice.draft && on === 0) return [];
  const paid = history.first?.state ?? null;
  const granted = entitlements.credited.reduce((sum, { amount }) => sum + amount, 0);
  const plan = entitlements.credited.find(({ kind }) => kind === "SUBSCRIPTION");
  const isPlan = plan !== undefined || invoice.lines.some(({ type }) => type === "plan");
  const planName = plan?.planName ?? invoice.lines.find(({ type }) => type === "plan")?.description ?? null;
  const common = {
    currency: invoice.currency,
    planName: isPlan ? planName : null,
    chargebeeCustomerId: invoice.customerId,
    chargebeeInvoiceId: invoice.id,
  };
  const isPaid = on > off.length;
  const returningNotes = listReturningNotes(notes);
  const returned = returningNotes
    .filter(({ newest }) => newest.status !== "voided")
    .reduce((sum, { newest }) => sum + newest.total, 0);
  const rows: PaymentRow[] = [
    {
      ...common,
      source: `chargebee:${invoice.id}`,
      type: isPlan ? "SUBSCRIPTION" : "CREDIT_PURCHASE",
      status: getPaymentStatus(invoice, {
        isPaid,
        wasPaid: on > 0,
        returned: returned >= invoice.total && returned > 0,
      }),
      amountMinor: paid && paid.waived > 0 ? paid.amountPaid : invoice.total,
      // Credits that refunds took back are in their own rows.
      creditsAdded: isPaid ? granted : entitlements.lots.reduce((sum, lot) => sum + sumReturned(lot, notes), 0),
      description:
        invoice.lines
          .map(({ description }) => description ?? "")
          .filter(Boolean)
          .join(", ")
          .slice(0, 300) || null,
      transactionDate: (isPaid ? invoice.paidAt : (off.at(-1) ?? invoice.voidedAt ?? invoice.triedAt)) ?? invoice.date,
    },
  ];
  const takes = entitlements.lots.flatMap((lot) => lot.clawbacks);
  for (const { newest: note } of returningNotes)
    rows.push({ ...common, ...noteRow(note, isPaid || on > 0 ? takes : []) });
  return rows;
}

function getPaymentStatus(
  invoice: Invoice,
  { isPaid, wasPaid, returned }: { isPaid: boolean; wasPaid: boolean; returned: boolean },
): PaymentRow["status"] {
  if (invoice.voided) return "VOIDED";
  if (isPaid) return returned ? "REFUNDED" : "SUCCESS";
  return wasPaid || invoice.failed ? "FAILED" : "PENDING";
}

const NOTE_STATUS: Record<string, PaymentRow["status"]> = { refund_due: "PENDING", voided: "VOIDED" };

function noteRow(note: CreditNote, takes: readonly ClawbackEntitlement[]) {
  const taken = takes.filter(({ noteId }) => noteId === note.id).reduce((sum, { amount }) => sum + amount, 0);
  return {
    source: `chargebee:${note.id}:note`,
    type: note.chargeback ? ("CHARGEBACK" as const) : ("REFUND" as const),
    status: NOTE_STATUS[note.status] ?? ("SUCCESS" as const),
    amountMinor: -note.total,
    // `0 - taken`, since -0 differs from 0 in comparisons.
    creditsAdded: note.status === "voided" ? 0 : 0 - taken,
    currency: note.currency,
    description: `Credit note ${note.id}`,
    transactionDate: note.refundedAt ?? note.date,
  };
}

const TRANSACTION_STATUS: Record<string, PaymentRow["status"]> = {
  success: "SUCCESS",
  voided: "VOIDED",
  failure: "FAILED",
  late_failure: "FAILED",
  timeout: "FAILED",
};

/** Computes the payment of a refund without a credit note; its effect on credits follows from the invoice. */
export function toTransactionRow({ newest: transaction }: ResourceHistory<Transaction>): PaymentRow | null {
  if (transaction.noted) return null;
  const isReversal = transaction.type === "payment_reversal";
  return {
    source: `chargebee:${transaction.id}:transaction`,
    type: isReversal ? "CHARGEBACK" : "REFUND",
    status: TRANSACTION_STATUS[transaction.status] ?? "PENDING",
    amountMinor: 0 - transaction.amount,
    currency: transaction.currency,
    creditsAdded: 0,
    planName: null,
    description: `${isReversal ? "Reversal" : "Refund"} ${transaction.id}`,
    chargebeeCustomerId: transaction.customerId,
    chargebeeInvoiceId: transaction.invoiceId,
    transactionDate: transaction.date,
  };
}
