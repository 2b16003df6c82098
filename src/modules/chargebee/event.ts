import type { Instant } from "../../lib/clock.ts";
import { type Fields, isFields, parseUnixSeconds, toFields, toText } from "../../lib/json-fields.ts";

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

/** Fields that are never stored, at any depth: means of payment and identifiers of a card. */
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
    const resource = toFields(content[kind]);
    return toText(kind === "customer" ? resource.id : resource.customer_id);
  });
  return named.find((id) => id !== null) ?? null;
}

/** Parses an event; null when it is none. */
export function parseEvent(given: unknown): ChargebeeEvent | null {
  if (!isFields(given)) return null;
  const id = toText(given.id);
  const type = toText(given.event_type);
  const occurredAt = parseUnixSeconds(given.occurred_at);
  if (id === null || id.length > 100 || type === null || type.length > 100) return null;
  if (occurredAt === null || !isFields(given.content)) return null;
  const kept = toFields(withoutCards(given));
  const content = toFields(kept.content);
  return { id, type, occurredAt, customerId: findCustomerId(content), content, body: JSON.stringify(kept) };
}
