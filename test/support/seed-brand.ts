import { type ApiAccess, createReadyBrand, launchCampaign, type ReadyBrand } from "./api-campaign.ts";

/** Brand with a resource of every kind. */
export interface SeededBrand extends ReadyBrand {
  campaignId: string;
  draftId: string;
  /** Ids of its resources by the path segment before them, such as `contacts`. */
  ids: Map<string, string[]>;
}

/** Variables for a program with seeded brands: the simulator replaces the channels, so that nothing is sent. */
export const SIMULATOR_ENVIRONMENT = {
  CHANNELS: "simulator",
  CLIENT_ADDRESS_HEADER: "x-client-address",
  LOG_LEVEL: "error",
  SMTP_ALLOW_PRIVATE_HOSTS: "true",
};

let numbers = 100;

/** Creates a brand with a campaign launched to two contacts, a draft, a voicemail number, a ban and an API key. */
export async function seedBrand(service: ApiAccess, admin: string, name: string): Promise<SeededBrand> {
  const order = { name, smtpPort: 2525, mailboxes: [`mail@${name}.example`], credits: 50 };
  const brand = await createReadyBrand(service, admin, order);
  const people = [{ email: `jo@${name}.example` }, { email: `al@${name}.example` }];
  const stages = [
    { subject: "Hi", body: "Hello" },
    { body: "And?", delay: { value: 1, unit: "DAYS" as const } },
  ];
  const campaignId = await launchCampaign(brand, { name, stages, people });
  const { campaign: draft } = await brand.ask<{ campaign: { id: string } }>("POST", "/api/campaigns", {
    name: "A draft",
  });
  await brand.ask("POST", "/api/auth/banned", { email: `no@${name}.example` });
  const number = `+1312555${String(++numbers).padStart(4, "0")}`;
  await brand.ask("POST", "/api/voicemail-accounts", { phoneNumber: number });
  await brand.ask("POST", "/api/auth/api-keys", { name: "A key" });
  const ids = new Map<string, string[]>();
  for (const [kind, list] of Object.entries({
    users: "auth/session",
    brands: "brands",
    "email-accounts": "email-accounts",
    "voicemail-accounts": "voicemail-accounts",
    contacts: "contacts",
    campaigns: "campaigns",
    conversations: "campaigns/conversations",
    "outcome-unknown": `campaigns/${campaignId}/messages`,
    banned: "auth/banned",
    "api-keys": "auth/api-keys",
  })) {
    const { text } = await service.api("GET", `/api/${list}`, { token: brand.token });
    ids.set(
      kind,
      [...text.matchAll(/"id":"([\w-]+)"/g)].map(([, id = ""]) => id),
    );
  }
  return { ...brand, campaignId, draftId: draft.id, ids };
}
