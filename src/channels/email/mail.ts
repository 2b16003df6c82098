import MailComposer from "nodemailer/lib/mail-composer";
import { invalid } from "../../lib/errors.ts";
import type { Envelope } from "../channel.ts";

/** A message in its transport form: the two addresses of the SMTP envelope (RFC 5321) and the message (RFC 5322). */
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
const MAX_URL_CHARS = 900;

/**
 * Composes the e-mail of an envelope: one sender, one recipient, text with an HTML alternative, without access to files or
 * URLs. Values that could add a header or a recipient are refused, not repaired.
 * @throws AppError INVALID naming the part of the envelope that cannot be sent
 */
export async function composeMail(envelope: Envelope): Promise<Mail> {
  const { sender, to, subject, unsubscribeUrl } = envelope;
  const thread = envelope.thread.filter((id) => MESSAGE_ID.test(id));
  const message = new MailComposer({
    messageId: assertMatches("messageKey", envelope.messageKey, MESSAGE_ID, "must be a Message-ID with angle brackets"),
    from: {
      name: assertOneLine("sender.displayName", sender.displayName ?? ""),
      address: assertAddress("sender", sender.address),
    },
    to: { name: assertOneLine("to.name", to.name ?? ""), address: assertAddress("to", to.address) },
    subject: assertOneLine("subject", subject ?? ""),
    text: envelope.text,
    ...(envelope.html === null ? {} : { html: envelope.html }),
    // Incoming mails may have malformed Message-IDs, which are left out of the thread.
    ...(thread.length === 0 ? {} : { inReplyTo: thread.at(-1), references: thread }),
    ...(unsubscribeUrl === null ? {} : { headers: oneClickUnsubscribe(unsubscribeUrl) }),
    newline: "win",
    disableFileAccess: true,
    disableUrlAccess: true,
  }).compile();
  // The envelope's domain names are in ASCII, which servers without SMTPUTF8 require.
  const { from, to: recipients } = message.getEnvelope();
  const [recipient] = recipients;
  if (from === false || recipient === undefined || recipients.length > 1) throw invalid("to", "must be one address");
  return { from, to: recipient, bytes: await message.build() };
}

/** Builds the two headers of RFC 8058. `prepared`: the URL is neither folded nor encoded. */
function oneClickUnsubscribe(url: string): Record<string, { prepared: true; value: string }> {
  const href = URL.canParse(url) ? new URL(url).href : "";
  if (!/^https?:\/\/[!-;=?-~]+$/.test(href) || href.length > MAX_URL_CHARS)
    throw invalid("unsubscribeUrl", "must be a URL");
  return {
    "List-Unsubscribe": { prepared: true, value: `<${href}>` },
    "List-Unsubscribe-Post": { prepared: true, value: "List-Unsubscribe=One-Click" },
  };
}

function assertAddress(field: string, value: string): string {
  return assertMatches(`${field}.address`, value, ADDRESS, "must be one e-mail address");
}

function assertOneLine(field: string, value: string): string {
  return assertMatches(field, value, /^[^\r\n\0]*$/, "must be one line");
}

function assertMatches(field: string, value: string, shape: RegExp, message: string): string {
  if (!shape.test(value)) throw invalid(field, message);
  return value;
}
