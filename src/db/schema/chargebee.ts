import { index, instant, integer, json, primaryKey, table, text, where, whole, word } from "../columns.ts";
import { brands } from "./brands.ts";

/** What Chargebee told us, once each, however often it was told. */
export const chargebeeEvents = table(
  "chargebee_events",
  {
    id: text("id").primaryKey(),
    eventType: text("event_type").notNull(),
    occurredAt: instant("occurred_at").notNull(),
    customerId: text("customer_id"),
    /** As it came, but for what it said of cards. */
    body: text("body").notNull(),
    /** How it came: by webhook, or because we asked. */
    cameBy: word("came_by", ["WEBHOOK", "API"]).notNull(),
    /** WAITING: it was understood, and something it needs is missing; `reason` says what. */
    status: word("status", ["NEW", "WAITING", "FAILED", "DONE"]).notNull(),
    reason: text("reason"),
    attempts: integer("attempts").notNull().default(0),
    /** When it is tried next; null when it is done. */
    dueAt: instant("due_at"),
    receivedAt: instant("received_at").notNull(),
    processedAt: instant("processed_at"),
  },
  (t) => [
    index("chargebee_events_due").on(t.dueAt).where(where("due_at is not null")),
    index("chargebee_events_status").on(t.status, t.occurredAt, t.id),
    index("chargebee_events_received").on(t.occurredAt, t.id),
    index("chargebee_events_customer").on(t.customerId),
  ],
);

/** What is known of each invoice, credit note, payment and price: its newest state, and the turns it took before. */
export const chargebeeResources = table(
  "chargebee_resources",
  {
    kind: word("kind", ["invoice", "credit_note", "transaction", "item_price"]).notNull(),
    id: text("id").notNull(),
    customerId: text("customer_id"),
    /** The subscription of an invoice, the invoice of a credit note or a payment. */
    belongsTo: text("belongs_to"),
    version: whole("version").notNull(),
    facts: json("facts").$type<unknown>().notNull(),
    updatedAt: instant("updated_at").notNull(),
  },
  (t) => [
    primaryKey({ name: "chargebee_resources_key", columns: [t.kind, t.id] }),
    index("chargebee_resources_belonging").on(t.kind, t.belongsTo),
  ],
);

/** Which brand a customer of Chargebee is. */
export const chargebeeCustomers = table(
  "chargebee_customers",
  {
    customerId: text("customer_id").primaryKey(),
    /** Null until it is known; then it stays. */
    brandId: text("brand_id").references(() => brands.id),
    /** What the customer's own newest record says. */
    email: text("email"),
    namedBrandId: text("named_brand_id"),
    version: whole("version").notNull(),
    /** The admin who said so; null when it was found. */
    linkedBy: text("linked_by"),
    createdAt: instant("created_at").notNull(),
  },
  (t) => [index("chargebee_customers_brand").on(t.brandId)],
);

/** Each time Chargebee was asked for what never arrived. */
export const chargebeeReconciliations = table(
  "chargebee_reconciliations",
  {
    id: text("id").primaryKey(),
    startedAt: instant("started_at").notNull(),
    /** Events that occurred after this were asked for. */
    since: instant("since").notNull(),
    finishedAt: instant("finished_at"),
    seen: integer("seen").notNull().default(0),
    /** Those of them that had never arrived. */
    added: integer("added").notNull().default(0),
    error: text("error"),
  },
  (t) => [index("chargebee_reconciliations_started").on(t.startedAt)],
);
