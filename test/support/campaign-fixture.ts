import { eq } from "drizzle-orm";
import { campaignSenders, campaignSteps, campaigns } from "../../src/db/schema/campaigns.ts";
import { contacts } from "../../src/db/schema/contacts.ts";
import { conversations } from "../../src/db/schema/conversations.ts";
import type { Tx } from "../../src/db/store.ts";
import type { ParsedRow } from "../../src/modules/contacts/parse-contact.ts";
import { type BrandSeed, seedBrand, seedContacts } from "../../src/simulator/seed.ts";
import type { TestApp } from "./app.ts";
import { getUserId } from "./auth-helpers.ts";
import { type BrandOwner, requestAs } from "./brands.ts";

/** Brand with its owner, and a draft campaign with contacts. */
export interface CampaignFixture extends BrandOwner {
  campaignId: string;
  /** Ids of the contacts, in the order they joined; `emails` are their addresses. */
  people: string[];
  emails: string[];
}

export interface FixtureOptions {
  people?: number;
  credits?: number;
  /** Days before each stage. */
  delays?: number[];
  dailyLimit?: number;
  mailboxes?: number;
  sendWindows?: BrandSeed["campaign"]["sendWindows"];
}

const person = (email: string, index: number): ParsedRow => ({
  verdict: "ok",
  contact: {
    email,
    phone: null,
    firstName: `Name${index}`,
    lastName: null,
    company: null,
    timezone: null,
    custom: {},
  },
});

function planOf(name: string, ownerId: string, wishes: FixtureOptions): BrandSeed {
  const { credits = 100, delays = [0, 2], dailyLimit = 100, mailboxes = 1, sendWindows = [] } = wishes;
  return {
    name,
    ownerId,
    credits,
    timezone: "UTC",
    postalAddress: "1 Main Street, Springfield",
    mailboxes: Array.from({ length: mailboxes }, (_, index) => ({
      email: `box${index}@${name}.example`,
      displayName: name,
      dailyLimit,
    })),
    campaign: {
      name: `${name} spring`,
      sendWindows,
      steps: delays.map((delayDays, stage) => ({
        delayDays,
        subject: stage === 0 ? "Hello {{ firstName }}" : null,
        body: `Stage ${stage} for {{ firstName }}`,
      })),
    },
  };
}

/** Signs an owner up and inserts their brand with a draft campaign and its contacts. */
export async function createCampaignFixture(
  app: TestApp,
  name: string,
  wishes: FixtureOptions,
): Promise<CampaignFixture> {
  const token = await app.signUp(`owner@${name}.example`);
  const ownerId = await getUserId(app, token);
  const addresses = Array.from({ length: wishes.people ?? 2 }, (_, index) => `person${index}@${name}.example`);
  const brand = await app.store.write(async (tx) => {
    const brand = await seedBrand(tx, planOf(name, ownerId, wishes));
    await seedContacts(tx, brand, addresses.map(person));
    return brand;
  });
  const joined = await app.store.read
    .select({ id: contacts.id, email: contacts.email })
    .from(contacts)
    .where(eq(contacts.brandId, brand.brandId))
    .orderBy(contacts.id);
  return {
    token,
    ...brand,
    people: joined.map(({ id }) => id),
    emails: joined.map(({ email }) => email ?? ""),
    request: requestAs(app, token),
  };
}

/** Inserts a copy of the campaign as a draft, with the same contacts. */
export async function copyDraftCampaign(tx: Tx, stage: CampaignFixture): Promise<CampaignFixture> {
  const campaignId = tx.newId();
  const of = stage.campaignId;
  const copies = <Row>(rows: Row[], more: () => object) => rows.map((row) => ({ ...row, campaignId, ...more() }));
  const same = () => ({});
  const drafts = await tx.select().from(campaigns).where(eq(campaigns.id, of));
  await tx
    .insert(campaigns)
    .values(drafts.map((row) => ({ ...row, id: campaignId, launchedAt: null, status: "DRAFT" as const })));
  const steps = await tx.select().from(campaignSteps).where(eq(campaignSteps.campaignId, of));
  await tx.insert(campaignSteps).values(copies(steps, same));
  const senders = await tx.select().from(campaignSenders).where(eq(campaignSenders.campaignId, of));
  await tx.insert(campaignSenders).values(copies(senders, same));
  const members = await tx.select().from(conversations).where(eq(conversations.campaignId, of));
  await tx.insert(conversations).values(copies(members, () => ({ id: tx.newId(), status: "QUEUED" })));
  return { ...stage, campaignId };
}

/** Adds a contact to a campaign, launched or not. */
export async function addCampaignMember(tx: Tx, stage: CampaignFixture, email: string): Promise<void> {
  await seedContacts(tx, stage, [person(email, 0)]);
}
