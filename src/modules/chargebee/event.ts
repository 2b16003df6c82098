import type { Instant } from "../clock.ts";
import { type Fields, fieldsIn, isFields, momentIn, textIn } from "./fields.ts";

/** An event of Chargebee: https://apidocs.chargebee.com/docs/api/events */
export interface ChargebeeEvent {
  id: string;
  type: string;
  occurredAt: Instant;
  customerId: string | null;
  content: Fields;
  /** The event as it is stored: without card data. */
  body: string;
}

/** Fields that are never stored, at any depth: means of payment and what identifies a card. */
const CARD_FIELDS = new Set([
  "card",
  "payment_source",
  "payment_method",
  "payment_method_details",
  "payment_intent",
  "masked_card_number",
  "masked_number",
  "iin",
  "last4",
  "bank_account",
  "created_from_ip",
]);

function withoutCards(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutCards);
  if (!isFields(value)) return value;
  const kept = Object.entries(value).filter(([name]) => !CARD_FIELDS.has(name));
  return Object.fromEntries(kept.map(([name, inner]) => [name, withoutCards(inner)]));
}

/** Finds the customer of an event; null when it names none. */
function findCustomerId(content: Fields): string | null {
  const named = ["customer", "invoice", "credit_note", "transaction", "subscription"].map((kind) => {
    const resource = fieldsIn(content[kind]);
    return textIn(kind === "customer" ? resource.id : resource.customer_id);
  });
  return named.find((id) => id !== null) ?? null;
}

/** Parses an event; null when it is none. */
export function readEvent(given: unknown): ChargebeeEvent | null {
  if (!isFields(given)) return null;
  const id = textIn(given.id);
  const type = textIn(given.event_type);
  const occurredAt = momentIn(given.occurred_at);
  if (id === null || id.length > 100 || type === null || type.length > 100) return null;
  if (occurredAt === null || !isFields(given.content)) return null;
  const kept = fieldsIn(withoutCards(given));
  const content = fieldsIn(kept.content);
  return { id, type, occurredAt, customerId: findCustomerId(content), content, body: JSON.stringify(kept) };
}
