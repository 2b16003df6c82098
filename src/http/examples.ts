import { EXEMPLARS } from "../exemplars.ts";
import type { Json } from "./json.ts";

/** What "Try it out" fills in. */
interface Example {
  parameters?: Record<string, string>;
  body?: Json;
}

const {
  brand: brandId,
  otherBrand,
  emailAccount,
  otherEmailAccount,
  unusedEmailAccount,
  campaign,
  runningCampaign,
  draftCampaign,
  contact: contactId,
  owner,
  colleague,
} = EXEMPLARS;
const id = (of: string): Example => ({ parameters: { id: of } });
const on = (of: string, body: Json): Example => ({ ...id(of), body });
const sending = (body: Json): Example => ({ body });
const PASSWORD = "correct horse battery";

const STEPS = [
  {
    stage: 0,
    channel: "EMAIL",
    delay: { value: 0, unit: "DAYS" },
    subject: "A plant for {{ company | default: 'your desk' }}",
    body: "Hello {{ firstName | default: 'there' }}, may we bring you a plant?",
  },
  {
    stage: 1,
    channel: "EMAIL",
    delay: { value: 4, unit: "DAYS" },
    body: "Hello again. It is a very small plant.",
  },
];

/**
 * An example for every operation that is asked something, on the demo's data and as its admin. What changes what an
 * earlier one names comes after it.
 */
export const EXAMPLES: Record<string, Example> = {
  "post /api/auth/admin/assign-email-account": sending({ accountId: otherEmailAccount, brandId: otherBrand }),
  "post /api/auth/admin/bulk-assign-email-accounts": sending({
    accountIds: [emailAccount, otherEmailAccount],
    brandId,
  }),
  "post /api/auth/banned": sending({
    email: "someone@example.com",
    phone: "+12025550123",
    reason: "asked by phone not to be contacted",
  }),
  "post /api/auth/admin/create-voicemail-account": sending({ brandId, phoneNumber: "+1 202 555 0147" }),
  "post /api/auth/admin/find-user-by-email": sending({ email: EXEMPLARS.ownerEmail }),
  "post /api/auth/admin/brands": sending({ limit: 10, offset: 0, searchQuery: "" }),
  "post /api/auth/admin/all-credits": sending({ limit: 10, page: 1 }),
  "post /api/auth/admin/email-accounts": sending({
    assignmentFilter: "all",
    providerFilter: "SMTP",
    searchQuery: "",
  }),
  "post /api/auth/admin/credit-stats": sending({}),
  "post /api/auth/admin/get-credit-weights": sending({}),
  "post /api/auth/admin/update-credit-weight": sending({ creditType: "SMS", weight: 1.5 }),
  "post /api/auth/admin/update-enrichment-weight": sending({ weight: 3 }),
  "post /api/auth/update-twillio-messaging-service-sid": sending({
    brandId,
    twilioAccountSid: "AC0123456789abcdef0123456789abcdef",
    twilioAuthToken: "0123456789abcdef0123456789abcdef",
    twillioMessagingServiceSid: "MG0123456789abcdef0123456789abcdef",
  }),
  "post /api/auth/edit-profile": sending({ userId: owner, name: "Nora Wind" }),
  "get /api/profile-images/{name}": { parameters: { name: EXEMPLARS.image } },
  "post /api/auth/sign-up/email": sending({ email: "ada@example.com", password: PASSWORD, name: "Ada Lovelace" }),
  "post /api/auth/send-verification": sending({ email: "ada@example.com" }),
  "post /api/auth/verify-email": sending({ token: "from the link in the mail", password: PASSWORD }),
  "post /api/auth/accept-invitation": sending({
    token: "from the link of the invitation",
    password: PASSWORD,
    name: "Ada Lovelace",
  }),
  "post /api/auth/sign-in/email": sending({ email: "grace@example.com", password: PASSWORD }),
  "post /api/auth/change-password": sending({
    currentPassword: PASSWORD,
    newPassword: "another horse battery",
    revokeOtherSessions: true,
  }),
  "post /api/auth/claim": sending({
    token: "from the link that the first start printed",
    email: "ada@example.com",
    password: PASSWORD,
    name: "Ada Lovelace",
  }),
  "post /api/auth/api-keys": sending({ name: "CRM import", kind: "SERVICE", expiresInDays: 90 }),
  "post /api/auth/reauthenticate": sending({ password: PASSWORD }),
  "post /api/auth/admin/invitations": sending({
    email: "ada@example.com",
    name: "Ada Lovelace",
    brandName: "Analytical",
  }),
  "post /api/auth/admin/verify-user": sending({ userId: colleague }),
  "post /api/auth/admin/create-user": sending({
    email: "grace@example.com",
    password: PASSWORD,
    name: "Grace Hopper",
    role: "user",
  }),
  "post /api/auth/admin/set-role": sending({ userId: colleague, role: "user" }),
  "post /api/auth/admin/ban-user": sending({ userId: colleague }),
  "post /api/auth/admin/unban-user": sending({ userId: colleague }),
  "post /api/auth/admin/revoke-sessions": sending({ userId: colleague }),
  "post /api/auth/admin/grant-credits": sending({
    brandId,
    credits: 100,
    kind: "PURCHASED",
    reason: "Welcome credits",
  }),
  "post /api/auth/admin/verify-ledger": sending({}),
  "post /api/auth/admin/adjust-credits": sending({ brandId, credits: -25, reason: "Sent twice by mistake" }),
  "post /api/auth/admin/preview-credit-weight": sending({ creditType: "EMAIL", weight: 1.5 }),
  "post /api/auth/admin/link-chargebee-customer": sending({ brandId, customerId: "AzZlGJTUHvCGN1aE" }),
  "post /api/auth/admin/replay-chargebee-event": sending({ eventId: "ev_16BHbhF4s42tO2lK" }),
  "post /api/auth/admin/reconcile-chargebee": sending({}),

  "get /api/limits": { parameters: { brandId } },
  "get /api/auth/admin/limits": { parameters: { brandId } },
  "post /api/auth/admin/update-limits": sending({ brandId, limits: { contacts: 3_000_000, mailboxes: null } }),

  "get /api/brands/{id}": id(brandId),
  "post /api/brands": sending({ name: "Fabrikam Tea", timezone: "Europe/London" }),
  "patch /api/brands/{id}": on(otherBrand, { postalAddress: "14 Garden Row, London SE1 6ED, UK" }),
  "get /api/email-accounts/{id}": id(emailAccount),
  "post /api/email-accounts": sending({
    brandId,
    email: "cleo@northwind.example",
    displayName: "Cleo at Northwind",
    host: "smtp.northwind.example",
    port: 587,
    security: "STARTTLS",
    password: "of the mailbox",
    dailyLimit: 50,
  }),
  "patch /api/email-accounts/{id}": on(emailAccount, { displayName: "Ana at Northwind", dailyLimit: 60 }),
  "post /api/email-accounts/{id}/test-connection": id(EXEMPLARS.spareEmailAccount),
  "get /api/voicemail-accounts/{id}": id(EXEMPLARS.voicemailAccount),
  "post /api/voicemail-accounts": sending({
    brandId,
    phoneNumber: "+1 202 555 0148",
    displayName: "Northwind, evenings",
  }),
  "patch /api/voicemail-accounts/{id}": on(EXEMPLARS.voicemailAccount, { displayName: "Northwind, mornings" }),
  "get /api/contacts/{id}": id(contactId),
  "post /api/contacts": sending({ brandId, email: "joan@example.com", firstName: "Joan", company: "Clarke & Co" }),
  "patch /api/contacts/{id}": on(contactId, { firstName: "Joanna" }),
  "get /api/credits": { parameters: { brandId } },
  "get /api/credits/ledger": { parameters: { brandId } },

  "get /api/campaigns/{id}": id(campaign),
  "get /api/campaigns/{id}/steps": id(campaign),
  "get /api/campaigns/{id}/senders": id(campaign),
  "get /api/campaigns/{id}/contacts": id(campaign),
  "get /api/campaigns/{id}/messages": id(campaign),
  "get /api/campaigns/{id}/stats": id(campaign),
  "get /api/campaigns/{id}/credits": id(campaign),
  "get /api/campaigns/{id}/launch-cost": id(draftCampaign),
  "get /api/campaigns/{id}/explain": { parameters: { id: runningCampaign, contactId } },
  "get /api/campaigns/import-jobs/{jobId}": { parameters: { jobId: EXEMPLARS.importJob } },
  "get /api/campaigns/import-jobs/{jobId}/result.csv": { parameters: { jobId: EXEMPLARS.importJob } },
  "get /api/campaigns/conversations/{id}": id(EXEMPLARS.conversation),
  "post /api/campaigns": sending({ brandId: otherBrand, name: "Ferns for waiting rooms", channels: ["EMAIL"] }),
  "patch /api/campaigns/{id}": on(draftCampaign, { name: "Plants for every desk", version: 1 }),
  "put /api/campaigns/{id}/steps": on(draftCampaign, { steps: STEPS }),
  "put /api/campaigns/{id}/senders": on(draftCampaign, { emailAccountIds: [unusedEmailAccount] }),
  "post /api/campaigns/{id}/preview-message": on(draftCampaign, { stage: 0, contactId: EXEMPLARS.draftContact }),
  "post /api/campaigns/{id}/launch": on(draftCampaign, { confirmContacts: EXEMPLARS.draftContacts }),
  "post /api/campaigns/{id}/add-contacts": on(draftCampaign, {
    contacts: [{ email: "kay@example.com", firstName: "Kay" }],
  }),
  "post /api/campaigns/{id}/import-contacts": id(draftCampaign),
  "post /api/campaigns/{id}/pause-contact": on(runningCampaign, { contactId, reason: "on holiday" }),
  "post /api/campaigns/{id}/resume-contact": on(runningCampaign, { contactId }),
  "post /api/campaigns/conversations/{id}/mark-read": id(EXEMPLARS.conversation),
  "post /api/campaigns/conversations/{id}/set-mode": on(EXEMPLARS.conversation, {
    mode: "MANUAL",
    reason: "I call them",
  }),
  "post /api/campaigns/conversations/{id}/inbound": on(EXEMPLARS.conversation, {
    channel: "EMAIL",
    text: "Gladly: call me tomorrow at ten",
  }),
  "post /api/campaigns/outcome-unknown/{messageId}/resolve": {
    parameters: { messageId: EXEMPLARS.message },
    body: { as: "SENT" },
  },
  "post /api/campaigns/{id}/remove-contact": on(runningCampaign, { contactId, reason: "moved away" }),
  "post /api/campaigns/{id}/pause": on(runningCampaign, { reason: "new prices from Monday" }),
  "post /api/campaigns/{id}/resume": id(runningCampaign),
  "post /api/campaigns/{id}/cancel": on(runningCampaign, { reason: "sold out" }),
  "post /api/campaigns/{id}/archive": id(campaign),

  "delete /api/auth/banned/{id}": on(EXEMPLARS.ban, { id: EXEMPLARS.ban }),
  "delete /api/auth/api-keys/{id}": id(EXEMPLARS.apiKey),
  "delete /api/auth/admin/api-keys/{id}": id(EXEMPLARS.spareApiKey),
  "delete /api/auth/admin/invitations/{id}": id(EXEMPLARS.invitation),
  "delete /api/auth/sessions/{id}": id(EXEMPLARS.session),
  "delete /api/contacts/{id}": id(EXEMPLARS.loneContact),
  "delete /api/campaigns/{id}": id(EXEMPLARS.emptyCampaign),
  "delete /api/email-accounts/{id}": id(EXEMPLARS.spareEmailAccount),
  "delete /api/voicemail-accounts/{id}": id(EXEMPLARS.spareVoicemailAccount),
  "delete /api/brands/{id}": id(EXEMPLARS.emptyBrand),
};
