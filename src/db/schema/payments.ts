import { bigint, enumText, index, table, text, thousandths, timestampMs, uniqueIndex } from "../columns.ts";
import { brands } from "./brands.ts";

/** Payments and refunds, with the credits they granted or took back. */
export const payments = table(
  "payments",
  {
    id: text("id").primaryKey(),
    brandId: text("brand_id")
      .notNull()
      .references(() => brands.id),
    /** The brand's owner at that time; null where the brand had none. */
    userId: text("user_id"),
    type: enumText("type", ["SUBSCRIPTION", "CREDIT_PURCHASE", "REFUND", "CHARGEBACK", "ADJUSTMENT"]).notNull(),
    status: enumText("status", ["PENDING", "SUCCESS", "FAILED", "VOIDED", "REFUNDED"]).notNull(),
    /** Amount in the currency's smallest unit (cents, whole yen). Negative for money that was returned. */
    amountMinor: bigint("amount_minor").notNull(),
    /** ISO 4217, upper case. */
    currency: text("currency").notNull(),
    creditsAdded: thousandths("credits_added").notNull(),
    /** Null for one-off packs. */
    planName: text("plan_name"),
    description: text("description"),
    chargebeeCustomerId: text("chargebee_customer_id"),
    chargebeeInvoiceId: text("chargebee_invoice_id"),
    /** Makes a payment unique: a source is one row, however often it is reported. */
    source: text("source"),
    transactionDate: timestampMs("transaction_date").notNull(),
    createdAt: timestampMs("created_at").notNull(),
  },
  (t) => [
    uniqueIndex("payments_source").on(t.source),
    index("payments_date").on(t.transactionDate, t.id),
    index("payments_brand").on(t.brandId, t.transactionDate, t.id),
  ],
);
