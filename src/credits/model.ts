import { t } from "elysia";
import { Id, Nullable } from "../http/model.ts";

export const CREDIT_TYPES = ["EMAIL", "SMS", "VOICEMAIL", "SKIPTRACE"] as const;
export type CreditType = (typeof CREDIT_TYPES)[number];

/** Credits as they stand on the wire: at most three decimals, because inside they are integer thousandths. */
export const Credits = t.Number({ minimum: 0, maximum: 1_000_000_000, examples: [1000] });

export const Grant = t.Object({
  brandId: Id,
  credits: Credits,
  kind: t.Optional(t.Union([t.Literal("SUBSCRIPTION"), t.Literal("PURCHASED")])),
  expiresAt: t.Optional(Nullable(t.String({ format: "date-time" }))),
  reason: t.String({ minLength: 1, maxLength: 300, examples: ["Welcome credits"] }),
});

export const Balance = t.Object({
  brandId: t.String(),
  creditAvailable: t.Number(),
  subscriptionCredits: t.Number(),
  purchasedCredits: t.Number(),
  totalReserved: t.Number(),
  totalUsed: t.Number(),
  totalExpired: t.Number(),
  totalGranted: t.Number(),
});
export type Balance = typeof Balance.static;
