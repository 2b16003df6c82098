import MailComposer from "nodemailer/lib/mail-composer";
import { invalid } from "../fault.ts";
import type { Envelope } from "./channel.ts";

/** A message as it crosses the wire: the SMTP envelope's two addresses (RFC 5321) and the message itself (RFC 5322). */
export interface Mail {
  from: string;
  to: string;
  bytes: Buffer;
}

/** One plain address: no quoting, no comments, no lists, lengths of RFC 5321 section 4.5.3.1. */
const ADDRESS = /^[^\s\p{Cc}@<>()[\]\\,;:"]{1,64}@[^\s\p{Cc}@<>()[\]\\,;:"]{1,255}$/u;
/** `<left@right>` in printable ASCII, short enough for a header line (RFC 5322 sections 2.1.1 and 3.6.4). */
const MESSAGE_ID = /^<[!-;=?-~]{1,900}>$/;
/** Header lines end at 998 characters. */
const LONGEST_URL = 900;

/**
 * Writes the e-mail of an envelope: one sender, one recipient, text with an HTML alternative, and nothing that reads a file
 * or a URL. It cannot be tricked into a further header or recipient: what could is refused, not repaired.
 * @throws Fault INVALID naming the part of the envelope that no mail can be made of.
 */
export async function composeMail(envelope: Envelope): Promise<Mail> {
  const { sender, to, subject, unsubscribeUrl } = envelope;
  const replied = threadOf(envelope);
  const message = new MailComposer({
    messageId: matching("messageKey", envelope.messageKey, MESSAGE_ID, "must be a Message-ID with angle brackets"),
    from: { name: oneLine("sender.displayName", sender.displayName ?? ""), address: address("sender", sender.address) },
    to: { name: oneLine("to.name", to.name ?? ""), address: address("to", to.address) },
    subject: oneLine("subject", subject ?? ""),
    text: envelope.text,
    ...(envelope.html === null ? {} : { html: envelope.html }),
    ...(replied.length === 0 ? {} : { inReplyTo: replied.at(-1), references: replied }),
    ...(unsubscribeUrl === null ? {} : { headers: oneClickUnsubscribe(unsubscribeUrl) }),
    newline: "win",
    disableFileAccess: true,
    disableUrlAccess: true,
  }).compile();
  // Here domain names are in ASCII already, as servers without SMTPUTF8 need them.
  const { from, to: recipients } = message.getEnvelope();
  const [recipient] = recipients;
  if (from === false || recipient === undefined || recipients.length > 1) throw invalid("to", "must be one address");
  return { from, to: recipient, bytes: await message.build() };
}

/** Message-IDs of incoming mail are whatever someone sent: one that is none is left out of the thread. */
function threadOf(envelope: Envelope): string[] {
  return envelope.thread.filter((id) => MESSAGE_ID.test(id));
}

/** The two headers of RFC 8058. `prepared`: a URL is neither folded nor encoded. */
function oneClickUnsubscribe(url: string): Record<string, { prepared: true; value: string }> {
  const href = URL.canParse(url) ? new URL(url).href : "";
  if (!/^https?:\/\/[!-;=?-~]+$/.test(href) || href.length > LONGEST_URL)
    throw invalid("unsubscribeUrl", "must be a URL");
  return {
    "List-Unsubscribe": { prepared: true, value: `<${href}>` },
    "List-Unsubscribe-Post": { prepared: true, value: "List-Unsubscribe=One-Click" },
  };
}

function address(field: string, value: string): string {
  return matching(`${field}.address`, value, ADDRESS, "must be one e-mail address");
}

function oneLine(field: string, value: string): string {
  return matching(field, value, /^[^\r\n\0]*$/, "must be one line");
}

function matching(field: string, value: string, shape: RegExp, message: string): string {
  if (!shape.test(value)) throw invalid(field, message);
  return value;
}
