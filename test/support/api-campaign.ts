import { type ApiResponse, type ApiClient as FullApiClient, PASSWORD } from "./api-client.ts";

/** Message as the API returns it. */
export interface MessageView {
  id: string;
  contactId: string;
  stage: number;
  status: "PENDING" | "SENT" | "CANCELLED" | "FAILED";
  errorMessage: string | null;
  processedAt: string | null;
  attempts: number;
  subject: string | null;
  text: string | null;
}

export interface BalanceView {
  creditAvailable: number;
  totalReserved: number;
  totalUsed: number;
}

export interface ContactOptions {
  email: string;
  firstName?: string;
  lastName?: string;
}

export interface StepOptions {
  subject?: string;
  body: string;
  /** None by default: a follow-up is due as soon as the message before it was sent. */
  delay?: { value: number; unit: "MINUTES" | "HOURS" | "DAYS" };
}

/** Brand that is ready to send, and a client that sends requests as its owner. */
export interface ReadyBrand {
  token: string;
  brandId: string;
  senderIds: string[];
  /** Sends a request. @throws Error with the response unless it is a success */
  ask<Body = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<Body>;
}

export interface ReadyBrandOptions {
  name: string;
  smtpPort: number;
  /** Addresses of its mailboxes. */
  mailboxes: string[];
  displayName?: string;
  postalAddress?: string;
  /** Daily limit of each mailbox; by default more than any test sends. */
  dailyLimit?: number;
  credits: number;
}

/** Part of a client that is needed to create brands. */
export type ApiAccess = Pick<FullApiClient, "api" | "signIn">;

/** Creates an owner and their brand over the API; the admin adds its mailboxes and grants the credits. */
export async function createReadyBrand(
  service: ApiAccess,
  admin: string,
  order: ReadyBrandOptions,
): Promise<ReadyBrand> {
  const { name, smtpPort, mailboxes, displayName, postalAddress, dailyLimit = 10_000, credits } = order;
  const token = await createSignedInUser(service, admin, `${name.toLowerCase()}@owners.example`);
  const ask = async <Body>(method: string, path: string, body?: unknown): Promise<Body> =>
    succeeded(await service.api<Body>(method, path, body === undefined ? { token } : { token, body }), method, path);

  const { brand } = await ask<{ brand: { id: string } }>("POST", "/api/brands", { name, postalAddress });
  const senderIds: string[] = [];
  for (const email of mailboxes) {
    const mailbox = { email, displayName, host: "127.0.0.1", port: smtpPort, security: "NONE", dailyLimit };
    // A relay without a password proves no ownership: an admin confirms its mailboxes.
    const order = { token: admin, body: { ...mailbox, brandId: brand.id } };
    const added = await service.api<{ emailAccount: { id: string } }>("POST", "/api/email-accounts", order);
    senderIds.push(succeeded(added, "POST", "/api/email-accounts").emailAccount.id);
  }
  const grant = { brandId: brand.id, credits, reason: "to begin with" };
  const path = "/api/auth/admin/grant-credits";
  succeeded(await service.api("POST", path, { token: admin, body: grant }), "POST", path);
  return { token, brandId: brand.id, senderIds, ask };
}

/** Creates and launches a campaign, to start at once or at `startAt` (epoch milliseconds); returns its id. */
export async function launchCampaign(
  { ask, senderIds }: ReadyBrand,
  {
    name,
    stages,
    people,
    startAt,
  }: { name: string; stages: StepOptions[]; people: ContactOptions[]; startAt?: number },
): Promise<string> {
  const { campaign } = await ask<{ campaign: { id: string } }>("POST", "/api/campaigns", {
    name,
    ...(startAt === undefined ? {} : { startAt: new Date(startAt).toISOString() }),
  });
  const path = `/api/campaigns/${campaign.id}`;
  const steps = stages.map(({ delay = { value: 0, unit: "MINUTES" }, ...texts }, stage) => ({
    stage,
    channel: "EMAIL",
    delay,
    ...texts,
  }));
  await ask("PUT", `${path}/steps`, { steps });
  await ask("PUT", `${path}/senders`, { emailAccountIds: senderIds });
  await ask("POST", `${path}/add-contacts`, { contacts: people });
  await ask("POST", `${path}/launch`, { confirmContacts: people.length });
  return campaign.id;
}

/** Reads all pages of a list. */
export async function listAllPages<Row>({ ask }: ReadyBrand, path: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: { data: Row[]; nextCursor: string | null } = await ask("GET", `${path}?limit=100&cursor=${cursor}`);
    rows.push(...page.data);
    cursor = page.nextCursor;
  }
  return rows;
}

/** Lists all messages of a campaign. */
export function listCampaignMessages(brand: ReadyBrand, campaignId: string): Promise<MessageView[]> {
  return listAllPages(brand, `/api/campaigns/${campaignId}/messages`);
}

export async function getBrandBalance({ ask }: ReadyBrand): Promise<BalanceView> {
  return (await ask<{ balance: BalanceView }>("GET", "/api/credits")).balance;
}

/** Creates a user as an admin and signs them in; returns their token. */
export async function createSignedInUser(service: ApiAccess, admin: string, email: string): Promise<string> {
  const path = "/api/auth/admin/create-user";
  succeeded(
    await service.api("POST", path, { token: admin, body: { email, password: PASSWORD, name: "Someone" } }),
    "POST",
    path,
  );
  return service.signIn(email);
}

function succeeded<Body>({ status, body, text }: ApiResponse<Body>, method: string, path: string): Body {
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
  return body;
}

/** Import job as the API returns it. */
export interface ImportJobView {
  status: "RUNNING" | "DONE" | "FAILED";
  rows: number;
  verdicts: Record<string, number>;
  error: string | null;
}

/** Uploads a file of generated contacts to a new campaign; returns the job's id. */
export async function uploadContacts(
  service: ApiAccess,
  { token, ask }: ReadyBrand,
  name: string,
  contacts: number,
): Promise<string> {
  const { campaign } = await ask<{ campaign: { id: string } }>("POST", "/api/campaigns", { name });
  const rows = Array.from(
    { length: contacts },
    (_, n) => `${name.replaceAll(" ", ".")}.${n}@import.example,Ann ${n}\n`,
  );
  const path = `/api/campaigns/${campaign.id}/import-contacts`;
  const { status, body, text } = await service.api<{ jobId: string }>("POST", path, {
    token,
    headers: { "content-type": "text/csv" },
    body: `email,firstName\n${rows.join("")}`,
  });
  if (status !== 202) throw new Error(`POST ${path}: ${status} ${text}`);
  return body.jobId;
}

export async function getImportJobView({ ask }: ReadyBrand, jobId: string): Promise<ImportJobView> {
  return (await ask<{ job: ImportJobView }>("GET", `/api/campaigns/import-jobs/${jobId}`)).job;
}
