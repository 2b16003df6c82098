import { eq } from "drizzle-orm";
import type { JudgedRow } from "../../src/contacts/person.ts";
import { campaignSenders, campaignSteps, campaigns } from "../../src/db/schema/campaigns.ts";
import { contacts } from "../../src/db/schema/contacts.ts";
import { conversations } from "../../src/db/schema/conversations.ts";
import type { Tx } from "../../src/db/store.ts";
import { type BrandPlan, castBrand, castContacts } from "../../src/simulator/cast.ts";
import type { TestApp } from "./app.ts";
import { asking, type Owner } from "./brands.ts";
import { idOf } from "./visitors.ts";

/** Brand with its owner, and a draft campaign with contacts. */
export interface Stage extends Owner {
  campaignId: string;
  /** Ids of the contacts, in the order they joined; `emails` are their addresses. */
  people: string[];
  emails: string[];
}

export interface Wishes {
  people?: number;
  credits?: number;
  /** Days before each stage. */
  delays?: number[];
  dailyLimit?: number;
  mailboxes?: number;
  sendWindows?: BrandPlan["campaign"]["sendWindows"];
}

const person = (email: string, index: number): JudgedRow => ({
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

function planOf(name: string, ownerId: string, wishes: Wishes): BrandPlan {
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
export async function castStage(app: TestApp, name: string, wishes: Wishes): Promise<Stage> {
  const token = await app.signUp(`owner@${name}.example`);
  const ownerId = await idOf(app, token);
  const addresses = Array.from({ length: wishes.people ?? 2 }, (_, index) => `person${index}@${name}.example`);
  const brand = await app.store.write(async (tx) => {
    const brand = await castBrand(tx, planOf(name, ownerId, wishes));
    await castContacts(tx, brand, addresses.map(person));
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
    request: asking(app, token),
  };
}

/** Inserts a copy of the campaign as a draft, with the same contacts. */
export async function castTwin(tx: Tx, stage: Stage): Promise<Stage> {
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
export async function castNewcomer(tx: Tx, stage: Stage, email: string): Promise<void> {
  await castContacts(tx, stage, [person(email, 0)]);
}
