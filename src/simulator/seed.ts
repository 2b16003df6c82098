import { createBrand } from "../brands/brands.ts";
import { holdCampaign } from "../campaigns/campaigns.ts";
import { launch } from "../campaigns/lifecycle.ts";
import { addContacts } from "../campaigns/members.ts";
import { openNewcomers } from "../campaigns/opening.ts";
import { DAY } from "../clock.ts";
import type { JudgedRow } from "../contacts/person.ts";
import { grant } from "../credits/ledger.ts";
import { campaignSenders, campaignSteps, campaigns } from "../db/schema/campaigns.ts";
import { emailAccounts } from "../db/schema/senders.ts";
import type { Tx } from "../db/store.ts";
import { SYSTEM, tenantScope } from "../db/tenant-scope.ts";

/** Returns the transaction with the ids that it makes next. */
export function numbered(tx: Tx, ...ids: string[]): Tx {
  return Object.create(tx, { newId: { value: () => ids.shift() ?? tx.newId() } });
}

/** Describes a brand with mailboxes, credits and a campaign that is ready to launch. */
export interface BrandPlan {
  /** The id, here and below; a new one unless given. */
  id?: string;
  name: string;
  timezone: string;
  postalAddress: string;
  ownerId: string | null;
  mailboxes: { id?: string; email: string; displayName: string; dailyLimit: number }[];
  /** Whole credits. */
  credits: number;
  campaign: CampaignPlan;
}

export interface CampaignPlan {
  id?: string;
  name: string;
  sendWindows: { days: string[]; from: string; to: string }[];
  steps: { delayDays: number; subject: string | null; body: string }[];
}

export interface CastBrand {
  brandId: string;
  campaignId: string;
}

/** Creates a brand with everything that its campaign needs except contacts. */
export async function castBrand(tx: Tx, plan: BrandPlan): Promise<CastBrand> {
  const { id: brandId } = await createBrand(plan.id ? numbered(tx, plan.id) : tx, plan, plan.ownerId);
  await grant(tx, { brandId, amount: plan.credits * 1000, kind: "PURCHASED", reason: "simulated purchase" });
  const times = { createdAt: tx.now, updatedAt: tx.now };
  const mailboxes = plan.mailboxes.map((mailbox) => ({
    ...mailbox,
    ...times,
    id: mailbox.id ?? tx.newId(),
    brandId,
    provider: "SMTP" as const,
    accountType: "SMTP" as const,
    connectionStatus: "CONNECTED" as const,
    provedAt: tx.now,
    timezone: plan.timezone,
  }));
  await tx.insert(emailAccounts).values(mailboxes);
  const senderIds = mailboxes.map(({ id }) => id);
  return castCampaign(tx, { brandId, timezone: plan.timezone, senderIds }, plan.campaign);
}

/** Creates a campaign that is ready to launch once it has contacts. */
export async function castCampaign(
  tx: Tx,
  { brandId, timezone, senderIds }: { brandId: string; timezone: string; senderIds: readonly string[] },
  { id: campaignId = tx.newId(), name, sendWindows, steps }: CampaignPlan,
): Promise<CastBrand> {
  const times = { createdAt: tx.now, updatedAt: tx.now };
  const campaign = { id: campaignId, brandId, name, sendWindows, timezone, ...times };
  await tx.insert(campaigns).values({ ...campaign, status: "DRAFT", channels: ["EMAIL"] });
  const rows = steps.map(({ delayDays, ...step }, stage) => ({ ...step, campaignId, stage, delay: delayDays * DAY }));
  await tx.insert(campaignSteps).values(rows.map((row) => ({ ...row, channel: "EMAIL" as const })));
  if (senderIds.length > 0) {
    await tx.insert(campaignSenders).values(senderIds.map((senderId) => ({ campaignId, senderId })));
  }
  return { brandId, campaignId };
}

/** Adds contacts to a campaign as an import does. Returns the number of rows by their result. */
export async function castContacts(
  tx: Tx,
  { brandId, campaignId }: CastBrand,
  rows: readonly JudgedRow[],
): Promise<Record<string, number>> {
  const campaign = await holdCampaign(tx, campaignId, tenantScope(SYSTEM, brandId));
  const options = { onDuplicate: "SKIP", allowActiveElsewhere: false } as const;
  const { outcomes } = await addContacts(tx, campaign, rows, options, openNewcomers);
  const verdicts: Record<string, number> = {};
  for (const { verdict } of outcomes) verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
  return verdicts;
}

export async function castLaunch(tx: Tx, { brandId, campaignId }: CastBrand, contacts: number): Promise<void> {
  await launch(tx, await holdCampaign(tx, campaignId, tenantScope(SYSTEM, brandId)), contacts);
}
