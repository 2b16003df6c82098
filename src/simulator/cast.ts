import { createBrand } from "../brands/brands.ts";
import { campaignOf, launch } from "../campaigns/lifecycle.ts";
import { enrol } from "../campaigns/members.ts";
import { DAY } from "../clock.ts";
import type { JudgedRow } from "../contacts/person.ts";
import { upsertContacts } from "../contacts/upsert.ts";
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
  const mailboxes = plan.mailboxes.map((mailbox) => ({
    ...mailbox,
    id: tx.newId(),
    brandId,
    provider: "SMTP" as const,
    accountType: "SMTP" as const,
    connectionStatus: "CONNECTED" as const,
    timezone: plan.timezone,
    createdAt: tx.now,
    updatedAt: tx.now,
  }));
  await tx.insert(emailAccounts).values(mailboxes);

  const campaignId = tx.newId();
  const { name, sendWindows, steps } = plan.campaign;
  const times = { createdAt: tx.now, updatedAt: tx.now };
  await tx.insert(campaigns).values({
    id: campaignId,
    brandId,
    name,
    status: "DRAFT",
    channels: ["EMAIL"],
    timezone: plan.timezone,
    sendWindows,
    ...times,
  });
  await tx.insert(campaignSteps).values(
    steps.map(({ delayDays, subject, body }, stage) => ({
      campaignId,
      stage,
      channel: "EMAIL" as const,
      delay: delayDays * DAY,
      subject,
      body,
    })),
  );
  await tx.insert(campaignSenders).values(mailboxes.map(({ id }) => ({ campaignId, senderId: id })));
  return { brandId, campaignId };
}

/** Adds people to a brand and to its campaign, as an import would. Returns the verdicts by name. */
export async function castContacts(
  tx: Tx,
  { brandId, campaignId }: CastBrand,
  rows: readonly JudgedRow[],
): Promise<Record<string, number>> {
  const outcomes = await upsertContacts(tx, brandId, rows, "SKIP");
  const welcome = outcomes.flatMap(({ contactId, verdict }) =>
    contactId !== null && (verdict === "added" || verdict === "updated") ? [contactId] : [],
  );
  await enrol(tx, await campaignOf(tx, campaignId, brandId), welcome);
  const verdicts: Record<string, number> = {};
  for (const { verdict } of outcomes) verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
  return verdicts;
}

export async function castLaunch(tx: Tx, { brandId, campaignId }: CastBrand, contacts: number): Promise<void> {
  await launch(tx, await campaignOf(tx, campaignId, brandId), contacts);
}
