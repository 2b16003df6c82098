import { sql } from "drizzle-orm";
import {
  check,
  index,
  instant,
  integer,
  primaryKey,
  table,
  text,
  thousandths,
  uniqueIndex,
  where,
  whole,
  word,
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

/** A brand's balances: always the fold of its ledger entries, kept in the same transaction. */
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
    /** What was refunded and could not be taken back yet. */
    debt: thousandths("debt").notNull().default(0),
    /** How many entries the brand's ledger has: the newest one's `seq`. */
    entries: whole("entries").notNull().default(0),
    /** The chain over the seals of all its entries: see `credits/seal.ts`. */
    head: text("head").notNull().default(""),
    /** Over all the fields above, with the ledger's key. */
    seal: text("seal").notNull().default(""),
    /** Since when the next week costs more than there is: warned of once until that changes. */
    lowSince: instant("low_since"),
  },
  (t) => [
    check("credit_accounts_nothing_negative", sql`${t.available} >= 0 and ${t.reserved} >= 0 and ${t.used} >= 0`),
    /** Whoever owes has nothing to spend. */
    check("credit_accounts_debt", sql`${t.debt} >= 0 and (${t.debt} = 0 or ${t.available} = 0)`),
    check(
      "credit_accounts_balanced",
      sql`${t.granted} = ${t.available} + ${t.reserved} + ${t.used} + ${t.expired} + ${t.clawedBack}`,
    ),
  ],
);

/** Credits that came together and expire together. */
export const creditLots = table(
  "credit_lots",
  {
    id: text("id").primaryKey(),
    brandId: text("brand_id")
      .notNull()
      .references(() => brands.id),
    kind: word("kind", ["SUBSCRIPTION", "PURCHASED"]).notNull(),
    granted: thousandths("granted").notNull(),
    /** Neither held nor spent nor expired. */
    remaining: thousandths("remaining").notNull(),
    /** Written off when its time was over. */
    expired: thousandths("expired").notNull().default(0),
    /** Taken to pay for the refund of another lot. */
    repaid: thousandths("repaid").notNull().default(0),
    expiresAt: instant("expires_at"),
    /** Makes a grant unique: the same source never grants twice. */
    source: text("source"),
    createdAt: instant("created_at").notNull(),
    /** Over what the lot was granted as, with the ledger's key. */
    seal: text("seal").notNull().default(""),
  },
  (t) => [
    check("credit_lots_remaining", sql`${t.remaining} >= 0 and ${t.remaining} <= ${t.granted}`),
    check("credit_lots_gone", sql`${t.expired} >= 0 and ${t.repaid} >= 0`),
    uniqueIndex("credit_lots_source").on(t.source),
    index("credit_lots_spendable").on(t.brandId, t.expiresAt).where(where("remaining > 0")),
  ],
);

/** Credits set aside for one message out of one lot. Ending a hold deletes it, so it can end only once. */
export const creditHolds = table(
  "credit_holds",
  {
    messageId: text("message_id").notNull(),
    lotId: text("lot_id").notNull(),
    brandId: text("brand_id").notNull(),
    campaignId: text("campaign_id").notNull(),
    creditType: word("credit_type", ["EMAIL", "SMS", "VOICEMAIL", "SKIPTRACE"]).notNull(),
    amount: thousandths("amount").notNull(),
    /** Credits per unit when the hold was made; a later change of price does not touch it. */
    weight: thousandths("weight").notNull(),
  },
  (t) => [
    primaryKey({ name: "credit_holds_key", columns: [t.messageId, t.lotId] }),
    check("credit_holds_amount", sql`${t.amount} >= 0`),
  ],
);

/** Credits to be taken back for a refund, a chargeback or a void. The key refuses the same one twice. */
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
    /** When the money went back. */
    at: instant("at").notNull(),
    /** Null while the refunded lot has not been granted: a refund may be heard of before its payment. */
    doneAt: instant("done_at"),
    createdAt: instant("created_at").notNull(),
  },
  (t) => [
    check("credit_clawbacks_amount", sql`${t.amount} > 0`),
    index("credit_clawbacks_brand").on(t.brandId, t.at),
    index("credit_clawbacks_waiting").on(t.lotSource).where(where("done_at is null")),
  ],
);

/** What happened to credits, append-only. The balances are its fold. */
export const ledgerEntries = table(
  "ledger_entries",
  {
    id: text("id").notNull(),
    brandId: text("brand_id").notNull(),
    /** Numbers a brand's entries from 1 without a gap, so that a missing one is missed. */
    seq: whole("seq").notNull(),
    kind: word("kind", ENTRY_KINDS).notNull(),
    amount: thousandths("amount").notNull(),
    lotId: text("lot_id").notNull(),
    creditType: text("credit_type"),
    campaignId: text("campaign_id"),
    messageId: text("message_id"),
    reason: text("reason"),
    actorId: text("actor_id"),
    createdAt: instant("created_at").notNull(),
    /** Over all the fields above, with the ledger's key: see `credits/seal.ts`. */
    seal: text("seal").notNull(),
    /** Counts the lots that one message's movement of one kind is spread over, from 0. */
    part: integer("part"),
  },
  (t) => [
    /** The database itself refuses to hold, settle or release twice for one message, out of whatever lots. */
    uniqueIndex("ledger_once").on(t.messageId, t.kind, t.part).where(where("message_id is not null")),
    primaryKey({ name: "ledger_entries_key", columns: [t.brandId, t.seq] }),
    check("ledger_amount", sql`${t.amount} >= 0`),
  ],
);

/** The price of one unit, by channel. */
export const creditWeights = table("credit_weights", {
  creditType: word("credit_type", ["EMAIL", "SMS", "VOICEMAIL", "SKIPTRACE"]).primaryKey(),
  weight: thousandths("weight").notNull(),
  updatedAt: instant("updated_at").notNull(),
});

/** Who changed a price from what to what, append-only. */
export const creditWeightChanges = table(
  "credit_weight_changes",
  {
    id: text("id").primaryKey(),
    creditType: text("credit_type").notNull(),
    previousWeight: thousandths("previous_weight").notNull(),
    weight: thousandths("weight").notNull(),
    actorId: text("actor_id"),
    changedAt: instant("changed_at").notNull(),
  },
  (t) => [index("credit_weight_changes_type").on(t.creditType, t.id)],
);

/** Credits by campaign and channel: still held, settled, given back. */
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
