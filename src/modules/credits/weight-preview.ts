import { sql } from "drizzle-orm";
import type { Reader } from "../../db/store.ts";
import type { CreditType } from "./model.ts";
import { countUnits } from "./units.ts";
import { getWeights } from "./weights.ts";

/** A campaign whose launch would cost another amount. Thousandths. */
interface RepricedCampaign {
  campaignId: string;
  campaignName: string;
  brandId: string;
  contacts: number;
  costNow: number;
  costThen: number;
}

export interface WeightPreview {
  weight: number;
  /** Open holds of this type, which keep their price. */
  openHolds: number;
  held: number;
  campaigns: RepricedCampaign[];
  /** The number of such campaigns, listed or not. */
  total: number;
}

/** Campaigns listed at most. */
const MAX_CAMPAIGNS = 100;

interface DraftRow {
  id: string;
  name: string;
  brand_id: string;
  channel: "EMAIL" | "SMS" | "VOICEMAIL";
  body: string;
  contacts: unknown;
  total: unknown;
}

/** Computes the effect of another price on the opening stage of every draft of that type. Open holds do not change. */
export async function previewWeight(read: Reader, creditType: CreditType, weight: number): Promise<WeightPreview> {
  const [open] = await read.all<{ holds: unknown; held: unknown }>(
    sql`select count(*) as holds, sum(h.amount) as held from credit_holds h where h.credit_type = ${creditType}`,
  );
  const now = (await getWeights(read))[creditType];
  const drafts =
    await read.all<DraftRow>(sql`select c.id, c.name, c.brand_id, s.channel, s.body, count(*) over () as total,
      (select count(*) from conversations v where v.campaign_id = c.id and v.status = 'QUEUED') as contacts
    from campaigns c join campaign_steps s on s.campaign_id = c.id and s.stage = 0
    where c.status = 'DRAFT' and s.channel = ${creditType} order by c.id desc limit ${MAX_CAMPAIGNS}`);
  return {
    weight: now,
    openHolds: Number(open?.holds ?? 0),
    held: Number(open?.held ?? 0),
    total: Number(drafts[0]?.total ?? 0),
    campaigns: drafts.map((draft) => {
      const [contacts, units] = [Number(draft.contacts), countUnits(draft)];
      return {
        campaignId: draft.id,
        campaignName: draft.name,
        brandId: draft.brand_id,
        contacts,
        costNow: contacts * Math.round(units * now),
        costThen: contacts * Math.round(units * weight),
      };
    }),
  };
}
