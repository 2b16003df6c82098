import { index, instant, table, text, thousandths, uniqueIndex, whole, word } from "../columns.ts";
import { brands } from "./brands.ts";

/** One movement of money, and the credits it brought or took back. */
export const payments = table(
  "payments",
  {
    id: text("id").primaryKey(),
    brandId: text("brand_id")
      .notNull()
      .references(() => brands.id),
    /** Who paid: the brand's owner then; null where the brand had none. */
    userId: text("user_id"),
    type: word("type", ["SUBSCRIPTION", "CREDIT_PURCHASE", "REFUND", "CHARGEBACK", "ADJUSTMENT"]).notNull(),
    status: word("status", ["PENDING", "SUCCESS", "FAILED", "VOIDED", "REFUNDED"]).notNull(),
    /** In the currency's smallest unit: cents, and whole yen. Negative when the money went back. */
    amountMinor: whole("amount_minor").notNull(),
    /** ISO 4217, upper case. */
    currency: text("currency").notNull(),
    creditsAdded: thousandths("credits_added").notNull(),
    /** Null for one-off packs. */
    planName: text("plan_name"),
    description: text("description"),
    chargebeeCustomerId: text("chargebee_customer_id"),
    chargebeeInvoiceId: text("chargebee_invoice_id"),
    /** Makes a payment unique: the same source is one row, however often it is told. */
    source: text("source"),
    transactionDate: instant("transaction_date").notNull(),
    createdAt: instant("created_at").notNull(),
  },
  (t) => [
    uniqueIndex("payments_source").on(t.source),
    index("payments_date").on(t.transactionDate, t.id),
    index("payments_brand").on(t.brandId, t.transactionDate, t.id),
  ],
);
