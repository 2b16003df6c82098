import { campaignSenders, campaignSteps, campaigns } from "../db/schema/campaigns.ts";
import { emailAccounts } from "../db/schema/senders.ts";
import type { Tx } from "../db/store.ts";
import { SYSTEM, tenantScope } from "../db/tenant-scope.ts";
import { DAY } from "../lib/clock.ts";
import { createBrand } from "../modules/brands/brands.ts";
import { lockCampaign } from "../modules/campaigns/campaigns.ts";
import { scheduleForNewMembers } from "../modules/campaigns/initial-messages.ts";
import { launch } from "../modules/campaigns/lifecycle.ts";
import { addContacts } from "../modules/campaigns/members.ts";
import type { ParsedRow } from "../modules/contacts/parse-contact.ts";
import { grant } from "../modules/credits/ledger.ts";

/** Returns the transaction with the ids that it makes next. */
export function withIds(tx: Tx, ...ids: string[]): Tx {
  return Object.create(tx, { newId: { value: () => ids.shift() ?? tx.newId() } });
}

/** Describes a brand with mailboxes, credits and a campaign that is ready to launch. */
export interface BrandSeed {
  /** The id, here and below; a new one unless given. */
  id?: string;
  name: string;
  timezone: string;
  postalAddress: string;
  ownerId: string | null;
  mailboxes: { id?: string; email: string; displayName: string; dailyLimit: number }[];
  /** Whole credits. */
  credits: number;
  campaign: CampaignSeed;
}

export interface CampaignSeed {
  id?: string;
  name: string;
  sendWindows: { days: string[]; from: string; to: string }[];
  steps: { delayDays: number; subject: string | null; body: string }[];
}

export interface SeededBrand {
  brandId: string;
  campaignId: string;
}

/** Creates a brand with everything that its campaign needs except contacts. */
export async function seedBrand(tx: Tx, plan: BrandSeed): Promise<SeededBrand> {
  const { id: brandId } = await createBrand(plan.id ? withIds(tx, plan.id) : tx, plan, plan.ownerId);
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
  return seedCampaign(tx, { brandId, timezone: plan.timezone, senderIds }, plan.campaign);
}

/** Creates a campaign that is ready to launch once it has contacts. */
export async function seedCampaign(
  tx: Tx,
  { brandId, timezone, senderIds }: { brandId: string; timezone: string; senderIds: readonly string[] },
  { id: campaignId = tx.newId(), name, sendWindows, steps }: CampaignSeed,
): Promise<SeededBrand> {
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
export async function seedContacts(
  tx: Tx,
  { brandId, campaignId }: SeededBrand,
  rows: readonly ParsedRow[],
): Promise<Record<string, number>> {
  const campaign = await lockCampaign(tx, campaignId, tenantScope(SYSTEM, brandId));
  const options = { onDuplicate: "SKIP", allowActiveElsewhere: false } as const;
  const { outcomes } = await addContacts(tx, campaign, rows, options, scheduleForNewMembers);
  const verdicts: Record<string, number> = {};
  for (const { verdict } of outcomes) verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
  return verdicts;
}

export async function launchSeededCampaign(
  tx: Tx,
  { brandId, campaignId }: SeededBrand,
  contacts: number,
): Promise<void> {
  await launch(tx, await lockCampaign(tx, campaignId, tenantScope(SYSTEM, brandId)), contacts);
}
