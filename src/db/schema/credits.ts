import { sql } from "drizzle-orm";
import {
  bigint,
  check,
  enumText,
  index,
  integer,
  primaryKey,
  rawCondition,
  table,
  text,
  thousandths,
  timestampMs,
  uniqueIndex,
} from "../columns.ts";
import { brands } from "./brands.ts";

// All amounts are integer thousandths of a credit.

export const ENTRY_KINDS = [
  "GRANT",
  "HOLD",
  "SETTLE",
  "RELEASE",
  "CHARGE",
  "EXPIRE",
  "REVIVE",
  "CLAWBACK",
  "DEBT",
  "REPAY",
  "RETURN",
] as const;

/** A brand's balances. They always equal the sum of its ledger entries and are updated in the same transaction. */
export const creditAccounts = table(
  "credit_accounts",
  {
    brandId: text("brand_id")
      .primaryKey()
      .references(() => brands.id),
    granted: thousandths("granted").notNull(),
    available: thousandths("available").notNull(),
    reserved: thousandths("reserved").notNull(),
    used: thousandths("used").notNull(),
    expired: thousandths("expired").notNull(),
    clawedBack: thousandths("clawed_back").notNull(),
    /** Credits that were refunded and could not be taken back yet. */
    debt: thousandths("debt").notNull().default(0),
    /** The number of ledger entries of the brand, which is the `seq` of the newest. */
    entries: bigint("entries").notNull().default(0),
    /** The hash chain over the MACs of all its entries: see `modules/credits/mac.ts`. */
    head: text("head").notNull().default(""),
    /** The MAC of the fields above, with the ledger's key. */
    seal: text("seal").notNull().default(""),
    /** Since when the next week costs more than is available. The warning is sent once until that changes. */
    lowSince: timestampMs("low_since"),
  },
  (t) => [
    check("credit_accounts_nothing_negative", sql`${t.available} >= 0 and ${t.reserved} >= 0 and ${t.used} >= 0`),
    /** A brand with a debt has nothing to spend. */
    check("credit_accounts_debt", sql`${t.debt} >= 0 and (${t.debt} = 0 or ${t.available} = 0)`),
    check(
      "credit_accounts_balanced",
      sql`${t.granted} = ${t.available} + ${t.reserved} + ${t.used} + ${t.expired} + ${t.clawedBack}`,
    ),
  ],
);

/** Credits that were granted together and expire together. */
export const creditLots = table(
  "credit_lots",
  {
    id: text("id").primaryKey(),
    brandId: text("brand_id")
      .notNull()
      .references(() => brands.id),
    kind: enumText("kind", ["SUBSCRIPTION", "PURCHASED"]).notNull(),
    granted: thousandths("granted").notNull(),
    /** Credits that are neither held nor used nor expired. */
    remaining: thousandths("remaining").notNull(),
    /** Written off when the lot expired. */
    expired: thousandths("expired").notNull().default(0),
    /** Taken to repay the refund of another lot. */
    repaid: thousandths("repaid").notNull().default(0),
    expiresAt: timestampMs("expires_at"),
    /** Makes a grant unique: a source grants once. */
    source: text("source"),
    createdAt: timestampMs("created_at").notNull(),
    /** The MAC of the fields that the grant set, with the ledger's key. */
    seal: text("seal").notNull().default(""),
  },
  (t) => [
    check("credit_lots_remaining", sql`${t.remaining} >= 0 and ${t.remaining} <= ${t.granted}`),
    check("credit_lots_gone", sql`${t.expired} >= 0 and ${t.repaid} >= 0`),
    uniqueIndex("credit_lots_source").on(t.source),
    index("credit_lots_spendable").on(t.brandId, t.expiresAt).where(rawCondition("remaining > 0")),
  ],
);

/** Credits of one lot reserved for one message. Ending a hold deletes it, so it ends only once. */
export const creditHolds = table(
  "credit_holds",
  {
    messageId: text("message_id").notNull(),
    lotId: text("lot_id").notNull(),
    brandId: text("brand_id").notNull(),
    campaignId: text("campaign_id").notNull(),
    creditType: enumText("credit_type", ["EMAIL", "SMS", "VOICEMAIL", "SKIPTRACE"]).notNull(),
    amount: thousandths("amount").notNull(),
    /** Credits per unit when the hold was made. A later price change does not affect it. */
    weight: thousandths("weight").notNull(),
  },
  (t) => [
    primaryKey({ name: "credit_holds_key", columns: [t.messageId, t.lotId] }),
    check("credit_holds_amount", sql`${t.amount} >= 0`),
  ],
);

/** Credits to be taken back for a refund, a chargeback or a void. The primary key rejects a repeated source. */
export const creditClawbacks = table(
  "credit_clawbacks",
  {
    source: text("source").primaryKey(),
    brandId: text("brand_id")
      .notNull()
      .references(() => brands.id),
    amount: thousandths("amount").notNull(),
    /** The source of the lot that was refunded. */
    lotSource: text("lot_source"),
    reason: text("reason").notNull(),
    actorId: text("actor_id"),
    /** Time when the money was returned. */
    at: timestampMs("at").notNull(),
    /** Null while the refunded lot has not been granted: a refund may arrive before its payment. */
    doneAt: timestampMs("done_at"),
    createdAt: timestampMs("created_at").notNull(),
  },
  (t) => [
    check("credit_clawbacks_amount", sql`${t.amount} > 0`),
    index("credit_clawbacks_brand").on(t.brandId, t.at),
    index("credit_clawbacks_waiting").on(t.lotSource).where(rawCondition("done_at is null")),
  ],
);

/** The movements of credits, append-only. The balances are their sum. */
export const ledgerEntries = table(
  "ledger_entries",
  {
    id: text("id").notNull(),
    brandId: text("brand_id").notNull(),
    /** Numbers a brand's entries from 1 without a gap, so that a deleted one is noticed. */
    seq: bigint("seq").notNull(),
    kind: enumText("kind", ENTRY_KINDS).notNull(),
    amount: thousandths("amount").notNull(),
    lotId: text("lot_id").notNull(),
    creditType: text("credit_type"),
    campaignId: text("campaign_id"),
    messageId: text("message_id"),
    reason: text("reason"),
    actorId: text("actor_id"),
    createdAt: timestampMs("created_at").notNull(),
    /** The MAC of the fields above, with the ledger's key: see `modules/credits/mac.ts`. */
    seal: text("seal").notNull(),
    /** Numbers the lots over which one movement of a message is spread, from 0. */
    part: integer("part"),
  },
  (t) => [
    /** Rejects a second hold, settlement or release of one message, whichever lots it uses. */
    uniqueIndex("ledger_once").on(t.messageId, t.kind, t.part).where(rawCondition("message_id is not null")),
    primaryKey({ name: "ledger_entries_key", columns: [t.brandId, t.seq] }),
    check("ledger_amount", sql`${t.amount} >= 0`),
  ],
);

/** The price of one unit, by channel. */
export const creditWeights = table("credit_weights", {
  creditType: enumText("credit_type", ["EMAIL", "SMS", "VOICEMAIL", "SKIPTRACE"]).primaryKey(),
  weight: thousandths("weight").notNull(),
  updatedAt: timestampMs("updated_at").notNull(),
});

/** Price changes, append-only. */
export const creditWeightChanges = table(
  "credit_weight_changes",
  {
    id: text("id").primaryKey(),
    creditType: text("credit_type").notNull(),
    previousWeight: thousandths("previous_weight").notNull(),
    weight: thousandths("weight").notNull(),
    actorId: text("actor_id"),
    changedAt: timestampMs("changed_at").notNull(),
  },
  (t) => [index("credit_weight_changes_type").on(t.creditType, t.id)],
);

/** Credits by campaign and channel: held, used and released. */
export const campaignCredits = table(
  "campaign_credits",
  {
    campaignId: text("campaign_id").notNull(),
    creditType: text("credit_type").notNull(),
    reserved: thousandths("reserved").notNull(),
    used: thousandths("used").notNull(),
    released: thousandths("released").notNull(),
  },
  (t) => [primaryKey({ name: "campaign_credits_key", columns: [t.campaignId, t.creditType] })],
);
