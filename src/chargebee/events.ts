import { and, asc, eq, lte, ne } from "drizzle-orm";
import { type Instant, MINUTE } from "../clock.ts";
import { chargebeeEvents } from "../db/schema/chargebee.ts";
import type { Reader, Store, Tx } from "../db/store.ts";
import { Fault } from "../fault.ts";
import { keepPayment } from "../payments/payments.ts";
import { settleInvoice } from "./books.ts";
import type { Catalog } from "./catalog.ts";
import { brandOfCustomer, lockCustomer, noteCustomer } from "./customers.ts";
import { type ChargebeeEvent, readEvent } from "./event.ts";
import { type Fields, isFields } from "./fields.ts";
import { knownOf, note } from "./known.ts";
import { readCreditNote, readInvoice, readItemPrice, readTransaction } from "./resources.ts";
import { transactionRow } from "./rows.ts";

/** What waits for a brand or a price looks again this often; linking a customer does not wait for it. */
const LOOKS_AGAIN = 10 * MINUTE;
/** A failure is tried again after one minute, then two, and at most after an hour. */
const LONGEST_PAUSE = 60 * MINUTE;

/** Stores an event; false when it is here already. */
export async function storeEvent(tx: Tx, event: ChargebeeEvent, cameBy: "WEBHOOK" | "API"): Promise<boolean> {
  const { id, type: eventType, occurredAt, customerId, body } = event;
  const made = await tx
    .insert(chargebeeEvents)
    .values({ id, eventType, occurredAt, customerId, body, cameBy, status: "NEW", dueAt: tx.now, receivedAt: tx.now })
    .onConflictDoNothing()
    .returning({ id: chargebeeEvents.id });
  return made.length > 0;
}

/** Events that are to be worked on now, in the order in which they occurred. */
export async function dueEvents(read: Reader, now: Instant, limit: number): Promise<string[]> {
  const rows = await read
    .select({ id: chargebeeEvents.id })
    .from(chargebeeEvents)
    .where(lte(chargebeeEvents.dueAt, now))
    .orderBy(asc(chargebeeEvents.occurredAt), asc(chargebeeEvents.id))
    .limit(limit);
  return rows.map(({ id }) => id);
}

/**
 * Works on an event in one transaction: adds what it shows to what is known, and brings the books to where they should be
 * by that. However often it is done, and in whatever order with others, the books end the same.
 */
export async function processEvent(tx: Tx, id: string, catalog: Catalog): Promise<void> {
  const [stored] = await tx
    .select({ body: chargebeeEvents.body, status: chargebeeEvents.status })
    .from(chargebeeEvents)
    .where(eq(chargebeeEvents.id, id));
  if (!stored || stored.status === "DONE") return;
  const event = readEvent(JSON.parse(stored.body));
  if (event === null) throw new Error("it cannot be read as an event");
  const reasons = await apply(tx, event, catalog);
  await finish(tx, id, reasons);
}

async function finish(tx: Tx, id: string, reasons: readonly string[]): Promise<void> {
  const outcome =
    reasons.length === 0
      ? ({ status: "DONE", reason: null, dueAt: null, processedAt: tx.now } as const)
      : ({ status: "WAITING", reason: reasons.join("; ").slice(0, 1000), dueAt: tx.now + LOOKS_AGAIN } as const);
  await tx.update(chargebeeEvents).set(outcome).where(eq(chargebeeEvents.id, id));
}

/** Returns what is missing, in words for an admin; nothing when all was done. */
async function apply(tx: Tx, { customerId, content, occurredAt }: ChargebeeEvent, catalog: Catalog): Promise<string[]> {
  const price = isFields(content.item_price) ? readItemPrice(content.item_price, occurredAt) : null;
  if (price) {
    await note(tx, { kind: "item_price", id: price.id, customerId: null, belongsTo: null }, price.sight);
    await retryWaiting(tx);
  }
  if (customerId === null) return [];
  let known = await lockCustomer(tx, customerId);
  if (isFields(content.customer)) known = await noteCustomer(tx, customerId, known, content.customer);
  const { invoiceIds, transactionId } = await noteContent(tx, content, occurredAt);
  const brandId = await brandOfCustomer(tx, customerId, known);
  if (invoiceIds.length === 0 && transactionId === null) return [];
  if (brandId === null) return [`Chargebee's customer ${customerId} is no brand yet: link them`];
  const unknown: string[] = [];
  for (const invoiceId of invoiceIds) unknown.push(...(await settleInvoice(tx, { brandId, invoiceId, catalog })));
  const transaction = transactionId === null ? null : await knownOf(tx, "transaction", transactionId);
  const row = transaction && transactionRow(transaction);
  if (row) await keepPayment(tx, { brandId, ...row });
  return unknown.map((item) => `nothing says how many credits the item price ${item} brings`);
}

/** Adds the resources in an event to what is known. Returns the invoices and the transaction it tells something about. */
async function noteContent(tx: Tx, content: Fields, occurredAt: Instant) {
  const invoiceIds = new Set<string>();
  let transactionId: string | null = null;
  // One event may show several, e.g. the invoices of which a payment settled parts.
  for (const given of shown(content, "invoice")) {
    const sight = readInvoice(given, occurredAt);
    if (sight === null) continue;
    const { id, customerId, subscriptionId } = sight.state;
    await note(tx, { kind: "invoice", id, customerId, belongsTo: subscriptionId }, sight);
    invoiceIds.add(id);
  }
  for (const given of shown(content, "credit_note")) {
    const sight = readCreditNote(given, occurredAt);
    if (sight === null) continue;
    const { id, customerId, invoiceId } = sight.state;
    await note(tx, { kind: "credit_note", id, customerId, belongsTo: invoiceId }, sight);
    if (invoiceId !== null) invoiceIds.add(invoiceId);
  }
  const transaction = isFields(content.transaction) ? readTransaction(content.transaction, occurredAt) : null;
  if (transaction) {
    const { id, customerId, invoiceId } = transaction.state;
    await note(tx, { kind: "transaction", id, customerId, belongsTo: invoiceId }, transaction);
    transactionId = id;
  }
  return { invoiceIds: [...invoiceIds], transactionId };
}

/** `invoice` and `invoices`: an event has one or several. */
function shown(content: Fields, kind: string): Fields[] {
  const several = content[`${kind}s`];
  return [content[kind], ...(Array.isArray(several) ? several : [])].filter(isFields);
}

async function retryWaiting(tx: Tx): Promise<void> {
  await tx.update(chargebeeEvents).set({ dueAt: tx.now }).where(eq(chargebeeEvents.status, "WAITING"));
}

/** Notes that an event could not be worked on, and when it is tried again. */
async function noteFailure(tx: Tx, id: string, reason: string): Promise<void> {
  const [row] = await tx
    .select({ attempts: chargebeeEvents.attempts })
    .from(chargebeeEvents)
    .where(eq(chargebeeEvents.id, id));
  const attempts = (row?.attempts ?? 0) + 1;
  const dueAt = tx.now + Math.min(LONGEST_PAUSE, MINUTE * 2 ** Math.min(attempts - 1, 10));
  await tx
    .update(chargebeeEvents)
    .set({ status: "FAILED", reason: reason.slice(0, 1000), attempts, dueAt })
    .where(and(eq(chargebeeEvents.id, id), ne(chargebeeEvents.status, "DONE")));
}

/** What an admin may read: other errors name rows and statements, and stand in the log. */
function reasonOf(failure: Error): string {
  return failure instanceof Fault ? failure.message : `it could not be worked on (${failure.name}): see the log`;
}

/** Works on one event and notes how that ended. Never rejects for the event's sake, only for the database's. */
export async function workOn(store: Store, id: string, catalog: Catalog): Promise<"WORKED" | Error> {
  try {
    await store.write((tx) => processEvent(tx, id, catalog));
    return "WORKED";
  } catch (error) {
    const failure = error instanceof Error ? error : new Error(String(error));
    await store.write((tx) => noteFailure(tx, id, reasonOf(failure)));
    return failure;
  }
}
