import type { Envelope } from "../channels/channel.ts";
import { Fault } from "../fault.ts";
import type { Signer, Vault } from "../secrets.ts";
import { loginOf } from "../senders/login.ts";
import { renderMail } from "../templates/mailBody.ts";
import { renderText } from "../templates/sms.ts";
import { messageVariables } from "../templates/variables.ts";
import type { DueRow, Surroundings, Thread } from "./facts.ts";

/** What rendering needs besides the rows. */
export interface Post {
  vault: Vault;
  signer: Signer;
  /** Stands before unsubscribe links. */
  publicUrl: string;
}

/** The link that lets a person out of a conversation, and the brand's list with it. It works for as long as the key does. */
export function unsubscribeUrl(post: Post, conversationId: string): string {
  return `${post.publicUrl}/u/${conversationId}.${post.signer.sign(`unsubscribe|${conversationId}`)}`;
}

/** The same for every attempt at one message (RFC 5322, section 3.6.4), and it names the message when an answer quotes it. */
export function messageKeyOf(messageId: string, senderAddress: string): string {
  return `<${messageId}@${senderAddress.split("@")[1] ?? "reprise.invalid"}>`;
}

/** Renders a message for its contact. Throws a Fault when its step is gone or its template cannot be rendered. */
export function renderEnvelope(row: DueRow, around: Surroundings, thread: Thread | undefined, post: Post): Envelope {
  const step = around.steps.get(`${row.campaign_id} ${row.stage}`);
  const brand = around.brands.get(row.brand_id);
  const sender = row.sender_id === null ? undefined : around.senders.get(row.sender_id);
  if (!step || !brand) throw new Fault("NOT_FOUND", "STEP_MISSING");

  const link = row.channel === "EMAIL" ? unsubscribeUrl(post, row.conversation_id) : null;
  const custom = typeof row.custom === "string" ? (JSON.parse(row.custom) as Record<string, string>) : row.custom;
  const contact = {
    firstName: row.first_name,
    lastName: row.last_name,
    email: row.email,
    phone: row.phone,
    company: row.company,
    custom,
  };
  const variables = messageVariables(
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
    messageKey: row.message_key ?? messageKeyOf(row.id, sender?.email ?? ""),
    sender: {
      id: row.sender_id ?? brand.id,
      address: sender?.email ?? "",
      displayName: sender?.displayName ?? brand.name,
      smtp: sender ? loginOf(post.vault, sender) : null,
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
