import { createBrand } from "../brands/brands.ts";
import { holdCampaign } from "../campaigns/campaigns.ts";
import { launch } from "../campaigns/lifecycle.ts";
import { addContacts } from "../campaigns/members.ts";
import { openNewcomers } from "../campaigns/opening.ts";
import { DAY } from "../clock.ts";
import type { JudgedRow } from "../contacts/person.ts";
import { grant } from "../credits/ledger.ts";
import { emailAccounts } from "../db/schema/brands.ts";
import { campaignSenders, campaignSteps, campaigns } from "../db/schema/campaigns.ts";
import type { Tx } from "../db/store.ts";

/** A brand of the simulated world, with mailboxes, credits and a campaign that is ready to launch. */
export interface BrandPlan {
  name: string;
  timezone: string;
  postalAddress: string;
  ownerId: string | null;
  mailboxes: { email: string; displayName: string; dailyLimit: number }[];
  /** Whole credits. */
  credits: number;
  campaign: {
    name: string;
    sendWindows: { days: string[]; from: string; to: string }[];
    steps: { delayDays: number; subject: string | null; body: string }[];
  };
}

export interface CastBrand {
  brandId: string;
  campaignId: string;
}

/** Brings a brand of the plan into being, with all it needs but people. */
export async function castBrand(tx: Tx, plan: BrandPlan): Promise<CastBrand> {
  const { id: brandId } = await createBrand(tx, plan, plan.ownerId);
  await grant(tx, { brandId, amount: plan.credits * 1000, kind: "PURCHASED", reason: "simulated purchase" });
  const times = { createdAt: tx.now, updatedAt: tx.now };
  const mailboxes = plan.mailboxes.map((mailbox) => ({
    ...mailbox,
    ...times,
    id: tx.newId(),
    brandId,
    provider: "SMTP" as const,
    accountType: "SMTP" as const,
    connectionStatus: "CONNECTED" as const,
    timezone: plan.timezone,
  }));
  await tx.insert(emailAccounts).values(mailboxes);

  const campaignId = tx.newId();
  const { name, sendWindows, steps } = plan.campaign;
  const campaign = { id: campaignId, brandId, name, sendWindows, timezone: plan.timezone, ...times };
  await tx.insert(campaigns).values({ ...campaign, status: "DRAFT", channels: ["EMAIL"] });
  const rows = steps.map(({ delayDays, ...step }, stage) => ({ ...step, campaignId, stage, delay: delayDays * DAY }));
  await tx.insert(campaignSteps).values(rows.map((row) => ({ ...row, channel: "EMAIL" as const })));
  await tx.insert(campaignSenders).values(mailboxes.map(({ id }) => ({ campaignId, senderId: id })));
  return { brandId, campaignId };
}

/** Adds people to a brand's campaign, as an import does. Returns how many rows got which verdict. */
export async function castContacts(
  tx: Tx,
  { brandId, campaignId }: CastBrand,
  rows: readonly JudgedRow[],
): Promise<Record<string, number>> {
  const campaign = await holdCampaign(tx, campaignId, brandId);
  const options = { onDuplicate: "SKIP", allowActiveElsewhere: false } as const;
  const { outcomes } = await addContacts(tx, campaign, rows, options, openNewcomers);
  const verdicts: Record<string, number> = {};
  for (const { verdict } of outcomes) verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
  return verdicts;
}

export async function castLaunch(tx: Tx, { brandId, campaignId }: CastBrand, contacts: number): Promise<void> {
  await launch(tx, await holdCampaign(tx, campaignId, brandId), contacts);
}
