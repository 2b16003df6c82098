import { sessions } from "../../db/schema/identity.ts";
import { importJobs, importRows } from "../../db/schema/imports.ts";
import { emailAccounts } from "../../db/schema/senders.ts";
import type { Store, Tx } from "../../db/store.ts";
import { DEMO_IDS } from "../../http/openapi/example-ids.ts";
import { DAY, type Instant } from "../../lib/clock.ts";
import type { FileStorage } from "../../lib/storage/storage.ts";
import { createBrand } from "../../modules/brands/brands.ts";
import type { ParsedRow } from "../../modules/contacts/parse-contact.ts";
import { upsertContacts } from "../../modules/contacts/upsert.ts";
import { createApiKey } from "../../modules/identity/api-keys/api-keys.ts";
import { hashPassword } from "../../modules/identity/password.ts";
import { imageFilePath, PROFILE_IMAGES_PATH, setImage } from "../../modules/identity/profile/profile.ts";
import { addUser } from "../../modules/identity/users.ts";
import { createInvitation } from "../../modules/invitations/invitations.ts";
import { createPayment } from "../../modules/payments/payments.ts";
import { createVoicemailAccount } from "../../modules/senders/voicemail-accounts.ts";
import { markUnused } from "../../modules/stored-files/unused-files.ts";
import { createBan, PLATFORM } from "../../modules/suppressions/bans.ts";
import { launchSeededCampaign, seedCampaign, seedContacts, withIds } from "../seed.ts";
import portrait from "./portrait.png" with { type: "file" };

const person = (email: string, firstName: string, lastName: string): ParsedRow => ({
  verdict: "ok",
  contact: { email, phone: null, firstName, lastName, company: null, timezone: null, consent: null, custom: {} },
});

/** Contacts of the running campaign; the first has the conversation that examples name. */
const TASTERS = [
  person("iris.winter@example.com", "Iris", "Winter"),
  person("otto.brandt@example.com", "Otto", "Brandt"),
  person("mei.tanaka@example.com", "Mei", "Tanaka"),
];

/**
 * Adds the entities that the examples of the API page name to the simulated demo: one of every kind, and a spare one where
 * an example deletes it.
 */
export async function seedExampleEntities(
  store: Store,
  told: { adminId: string; password: string; publicUrl: string; files: FileStorage },
): Promise<void> {
  const hash = await hashPassword(told.password);
  const image = imageFilePath(DEMO_IDS.image) ?? "";
  await told.files.put(image, await Bun.file(portrait).bytes(), "image/png");
  await store.write(async (tx) => {
    const colleague = { email: "sam@northwind.example", name: "Sam Field", emailVerified: true };
    await addUser(withIds(tx, DEMO_IDS.colleague), colleague, hash);
    await markUnused(tx, image);
    await setImage(tx, DEMO_IDS.colleague, `${told.publicUrl}${PROFILE_IMAGES_PATH}/${DEMO_IDS.image}`, image);
    await createApiKey(withIds(tx, DEMO_IDS.apiKey), told.adminId, { name: "CRM import" });
    await createApiKey(withIds(tx, DEMO_IDS.spareApiKey), DEMO_IDS.owner, {
      name: "Nightly report",
      kind: "SERVICE",
    });
    await createInvitation(withIds(tx, DEMO_IDS.invitation), told.adminId, {
      email: "lena@northwind.example",
      name: "Lena Ost",
    });
    await seedSession(tx, told.adminId);
    await createBrand(withIds(tx, DEMO_IDS.emptyBrand), { name: "Adatum Books" }, null);
    await createBan(withIds(tx, DEMO_IDS.ban), {
      scope: PLATFORM,
      email: "not.interested@example.com",
      source: "MANUAL",
      reason: "asked by phone not to be contacted",
      createdBy: told.adminId,
    });
    await seedSenders(tx);
    await seedPayments(tx);
    await upsertContacts(
      withIds(tx, DEMO_IDS.loneContact),
      DEMO_IDS.brand,
      [person("passer.by@example.com", "Pat", "Passer")],
      "SKIP",
    );
    await seedRunningCampaign(tx);
    await seedImport(tx);
  });
}

/** Creates a session that an example can end. */
async function seedSession(tx: Tx, userId: string): Promise<void> {
  await tx.insert(sessions).values({
    id: DEMO_IDS.session,
    userId,
    token: crypto.randomUUID(),
    expiresAt: tx.now + 7 * DAY,
    ipAddress: "192.0.2.1",
    userAgent: "A telephone",
    createdAt: tx.now,
    updatedAt: tx.now,
  });
}

async function seedSenders(tx: Tx): Promise<void> {
  const times = { createdAt: tx.now, updatedAt: tx.now };
  const numbers = withIds(tx, DEMO_IDS.voicemailAccount, DEMO_IDS.spareVoicemailAccount);
  for (const phoneNumber of ["+12075550111", "+12075550112"]) {
    await createVoicemailAccount(numbers, DEMO_IDS.brand, { phoneNumber }, { proved: true });
  }
  await tx.insert(emailAccounts).values({
    id: DEMO_IDS.spareEmailAccount,
    brandId: DEMO_IDS.brand,
    email: "old@northwind.example",
    displayName: "Northwind, before",
    provider: "SMTP",
    accountType: "SMTP",
    host: "smtp.northwind.example",
    port: 587,
    security: "STARTTLS",
    username: "old@northwind.example",
    connectionStatus: "DISCONNECTED",
    provedAt: tx.now,
    isActive: false,
    dailyLimit: 50,
    timezone: "America/New_York",
    ...times,
  });
}

/** Creates the payments for the credits of the brands, and a refused one. */
async function seedPayments(tx: Tx): Promise<void> {
  const began: Instant = tx.now - 35 * DAY;
  const pack = { type: "CREDIT_PURCHASE", currency: "USD" } as const;
  const of = (brandId: string) => ({ ...pack, brandId, chargebeeCustomerId: `cust_${brandId.slice(-4)}` });
  const paid = { status: "SUCCESS", transactionDate: began } as const;
  await createPayment(tx, {
    ...of(DEMO_IDS.brand),
    ...paid,
    amountMinor: 9900,
    creditsAdded: 2_000_000,
    description: "2,000 credits",
    chargebeeInvoiceId: "inv_1001",
  });
  await createPayment(tx, {
    ...of(DEMO_IDS.otherBrand),
    ...paid,
    amountMinor: 900,
    creditsAdded: 100_000,
    description: "100 credits",
    chargebeeInvoiceId: "inv_1002",
  });
  await createPayment(tx, {
    ...of(DEMO_IDS.brand),
    status: "FAILED",
    amountMinor: 4900,
    creditsAdded: 0,
    description: "1,000 credits: the card was refused",
    transactionDate: tx.now - DAY,
  });
}

/** Creates a campaign whose first messages are sent as soon as the service runs, and an empty one. */
async function seedRunningCampaign(tx: Tx): Promise<void> {
  const at = { brandId: DEMO_IDS.brand, timezone: "America/New_York", senderIds: [DEMO_IDS.emailAccount] };
  const steps = [
    {
      delayDays: 0,
      subject: "Our autumn blend",
      body: "Hi {{ firstName | default: 'there' }}, would you like to try it?",
    },
    { delayDays: 2, subject: null, body: "Shall I send you a bag?" },
  ];
  const running = { id: DEMO_IDS.runningCampaign, name: "Autumn blend", sendWindows: [], steps };
  const campaign = await seedCampaign(tx, at, running);
  const ids = withIds(tx, DEMO_IDS.contact, tx.newId(), tx.newId(), DEMO_IDS.conversation);
  await seedContacts(ids, campaign, TASTERS);
  await launchSeededCampaign(withIds(tx, DEMO_IDS.message), campaign, TASTERS.length);
  await seedCampaign(tx, at, { ...running, id: DEMO_IDS.emptyCampaign, name: "Not launched" });
}

async function seedImport(tx: Tx): Promise<void> {
  const { importJob: id, otherBrand: brandId, draftCampaign: campaignId } = DEMO_IDS;
  const job = { id, brandId, campaignId, fileName: "visitors.csv", onDuplicate: "SKIP" as const };
  const read = { rows: 2, lastLine: 3, verdicts: { bad_email: 1, duplicate: 1 } };
  await tx.insert(importJobs).values({ ...job, ...read, status: "DONE", createdAt: tx.now, finishedAt: tx.now });
  await tx.insert(importRows).values([
    { jobId: id, line: 2, verdict: "bad_email", email: "nobody@", message: "This is no e-mail address" },
    { jobId: id, line: 3, verdict: "duplicate", email: "emma.okafor@cedar-insurance.example", message: null },
  ]);
}
