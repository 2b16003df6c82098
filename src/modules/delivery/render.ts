import type { Envelope } from "../../channels/channel.ts";
import type { Signer, Vault } from "../../lib/crypto/secrets.ts";
import { AppError } from "../../lib/errors.ts";
import { renderMail } from "../../lib/templates/mail-body.ts";
import { renderText } from "../../lib/templates/sms.ts";
import { buildVariables } from "../../lib/templates/variables.ts";
import { decryptLogin } from "../senders/login.ts";
import type { DeliveryContext } from "./context.ts";
import type { DueRow, Thread } from "./due-messages.ts";

/** The services that rendering uses. */
export interface RenderDeps {
  vault: Vault;
  signer: Signer;
  /** The beginning of unsubscribe links. */
  publicUrl: string;
}

/** Builds the link that unsubscribes the contact of a conversation from the brand. It is valid as long as the key is. */
function buildUnsubscribeUrl(deps: RenderDeps, conversationId: string): string {
  return `${deps.publicUrl}/u/${conversationId}.${deps.signer.sign(`unsubscribe|${conversationId}`)}`;
}

/** Builds the Message-ID, the same for every attempt (RFC 5322, section 3.6.4). A reply quotes it, which names the message. */
function buildMessageKey(messageId: string, senderAddress: string): string {
  return `<${messageId}@${senderAddress.split("@")[1] ?? "reprise.invalid"}>`;
}

/**
 * Renders a message for its contact.
 * @throws AppError when its step is gone or its template cannot be rendered
 */
export function renderEnvelope(
  row: DueRow,
  context: DeliveryContext,
  thread: Thread | undefined,
  deps: RenderDeps,
): Envelope {
  const step = context.steps.get(`${row.campaign_id} ${row.stage}`);
  const brand = context.brands.get(row.brand_id);
  const sender = row.sender_id === null ? undefined : context.senders.get(row.sender_id);
  if (!step || !brand) throw new AppError("NOT_FOUND", "STEP_MISSING");

  const link = row.channel === "EMAIL" ? buildUnsubscribeUrl(deps, row.conversation_id) : null;
  const custom = typeof row.custom === "string" ? (JSON.parse(row.custom) as Record<string, string>) : row.custom;
  const contact = {
    firstName: row.first_name,
    lastName: row.last_name,
    email: row.email,
    phone: row.phone,
    company: row.company,
    custom,
  };
  const variables = buildVariables(
    contact,
    brand,
    { name: sender?.displayName ?? null, email: sender?.email ?? null },
    link,
  );
  const mail =
    row.channel === "EMAIL"
      ? renderMail(step, variables, { unsubscribeUrl: link, postalAddress: brand.postalAddress, brandName: brand.name })
      : { subject: null, text: renderText(step, variables).text, html: null };

  return {
    messageId: row.id,
    channel: row.channel,
    messageKey: row.message_key ?? buildMessageKey(row.id, sender?.email ?? ""),
    sender: {
      id: row.sender_id ?? brand.id,
      address: sender?.email ?? "",
      displayName: sender?.displayName ?? brand.name,
      smtp: sender ? decryptLogin(deps.vault, sender) : null,
    },
    to: {
      address: (row.channel === "EMAIL" ? row.email : row.phone) ?? "",
      name: [row.first_name, row.last_name].filter(Boolean).join(" ") || null,
    },
    subject: mail.subject ?? (thread?.subject ? `Re: ${thread.subject.replace(/^re:\s*/i, "")}` : null),
    text: mail.text,
    html: mail.html,
    thread: thread?.keys ?? [],
    unsubscribeUrl: link,
  };
}
