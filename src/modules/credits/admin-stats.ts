import { type SQL, sql } from "drizzle-orm";
import { valuesTable } from "../../db/sql.ts";
import type { Reader } from "../../db/store.ts";
import type { Instant } from "../../lib/clock.ts";
import { type ListedBrand, listDirectory } from "../brands/directory.ts";
import { toCredits } from "./amounts.ts";
import type { BrandCredits, CampaignCredits, CreditStats } from "./model.ts";

// Credits of all brands, for admins. Expired lots do not count, even before they are written off.

const live = (now: Instant) => sql`l.remaining > 0 and (l.expires_at is null or l.expires_at > ${now})`;

interface Figures {
  id: string;
  subscription: unknown;
  purchased: unknown;
  reserved: unknown;
  used: unknown;
  debt: unknown;
  campaigns: unknown;
}

/** Converts a sum to credits: Postgres returns sums of 64-bit numbers as text. */
const credits = (sum: unknown) => toCredits(Number(sum ?? 0));

/** Lists one page of brands, the newest first, with their credits. Brands without credits are included. */
export async function listBrandCredits(
  read: Reader,
  now: Instant,
  { page, limit }: { page: number; limit: number },
): Promise<{ credits: BrandCredits[]; total: number }> {
  const { rows, total } = await listDirectory(read, { limit, offset: (page - 1) * limit });
  if (rows.length === 0) return { credits: [], total };
  const ids = rows.map(({ id }) => ({ id }));
  const figures = new Map((await read.all<Figures>(selectFigures(ids, now))).map((row) => [row.id, row]));
  const campaigns = await listCampaignCredits(read, ids);
  return { credits: rows.map((row) => toBrandCredits(row, figures.get(row.id), campaigns.get(row.id) ?? [])), total };
}

/** Selects all figures of many brands in one statement, so that they belong to one state of the database. */
function selectFigures(ids: { id: string }[], now: Instant): SQL {
  const lots = (kind: "SUBSCRIPTION" | "PURCHASED") =>
    sql`(select sum(l.remaining) from credit_lots l where l.brand_id = n.id and l.kind = ${kind} and ${live(now)})`;
  return sql`select n.id, a.reserved, a.used, a.debt, ${lots("SUBSCRIPTION")} as subscription, ${lots("PURCHASED")} as purchased,
      (select count(*) from campaigns c where c.brand_id = n.id) as campaigns
    from ${valuesTable("n", ids, { id: "text" })} left join credit_accounts a on a.brand_id = n.id`;
}

interface CampaignRow {
  brandId: string;
  campaignId: string;
  campaignName: string;
  creditType: string;
  reserved: unknown;
  used: unknown;
}

async function listCampaignCredits(read: Reader, ids: { id: string }[]): Promise<Map<string, CampaignCredits[]>> {
  const rows =
    await read.all<CampaignRow>(sql`select c.brand_id as "brandId", c.id as "campaignId", c.name as "campaignName",
      k.credit_type as "creditType", k.reserved, k.used
    from ${valuesTable("n", ids, { id: "text" })} cross join campaigns c cross join campaign_credits k
    where c.brand_id = n.id and k.campaign_id = c.id order by c.id, k.credit_type`);
  const campaigns = new Map<string, CampaignCredits[]>();
  for (const { brandId, reserved, used, ...row } of rows) {
    const list = campaigns.get(brandId) ?? [];
    campaigns.set(brandId, list);
    list.push({ ...row, creditReserved: credits(reserved), creditUsed: credits(used) });
  }
  return campaigns;
}

function toBrandCredits(
  brand: ListedBrand,
  figures: Figures | undefined,
  campaignCredits: CampaignCredits[],
): BrandCredits {
  const subscription = Number(figures?.subscription ?? 0);
  const purchased = Number(figures?.purchased ?? 0);
  return {
    brandId: brand.id,
    brandName: brand.name,
    ownerName: brand.ownerName,
    ownerEmail: brand.ownerEmail,
    subscriptionCredits: toCredits(subscription),
    purchasedCredits: toCredits(purchased),
    creditAvailable: toCredits(subscription + purchased),
    totalReserved: credits(figures?.reserved),
    totalUsed: credits(figures?.used),
    creditDebt: credits(figures?.debt),
    totalCampaigns: Number(figures?.campaigns ?? 0),
    campaignCredits,
  };
}

interface Totals {
  brands: unknown;
  available: unknown;
  reserved: unknown;
  used: unknown;
}

/** Sums the credits of all brands in one statement. */
export async function getCreditStats(read: Reader, now: Instant): Promise<CreditStats> {
  const [row] =
    await read.all<Totals>(sql`select (select sum(d.count) from brand_days d) as brands, sum(a.reserved) as reserved, sum(a.used) as used,
      (select sum(l.remaining) from credit_lots l where ${live(now)}) as available from credit_accounts a`);
  return {
    totalBrands: Number(row?.brands ?? 0),
    totalAvailable: credits(row?.available),
    totalReserved: credits(row?.reserved),
    totalUsed: credits(row?.used),
  };
}
