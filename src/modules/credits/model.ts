import { t } from "elysia";
import { CursorQuery, Id, Nullable, PageLimit, Timestamp } from "../../http/schemas.ts";
import { TAMPER_KINDS } from "./tamper-report.ts";

const CREDIT_TYPES = ["EMAIL", "SMS", "VOICEMAIL", "SKIPTRACE"] as const;
export type CreditType = (typeof CREDIT_TYPES)[number];

// Credits in requests and responses have at most three decimals, since they are stored as integer thousandths.

export const Balance = t.Object({
  brandId: t.String(),
  creditAvailable: t.Number({ description: "subscriptionCredits + purchasedCredits, net of holds", examples: [740] }),
  subscriptionCredits: t.Number({ examples: [500] }),
  purchasedCredits: t.Number({ examples: [240] }),
  totalReserved: t.Number({ description: "Held for scheduled messages", examples: [60] }),
  totalUsed: t.Number({ examples: [200] }),
  totalExpired: t.Number({ examples: [0] }),
  totalClawedBack: t.Number({ examples: [0] }),
  creditDebt: t.Number({ description: "Refunded after it was spent: repaid from the next grants", examples: [0] }),
  totalGranted: t.Number({
    description: "The sum of available, reserved, used, expired and clawed back credits",
    examples: [1000],
  }),
});
export type Balance = typeof Balance.static;

/** Null while the credits last a week. */
export const LowBalance = t.Union([
  t.Object(
    {
      available: t.Number({ examples: [40] }),
      neededNext7Days: t.Number({ description: "Cost of running campaigns without replies", examples: [120] }),
      runsOutAt: Timestamp,
    },
    { description: "A warning: the credits do not last the next seven days" },
  ),
  t.Null(),
]);
export type LowBalance = typeof LowBalance.static;

const Kind = t.Union([
  t.Literal("GRANT"),
  t.Literal("HOLD"),
  t.Literal("SETTLE"),
  t.Literal("RELEASE"),
  t.Literal("EXPIRE"),
  t.Literal("CHARGE"),
  t.Literal("REVIVE"),
  t.Literal("CLAWBACK"),
  t.Literal("DEBT"),
  t.Literal("REPAY"),
  t.Literal("RETURN"),
]);

export const Entry = t.Object({
  id: Id,
  seq: t.Integer({ description: "Counts the brand's entries from 1", examples: [17] }),
  kind: Kind,
  credits: t.Number({ examples: [1.5] }),
  lotId: Nullable(t.String({ description: "Null for a debt without a lot" })),
  creditType: Nullable(t.String({ examples: ["EMAIL"] })),
  campaignId: Nullable(t.String()),
  messageId: Nullable(t.String()),
  reason: Nullable(t.String()),
  actorId: Nullable(t.String({ description: "The admin who granted" })),
  createdAt: Timestamp,
});
export type Entry = typeof Entry.static;

export const LedgerQuery = t.Object({
  cursor: CursorQuery,
  limit: PageLimit,
  kind: t.Optional(Kind),
  brandId: t.Optional(Id),
  campaignId: t.Optional(Id),
  messageId: t.Optional(Id),
  from: t.Optional(Timestamp),
  to: t.Optional(Timestamp),
});

const Weight = t.Number({ minimum: 0, description: "Credits for one unit, at most 3 decimals", examples: [1.5] });

export const WeightsShape = t.Object({ EMAIL: Weight, SKIPTRACE: Weight, SMS: Weight, VOICEMAIL: Weight });

export const WeightChange = t.Object({
  creditType: t.Union([t.Literal("EMAIL"), t.Literal("SMS"), t.Literal("VOICEMAIL")]),
  weight: Weight,
});

export const EnrichmentWeightChange = t.Object({ weight: Weight });

const EntryFault = t.Object({
  brandId: t.String(),
  entryId: Nullable(t.String({ description: "Null for a deleted entry" })),
  seq: t.Number({
    description: "The number of the entry in its brand's ledger; for an account the number of its entries",
    examples: [17],
  }),
  subject: t.UnionEnum(["ENTRY", "ACCOUNT", "LOT"], { description: "The kind of row" }),
  fault: t.UnionEnum(TAMPER_KINDS, {
    description:
      "CHANGED: the fields were changed. FORGED: the MAC was not made with the ledger's key. INSERTED: the row was never written. MISSING: the row was deleted. REPLAYED: an earlier version of the row. OTHER_KEY: signed with another key. ROLLED_BACK: an anchor has more entries",
  }),
  difference: Nullable(
    t.Number({
      description: "Credits in excess; negative for missing credits; null when unknown",
    }),
  ),
  detail: t.String({ examples: ["was changed: it is a SETTLE of 15 credits, and was written as 1.5 credits"] }),
});

export const LedgerReport = t.Object({
  success: t.Literal(true),
  ok: t.Boolean({ description: "Every balance is the sum of its entries, and no row was tampered with" }),
  faults: t.Array(EntryFault, { examples: [[]], description: "Rows that were tampered with; at most 100" }),
  brands: t.Integer(),
  entries: t.Integer(),
  drifts: t.Array(t.Object({ brandId: t.String(), what: t.String(), expected: t.Number(), found: t.Number() }), {
    examples: [[]],
  }),
});

export const CreditsQuery = t.Object({
  page: t.Optional(t.Number({ minimum: 1, multipleOf: 1, default: 1 })),
  limit: t.Optional(t.Number({ minimum: 1, maximum: 100, multipleOf: 1, default: 10 })),
});

const CampaignCredits = t.Object({
  campaignId: t.String(),
  campaignName: t.String({ examples: ["Spring"] }),
  creditType: t.String({ examples: ["EMAIL"] }),
  creditReserved: t.Number({ description: "Held for scheduled messages", examples: [40] }),
  creditUsed: t.Number({ examples: [210] }),
});
export type CampaignCredits = typeof CampaignCredits.static;

const BrandCredits = t.Object({
  brandId: t.String(),
  brandName: t.String({ examples: ["Northwind Outreach"] }),
  ownerName: Nullable(t.String({ examples: ["Ada Lovelace"] })),
  ownerEmail: Nullable(t.String({ examples: ["ada@example.com"] })),
  creditAvailable: t.Number({ description: "subscriptionCredits + purchasedCredits, net of holds", examples: [740] }),
  subscriptionCredits: t.Number({ examples: [500] }),
  purchasedCredits: t.Number({ examples: [240] }),
  totalReserved: t.Number({ examples: [60] }),
  totalUsed: t.Number({ examples: [200] }),
  creditDebt: t.Number({ description: "Refunded after it was spent", examples: [0] }),
  totalCampaigns: t.Number({ examples: [1] }),
  campaignCredits: t.Array(CampaignCredits, { description: "A row for each campaign and credit type it used" }),
});
export type BrandCredits = typeof BrandCredits.static;

export const CreditsPage = t.Object({
  success: t.Boolean(),
  message: t.String({ examples: ["1 brand"] }),
  credits: t.Array(BrandCredits),
  pagination: t.Object({
    currentPage: t.Number({ examples: [1] }),
    limit: t.Number({ examples: [10] }),
    totalItems: t.Number({ examples: [1] }),
    totalPages: t.Number({ examples: [1] }),
  }),
});

const CreditStats = t.Object({
  totalBrands: t.Number({ examples: [2] }),
  totalAvailable: t.Number({ examples: [1480] }),
  totalReserved: t.Number({ examples: [120] }),
  totalUsed: t.Number({ examples: [400] }),
});
export type CreditStats = typeof CreditStats.static;
export const Stats = t.Object({
  success: t.Boolean(),
  message: t.String({ examples: ["Credits of 2 brands"] }),
  stats: CreditStats,
});
