import { and, desc, eq, gte, lt, sum } from "drizzle-orm";
import { creditAccounts, creditLots, ledgerEntries } from "../../db/schema/credits.ts";
import type { Reader } from "../../db/store.ts";
import { type Instant, iso } from "../../lib/clock.ts";
import { toCredits } from "./amounts.ts";
import { type EntryKind, NO_LOT } from "./effects.ts";
import { findShortfall } from "./forecast.ts";
import type { Balance, Entry, LowBalance } from "./model.ts";

/** Returns the balances of a brand, net of holds. All are zero for a brand without grants. */
export async function getBalance(read: Reader, brandId: string): Promise<Balance> {
  const [account] = await read.select().from(creditAccounts).where(eq(creditAccounts.brandId, brandId));
  const lots = await read
    .select({ kind: creditLots.kind, remaining: sum(creditLots.remaining) })
    .from(creditLots)
    .where(eq(creditLots.brandId, brandId))
    .groupBy(creditLots.kind);
  // Postgres returns sums of 64-bit numbers as text.
  const left = new Map(lots.map((lot) => [lot.kind, Number(lot.remaining)]));
  return {
    brandId,
    creditAvailable: toCredits(account?.available ?? 0),
    subscriptionCredits: toCredits(left.get("SUBSCRIPTION") ?? 0),
    purchasedCredits: toCredits(left.get("PURCHASED") ?? 0),
    totalReserved: toCredits(account?.reserved ?? 0),
    totalUsed: toCredits(account?.used ?? 0),
    totalExpired: toCredits(account?.expired ?? 0),
    totalClawedBack: toCredits(account?.clawedBack ?? 0),
    creditDebt: toCredits(account?.debt ?? 0),
    totalGranted: toCredits(account?.granted ?? 0),
  };
}

type Row = typeof ledgerEntries.$inferSelect;

export function toEntry({ brandId: _, seal: __, part: ___, amount, lotId, createdAt, ...row }: Row): Entry {
  return { ...row, lotId: lotId === NO_LOT ? null : lotId, credits: toCredits(amount), createdAt: iso(createdAt) };
}

export interface EntryFilter {
  kind?: EntryKind | undefined;
  campaignId?: string | undefined;
  messageId?: string | undefined;
  /** Created at this time or later. */
  from?: Instant | undefined;
  /** Created before this time. */
  to?: Instant | undefined;
}

/** Returns the warning that a brand's credits will not last a week; null while they will. */
export async function getLowBalance(read: Reader, now: Instant, brandId: string): Promise<LowBalance> {
  const forecast = await findShortfall(read, now, brandId);
  if (forecast === null || forecast.runsOutAt === null) return null;
  return {
    available: toCredits(forecast.available),
    neededNext7Days: toCredits(forecast.neededNext7Days),
    runsOutAt: iso(forecast.runsOutAt),
  };
}

/** Lists a brand's entries, newest first, before the entry with the number `before`. */
export async function listEntries(
  read: Reader,
  brandId: string,
  options: EntryFilter & { before: number | null; limit: number },
): Promise<Row[]> {
  const { kind, campaignId, messageId, from, to } = options;
  return read
    .select()
    .from(ledgerEntries)
    .where(
      and(
        eq(ledgerEntries.brandId, brandId),
        kind === undefined ? undefined : eq(ledgerEntries.kind, kind),
        campaignId === undefined ? undefined : eq(ledgerEntries.campaignId, campaignId),
        messageId === undefined ? undefined : eq(ledgerEntries.messageId, messageId),
        from === undefined ? undefined : gte(ledgerEntries.createdAt, from),
        to === undefined ? undefined : lt(ledgerEntries.createdAt, to),
        options.before === null ? undefined : lt(ledgerEntries.seq, options.before),
      ),
    )
    .orderBy(desc(ledgerEntries.seq))
    .limit(options.limit);
}
