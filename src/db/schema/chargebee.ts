import {
  bigint,
  enumText,
  index,
  integer,
  json,
  primaryKey,
  rawCondition,
  table,
  text,
  timestampMs,
} from "../columns.ts";
import { brands } from "./brands.ts";

/** Events of Chargebee. An event that is delivered several times is one row. */
export const chargebeeEvents = table(
  "chargebee_events",
  {
    id: text("id").primaryKey(),
    eventType: text("event_type").notNull(),
    occurredAt: timestampMs("occurred_at").notNull(),
    customerId: text("customer_id"),
    /** The event as received, without card data. */
    body: text("body").notNull(),
    /** WEBHOOK, or API: found by a reconciliation. */
    cameBy: enumText("came_by", ["WEBHOOK", "API"]).notNull(),
    /** WAITING: processed as far as possible, but a brand or a price is missing; `reason` names it. */
    status: enumText("status", ["NEW", "WAITING", "FAILED", "DONE"]).notNull(),
    reason: text("reason"),
    attempts: integer("attempts").notNull().default(0),
    /** The time of the next attempt; null when it is done. */
    dueAt: timestampMs("due_at"),
    receivedAt: timestampMs("received_at").notNull(),
    processedAt: timestampMs("processed_at"),
  },
  (t) => [
    index("chargebee_events_due").on(t.dueAt).where(rawCondition("due_at is not null")),
    index("chargebee_events_status").on(t.status, t.occurredAt, t.id),
    index("chargebee_events_received").on(t.occurredAt, t.id),
    index("chargebee_events_customer").on(t.customerId),
  ],
);

/** Invoices, credit notes, payments and prices: the newest state of each, and when it was paid or reversed before. */
export const chargebeeResources = table(
  "chargebee_resources",
  {
    kind: enumText("kind", ["invoice", "credit_note", "transaction", "item_price"]).notNull(),
    id: text("id").notNull(),
    customerId: text("customer_id"),
    /** The subscription of an invoice, the invoice of a credit note or a payment. */
    belongsTo: text("belongs_to"),
    version: bigint("version").notNull(),
    facts: json("facts").$type<unknown>().notNull(),
    updatedAt: timestampMs("updated_at").notNull(),
  },
  (t) => [
    primaryKey({ name: "chargebee_resources_key", columns: [t.kind, t.id] }),
    index("chargebee_resources_belonging").on(t.kind, t.belongsTo),
  ],
);

/** Customers of Chargebee and their brands. */
export const chargebeeCustomers = table(
  "chargebee_customers",
  {
    customerId: text("customer_id").primaryKey(),
    /** Null until it is found; then it never changes. */
    brandId: text("brand_id").references(() => brands.id),
    /** Value of the newest customer record in Chargebee. */
    email: text("email"),
    namedBrandId: text("named_brand_id"),
    version: bigint("version").notNull(),
    /** The admin who linked the brand; null when it was found automatically. */
    linkedBy: text("linked_by"),
    createdAt: timestampMs("created_at").notNull(),
  },
  (t) => [index("chargebee_customers_brand").on(t.brandId)],
);

/** Reconciliations: queries of Chargebee's API for events that no webhook delivered. */
export const chargebeeReconciliations = table(
  "chargebee_reconciliations",
  {
    id: text("id").primaryKey(),
    startedAt: timestampMs("started_at").notNull(),
    /** Time after which requested events occurred. */
    since: timestampMs("since").notNull(),
    finishedAt: timestampMs("finished_at"),
    seen: integer("seen").notNull().default(0),
    /** The part of them that had not arrived before. */
    added: integer("added").notNull().default(0),
    error: text("error"),
  },
  (t) => [index("chargebee_reconciliations_started").on(t.startedAt)],
);
