import { ban, PLATFORM } from "../bans/bans.ts";
import { createBrand } from "../brands/brands.ts";
import { DAY, type Instant } from "../clock.ts";
import type { JudgedRow } from "../contacts/person.ts";
import { upsertContacts } from "../contacts/upsert.ts";
import { sessions } from "../db/schema/identity.ts";
import { importJobs, importRows } from "../db/schema/imports.ts";
import { emailAccounts } from "../db/schema/senders.ts";
import type { Store, Tx } from "../db/store.ts";
import { EXEMPLARS } from "../exemplars.ts";
import type { Files } from "../files/files.ts";
import { markUnused } from "../files/unused.ts";
import { createApiKey } from "../identity/apiKeys/apiKeys.ts";
import { hashPassword } from "../identity/password.ts";
import { IMAGES, imageFile, setImage } from "../identity/profile/profile.ts";
import { addUser } from "../identity/users.ts";
import { invite } from "../invitations/invitations.ts";
import { recordPayment } from "../payments/payments.ts";
import { addVoicemailAccount } from "../senders/voicemailAccounts.ts";
import { castCampaign, castContacts, castLaunch, numbered } from "./cast.ts";
import portrait from "./portrait.png" with { type: "file" };

const person = (email: string, firstName: string, lastName: string): JudgedRow => ({
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
export async function castExemplars(
  store: Store,
  told: { adminId: string; password: string; publicUrl: string; files: Files },
): Promise<void> {
  const hash = await hashPassword(told.password);
  const image = imageFile(EXEMPLARS.image) ?? "";
  await told.files.put(image, await Bun.file(portrait).bytes(), "image/png");
  await store.write(async (tx) => {
    const colleague = { email: "sam@northwind.example", name: "Sam Field", emailVerified: true };
    await addUser(numbered(tx, EXEMPLARS.colleague), colleague, hash);
    await markUnused(tx, image);
    await setImage(tx, EXEMPLARS.colleague, `${told.publicUrl}${IMAGES}/${EXEMPLARS.image}`, image);
    await createApiKey(numbered(tx, EXEMPLARS.apiKey), told.adminId, { name: "CRM import" });
    await createApiKey(numbered(tx, EXEMPLARS.spareApiKey), EXEMPLARS.owner, {
      name: "Nightly report",
      kind: "SERVICE",
    });
    await invite(numbered(tx, EXEMPLARS.invitation), told.adminId, {
      email: "lena@northwind.example",
      name: "Lena Ost",
    });
    await castSession(tx, told.adminId);
    await createBrand(numbered(tx, EXEMPLARS.emptyBrand), { name: "Adatum Books" }, null);
    await ban(numbered(tx, EXEMPLARS.ban), {
      scope: PLATFORM,
      email: "not.interested@example.com",
      source: "MANUAL",
      reason: "asked by phone not to be contacted",
      createdBy: told.adminId,
    });
    await castSenders(tx);
    await castPayments(tx);
    await upsertContacts(
      numbered(tx, EXEMPLARS.loneContact),
      EXEMPLARS.brand,
      [person("passer.by@example.com", "Pat", "Passer")],
      "SKIP",
    );
    await castRunning(tx);
    await castImport(tx);
  });
}

/** Creates a session that an example can end. */
async function castSession(tx: Tx, userId: string): Promise<void> {
  await tx.insert(sessions).values({
    id: EXEMPLARS.session,
    userId,
    token: crypto.randomUUID(),
    expiresAt: tx.now + 7 * DAY,
    ipAddress: "192.0.2.1",
    userAgent: "A telephone",
    createdAt: tx.now,
    updatedAt: tx.now,
  });
}

async function castSenders(tx: Tx): Promise<void> {
  const times = { createdAt: tx.now, updatedAt: tx.now };
  const numbers = numbered(tx, EXEMPLARS.voicemailAccount, EXEMPLARS.spareVoicemailAccount);
  for (const phoneNumber of ["+12075550111", "+12075550112"]) {
    await addVoicemailAccount(numbers, EXEMPLARS.brand, { phoneNumber }, { proved: true });
  }
  await tx.insert(emailAccounts).values({
    id: EXEMPLARS.spareEmailAccount,
    brandId: EXEMPLARS.brand,
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
async function castPayments(tx: Tx): Promise<void> {
  const began: Instant = tx.now - 35 * DAY;
  const pack = { type: "CREDIT_PURCHASE", currency: "USD" } as const;
  const of = (brandId: string) => ({ ...pack, brandId, chargebeeCustomerId: `cust_${brandId.slice(-4)}` });
  const paid = { status: "SUCCESS", transactionDate: began } as const;
  await recordPayment(tx, {
    ...of(EXEMPLARS.brand),
    ...paid,
    amountMinor: 9900,
    creditsAdded: 2_000_000,
    description: "2,000 credits",
    chargebeeInvoiceId: "inv_1001",
  });
  await recordPayment(tx, {
    ...of(EXEMPLARS.otherBrand),
    ...paid,
    amountMinor: 900,
    creditsAdded: 100_000,
    description: "100 credits",
    chargebeeInvoiceId: "inv_1002",
  });
  await recordPayment(tx, {
    ...of(EXEMPLARS.brand),
    status: "FAILED",
    amountMinor: 4900,
    creditsAdded: 0,
    description: "1,000 credits: the card was refused",
    transactionDate: tx.now - DAY,
  });
}

/** Creates a campaign whose first messages are sent as soon as the service runs, and an empty one. */
async function castRunning(tx: Tx): Promise<void> {
  const at = { brandId: EXEMPLARS.brand, timezone: "America/New_York", senderIds: [EXEMPLARS.emailAccount] };
  const steps = [
    {
      delayDays: 0,
      subject: "Our autumn blend",
      body: "Hi {{ firstName | default: 'there' }}, would you like to try it?",
    },
    { delayDays: 2, subject: null, body: "Shall I send you a bag?" },
  ];
  const running = { id: EXEMPLARS.runningCampaign, name: "Autumn blend", sendWindows: [], steps };
  const campaign = await castCampaign(tx, at, running);
  const ids = numbered(tx, EXEMPLARS.contact, tx.newId(), tx.newId(), EXEMPLARS.conversation);
  await castContacts(ids, campaign, TASTERS);
  await castLaunch(numbered(tx, EXEMPLARS.message), campaign, TASTERS.length);
  await castCampaign(tx, at, { ...running, id: EXEMPLARS.emptyCampaign, name: "Not launched" });
}

async function castImport(tx: Tx): Promise<void> {
  const { importJob: id, otherBrand: brandId, draftCampaign: campaignId } = EXEMPLARS;
  const job = { id, brandId, campaignId, fileName: "visitors.csv", onDuplicate: "SKIP" as const };
  const read = { rows: 2, lastLine: 3, verdicts: { bad_email: 1, duplicate: 1 } };
  await tx.insert(importJobs).values({ ...job, ...read, status: "DONE", createdAt: tx.now, finishedAt: tx.now });
  await tx.insert(importRows).values([
    { jobId: id, line: 2, verdict: "bad_email", email: "nobody@", message: "This is no e-mail address" },
    { jobId: id, line: 3, verdict: "duplicate", email: "emma.okafor@cedar-insurance.example", message: null },
  ]);
}
