import type { Reader } from "../../db/store.ts";
import { SYSTEM, tenantScope } from "../../db/tenant-scope.ts";
import { notFound } from "../../lib/errors.ts";
import { renderMailInSlices } from "../../lib/templates/mail-body.ts";
import { measureSms, renderTextInSlices } from "../../lib/templates/sms.ts";
import { buildVariables, type TemplateContact } from "../../lib/templates/variables.ts";
import { timeSlices } from "../../lib/time-slices.ts";
import { getBrand } from "../brands/brands.ts";
import { getContact } from "../contacts/contacts.ts";
import type { CampaignRow } from "./campaigns.ts";
import { listSenders } from "./senders.ts";
import { listSteps } from "./steps.ts";

export interface Preview {
  subject: string | null;
  text: string;
  html: string | null;
  /** SMS segments, which decide its cost; null for other channels. */
  segments: number | null;
  missingVariables: string[];
}

/**
 * Renders a step for a contact or for sample values. The unsubscribe link is an example: a real one would let any viewer of
 * the preview unsubscribe the contact.
 */
export async function previewMessage(
  read: Reader,
  campaign: CampaignRow,
  stage: number,
  person: string | Partial<TemplateContact>,
  publicUrl: string,
): Promise<Preview> {
  const steps = await listSteps(read, campaign.id);
  const step = steps[stage];
  if (!step) throw notFound("stage", String(stage));
  const brand = await getBrand(read, campaign.brandId);
  const [sender] = await listSenders(read, campaign);
  const emptyContact = { firstName: null, lastName: null, email: null, phone: null, company: null, custom: {} };
  const contact =
    typeof person === "string"
      ? await getContact(read, person, tenantScope(SYSTEM, campaign.brandId))
      : { ...emptyContact, ...person };
  const link = step.channel === "EMAIL" ? `${publicUrl}/u/example` : null;
  const from = { name: sender?.displayName ?? null, email: sender?.email ?? null };
  const variables = buildVariables(contact, brand, from, link);
  const pause = () => timeSlices.next(campaign.brandId);

  if (step.channel !== "EMAIL") {
    const { text, missing } = await renderTextInSlices(step, variables, pause);
    const segments = step.channel === "SMS" ? measureSms(text).segments : null;
    return { subject: null, text, html: null, segments, missingVariables: missing };
  }
  const footer = { unsubscribeUrl: link, postalAddress: brand.postalAddress, brandName: brand.name };
  const mail = await renderMailInSlices(step, variables, footer, pause);
  // A follow-up without a subject is sent with the subject of the mail before it.
  const earlier = steps.slice(0, stage).findLast(({ channel, subject }) => channel === "EMAIL" && subject !== null);
  const opening = earlier && { subject: earlier.subject, body: "" };
  const thread =
    mail.subject === null && opening ? (await renderMailInSlices(opening, variables, footer, pause)).subject : null;
  return {
    subject: mail.subject ?? (thread && `Re: ${thread.replace(/^re:\s*/i, "")}`),
    text: mail.text,
    html: mail.html,
    segments: null,
    missingVariables: mail.missing,
  };
}
