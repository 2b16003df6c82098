import { t } from "elysia";
import { Id, Nullable, Timestamp } from "../../http/schemas.ts";

export const TYPES = ["SUBSCRIPTION", "CREDIT_PURCHASE", "REFUND", "CHARGEBACK", "ADJUSTMENT"] as const;
export type Type = (typeof TYPES)[number];
export const STATUSES = ["PENDING", "SUCCESS", "FAILED", "VOIDED", "REFUNDED"] as const;
export type Status = (typeof STATUSES)[number];

/** All fields are text, as in the reference API; `routes.ts` parses them. */
export const PaymentQuery = t.Object({
  page: t.Optional(t.String({ maxLength: 20, default: "1", description: "A whole number from 1", examples: ["1"] })),
  limit: t.Optional(
    t.String({ maxLength: 20, default: "20", description: "A whole number from 1 to 100", examples: ["20"] }),
  ),
  status: t.Optional(t.String({ maxLength: 40, description: STATUSES.join(", "), examples: ["SUCCESS"] })),
  type: t.Optional(t.String({ maxLength: 40, description: TYPES.join(", "), examples: ["CREDIT_PURCHASE"] })),
  brandId: t.Optional(Id),
});

export const Transaction = t.Object({
  id: t.String(),
  brandId: t.String(),
  brandName: Nullable(t.String({ examples: ["Northwind Outreach"] })),
  userId: Nullable(t.String({ description: "The owner of the brand at that time" })),
  userName: Nullable(t.String({ examples: ["Ada Lovelace"] })),
  userEmail: Nullable(t.String({ examples: ["ada@example.com"] })),
  type: t.String({ description: TYPES.join(", "), examples: ["CREDIT_PURCHASE"] }),
  status: t.String({ description: STATUSES.join(", "), examples: ["SUCCESS"] }),
  amount: t.Number({ description: "In units of the currency; negative for money that was returned", examples: [49.9] }),
  amountMinor: t.Integer({ description: "In the smallest unit of the currency", examples: [4990] }),
  currency: t.String({ examples: ["USD"] }),
  creditsAdded: t.Number({ description: "Negative for credits that were taken back", examples: [1000] }),
  planName: Nullable(t.String({ description: "Null for one-off packs" })),
  description: Nullable(t.String()),
  chargebeeCustomerId: Nullable(t.String()),
  chargebeeInvoiceId: Nullable(t.String()),
  transactionDate: Timestamp,
});
export type Transaction = typeof Transaction.static;

export const PaymentPage = t.Object({
  success: t.Boolean(),
  transactions: t.Array(Transaction),
  pagination: t.Object({
    page: t.Number({ examples: [1] }),
    pageSize: t.Number({ examples: [20] }),
    total: t.Number({ examples: [1] }),
    totalPages: t.Number({ examples: [1] }),
  }),
});

/** A payment for granted credits outside of the billing provider, e.g. a bank transfer. */
export const PaymentDetails = t.Object({
  amount: t.Number({ exclusiveMinimum: 0, maximum: 1_000_000_000, examples: [49.9] }),
  currency: t.String({ minLength: 3, maxLength: 3, description: "ISO 4217", examples: ["USD"] }),
  description: t.Optional(t.String({ maxLength: 300, examples: ["Bank transfer 4711"] })),
  planName: t.Optional(t.String({ maxLength: 120 })),
  paidAt: t.Optional(t.String({ format: "date-time", description: "Not in the future; default: now" })),
});
export type PaymentDetails = typeof PaymentDetails.static;

export const Grant = t.Object({
  brandId: Id,
  // At most three decimals, since credits are stored as integer thousandths.
  credits: t.Number({ exclusiveMinimum: 0, maximum: 1_000_000_000, examples: [1000] }),
  kind: t.Optional(t.Union([t.Literal("SUBSCRIPTION"), t.Literal("PURCHASED")], { default: "PURCHASED" })),
  expiresAt: t.Optional(Nullable(Timestamp)),
  reason: t.String({ minLength: 1, maxLength: 300, pattern: "\\S", examples: ["Welcome credits"] }),
  payment: t.Optional(PaymentDetails),
});
export type Grant = typeof Grant.static;
