import { and, asc, eq, lte, ne } from "drizzle-orm";
import { chargebeeEvents } from "../../db/schema/chargebee.ts";
import type { Reader, Store, Tx } from "../../db/store.ts";
import { type Instant, MINUTE } from "../../lib/clock.ts";
import { AppError } from "../../lib/errors.ts";
import { type Fields, isFields } from "../../lib/json-fields.ts";
import { upsertPayment } from "../payments/payments.ts";
import type { Catalog } from "./catalog.ts";
import { findBrandOfCustomer, lockCustomer, updateCustomer } from "./customers.ts";
import { type ChargebeeEvent, parseEvent } from "./event.ts";
import { toTransactionRow } from "./payment-rows.ts";
import { findResource, recordObservation } from "./resource-store.ts";
import { parseCreditNote, parseInvoice, parseItemPrice, parseTransaction } from "./resources.ts";
import { settleInvoice } from "./settle-invoice.ts";

/** Interval at which an event that waits for a brand or a price is retried. Linking a customer retries at once. */
const WAITING_RETRY_MS = 10 * MINUTE;
/** A failed event is retried after one minute, then two, and so on up to this. */
const MAX_RETRY_DELAY_MS = 60 * MINUTE;

/** Stores an event as due; false when it was stored before. */
export async function storeEvent(tx: Tx, event: ChargebeeEvent, source: "WEBHOOK" | "API"): Promise<boolean> {
  const { id, type: eventType, occurredAt, customerId, body } = event;
  const made = await tx
    .insert(chargebeeEvents)
    .values({
      id,
      eventType,
      occurredAt,
      customerId,
      body,
      cameBy: source,
      status: "NEW",
      dueAt: tx.now,
      receivedAt: tx.now,
    })
    .onConflictDoNothing()
    .returning({ id: chargebeeEvents.id });
  return made.length > 0;
}

/** Lists the ids of due events, in the order in which they occurred. */
export async function listDueEvents(read: Reader, now: Instant, limit: number): Promise<string[]> {
  const rows = await read
    .select({ id: chargebeeEvents.id })
    .from(chargebeeEvents)
    .where(lte(chargebeeEvents.dueAt, now))
    .orderBy(asc(chargebeeEvents.occurredAt), asc(chargebeeEvents.id))
    .limit(limit);
  return rows.map(({ id }) => id);
}

/**
 * Processes an event in one transaction: records the resources that it contains, and posts the resulting ledger entries.
 * Processing events several times and in any order leads to the same ledger.
 */
async function processEvent(tx: Tx, id: string, catalog: Catalog): Promise<void> {
  const [stored] = await tx
    .select({ body: chargebeeEvents.body, status: chargebeeEvents.status })
    .from(chargebeeEvents)
    .where(eq(chargebeeEvents.id, id));
  if (!stored || stored.status === "DONE") return;
  const event = parseEvent(JSON.parse(stored.body));
  if (event === null) throw new Error("the stored body is no event");
  const reasons = await apply(tx, event, catalog);
  await finish(tx, id, reasons);
}

async function finish(tx: Tx, id: string, reasons: readonly string[]): Promise<void> {
  const outcome =
    reasons.length === 0
      ? ({ status: "DONE", reason: null, dueAt: null, processedAt: tx.now } as const)
      : ({ status: "WAITING", reason: reasons.join("; ").slice(0, 1000), dueAt: tx.now + WAITING_RETRY_MS } as const);
  await tx.update(chargebeeEvents).set(outcome).where(eq(chargebeeEvents.id, id));
}

/** Returns the missing data as sentences for an admin; empty when the event is done. */
async function apply(tx: Tx, { customerId, content, occurredAt }: ChargebeeEvent, catalog: Catalog): Promise<string[]> {
  const price = isFields(content.item_price) ? parseItemPrice(content.item_price, occurredAt) : null;
  if (price) {
    await recordObservation(tx, { kind: "item_price", id: price.id, customerId: null, belongsTo: null }, price.sight);
    await retryWaiting(tx);
  }
  if (customerId === null) return [];
  let customer = await lockCustomer(tx, customerId);
  if (isFields(content.customer)) customer = await updateCustomer(tx, customerId, customer, content.customer);
  const { invoiceIds, transactionId } = await recordContent(tx, content, occurredAt);
  const brandId = await findBrandOfCustomer(tx, customerId, customer);
  if (invoiceIds.length === 0 && transactionId === null) return [];
  if (brandId === null) return [`the customer ${customerId} has no brand: link it`];
  const unknown: string[] = [];
  for (const invoiceId of invoiceIds) unknown.push(...(await settleInvoice(tx, { brandId, invoiceId, catalog })));
  const transaction = transactionId === null ? null : await findResource(tx, "transaction", transactionId);
  const row = transaction && toTransactionRow(transaction);
  if (row) await upsertPayment(tx, { brandId, ...row });
  return unknown.map((item) => `the item price ${item} has no number of credits: set CHARGEBEE_CREDITS`);
}

/** Records the resources of an event. Returns the ids of the invoices and of the transaction that it concerns. */
async function recordContent(tx: Tx, content: Fields, occurredAt: Instant) {
  const invoiceIds = new Set<string>();
  let transactionId: string | null = null;
  // An event may contain several, e.g. all invoices that a payment settled in part.
  for (const given of listContent(content, "invoice")) {
    const observation = parseInvoice(given, occurredAt);
    if (observation === null) continue;
    const { id, customerId, subscriptionId } = observation.state;
    await recordObservation(tx, { kind: "invoice", id, customerId, belongsTo: subscriptionId }, observation);
    invoiceIds.add(id);
  }
  for (const given of listContent(content, "credit_note")) {
    const observation = parseCreditNote(given, occurredAt);
    if (observation === null) continue;
    const { id, customerId, invoiceId } = observation.state;
    await recordObservation(tx, { kind: "credit_note", id, customerId, belongsTo: invoiceId }, observation);
    if (invoiceId !== null) invoiceIds.add(invoiceId);
  }
  const transaction = isFields(content.transaction) ? parseTransaction(content.transaction, occurredAt) : null;
  if (transaction) {
    const { id, customerId, invoiceId } = transaction.state;
    await recordObservation(tx, { kind: "transaction", id, customerId, belongsTo: invoiceId }, transaction);
    transactionId = id;
  }
  return { invoiceIds: [...invoiceIds], transactionId };
}

/** Lists the resources of a kind: an event has `invoice`, `invoices`, or both. */
function listContent(content: Fields, kind: string): Fields[] {
  const several = content[`${kind}s`];
  return [content[kind], ...(Array.isArray(several) ? several : [])].filter(isFields);
}

async function retryWaiting(tx: Tx): Promise<void> {
  await tx.update(chargebeeEvents).set({ dueAt: tx.now }).where(eq(chargebeeEvents.status, "WAITING"));
}

/** Records a failed attempt and schedules the next one. */
async function recordFailure(tx: Tx, id: string, reason: string): Promise<void> {
  const [row] = await tx
    .select({ attempts: chargebeeEvents.attempts })
    .from(chargebeeEvents)
    .where(eq(chargebeeEvents.id, id));
  const attempts = (row?.attempts ?? 0) + 1;
  const dueAt = tx.now + Math.min(MAX_RETRY_DELAY_MS, MINUTE * 2 ** Math.min(attempts - 1, 10));
  await tx
    .update(chargebeeEvents)
    .set({ status: "FAILED", reason: reason.slice(0, 1000), attempts, dueAt })
    .where(and(eq(chargebeeEvents.id, id), ne(chargebeeEvents.status, "DONE")));
}

/** Returns a reason that admins may read. Other errors contain SQL and are only logged. */
function publicReason(failure: Error): string {
  return failure instanceof AppError ? failure.message : `processing failed (${failure.name}): see the log`;
}

/** Processes an event and records a failure. Rejects only when the failure itself cannot be recorded. */
export async function tryProcessEvent(store: Store, id: string, catalog: Catalog): Promise<"WORKED" | Error> {
  try {
    await store.write((tx) => processEvent(tx, id, catalog));
    return "WORKED";
  } catch (error) {
    const failure = error instanceof Error ? error : new Error(String(error));
    await store.write((tx) => recordFailure(tx, id, publicReason(failure)));
    return failure;
  }
}
