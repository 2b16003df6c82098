import { htmlToText, htmlToTextInSlices } from "./html-text.ts";
import {
  type Format,
  isHtml,
  type RenderedTemplate,
  renderInSlices,
  renderTemplate,
  type Variables,
} from "./template.ts";

/** A line is at most 998 bytes (RFC 5322 section 2.1.1), including the header's name. */
const MAX_SUBJECT_BYTES = 998 - "Subject: ".length;

/** The footer that the law requires in commercial mail. Null in a test, or for a brand without an address. */
export interface MailFooter {
  unsubscribeUrl: string | null;
  postalAddress: string | null;
  brandName: string;
}

interface RenderedMail {
  /** Null when the step has none: a follow-up uses the subject of its conversation. */
  subject: string | null;
  text: string;
  html: string | null;
  missing: string[];
}

/**
 * Renders a step to a mail. A body with HTML tags is HTML: its variables are escaped, and the text part is generated from it. Any
 * other body is plain text, and the mail has no HTML part, since plain mail is delivered best. The sender's postal address and a
 * way to opt out (CAN-SPAM, 15 U.S.C. 7704(a)(5)(A)) are added unless the body shows them.
 * @throws AppError INVALID as `renderTemplate`
 */
export function renderMail(
  step: { subject: string | null; body: string },
  variables: Variables,
  footer: MailFooter,
): RenderedMail {
  const subject = step.subject === null ? null : renderTemplate(step.subject, variables);
  const format = getFormat(step.body);
  const body = renderTemplate(step.body, variables, format);
  return composeMailBody(subject, body, format === "html" ? htmlToText(body.text) : null, footer);
}

/** Does the same as `renderMail`, awaiting `pause` before each slice of its work: for previews, which many users may request at once. */
export async function renderMailInSlices(
  step: { subject: string | null; body: string },
  variables: Variables,
  footer: MailFooter,
  pause: () => Promise<void>,
): Promise<RenderedMail> {
  const subject = step.subject === null ? null : await renderInSlices(step.subject, variables, "text", pause);
  await pause();
  const format = getFormat(step.body);
  const body = await renderInSlices(step.body, variables, format, pause);
  return composeMailBody(subject, body, format === "html" ? await htmlToTextInSlices(body.text, pause) : null, footer);
}

const getFormat = (body: string): Format => (isHtml(body) ? "html" : "text");

/** Composes the parts of a mail. `htmlAsText` is the text of an HTML body, null for a plain one. */
function composeMailBody(
  subject: RenderedTemplate | null,
  body: RenderedTemplate,
  htmlAsText: string | null,
  footer: MailFooter,
): RenderedMail {
  const text = htmlAsText ?? body.text.trim();
  const { address, link } = getMissingFooter(text, footer);
  const lines = [address, link && `Unsubscribe: ${link}`].filter(Boolean).join("\n");
  return {
    subject: subject === null ? null : singleLine(subject.text),
    text: [text, lines].filter(Boolean).join("\n\n"),
    html: htmlAsText === null ? null : withFooter(body.text, address, link),
    missing: [...new Set([...(subject?.missing ?? []), ...body.missing])],
  };
}

/** Gets the parts of the footer that the body does not show. Searches its text, so that a link in a comment or style does not count. */
function getMissingFooter(text: string, footer: MailFooter): { address: string | null; link: string | null } {
  const { unsubscribeUrl, brandName } = footer;
  const asWritten = footer.postalAddress?.replaceAll("\r\n", "\n").trim() ?? "";
  const onOneLine = asWritten.replace(/\s*\n\s*/g, ", ");
  const shown = text.includes(asWritten) || text.includes(onOneLine);
  return {
    address: shown ? null : onOneLine.startsWith(brandName) ? onOneLine : `${brandName}, ${onOneLine}`,
    link: unsubscribeUrl === null || text.includes(unsubscribeUrl) ? null : unsubscribeUrl,
  };
}

function withFooter(html: string, address: string | null, link: string | null): string {
  const lines = [
    address && Bun.escapeHTML(address),
    link && `<a href="${Bun.escapeHTML(link)}" style="color:inherit">Unsubscribe</a>`,
  ].filter(Boolean);
  if (lines.length === 0) return html;
  const end = html.toLowerCase().lastIndexOf("</body>");
  const at = end === -1 ? html.length : end;
  return `${html.slice(0, at)}\n<p style="color:#666;font-size:12px">${lines.join("<br>")}</p>\n${html.slice(at)}`;
}

/** Formats a header's value on one line, so that a variable cannot start another header, and truncates it to the maximum length. */
function singleLine(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  if (Buffer.byteLength(line) <= MAX_SUBJECT_BYTES) return line;
  // In streaming mode, the decoder drops a character that was cut.
  return new TextDecoder().decode(Buffer.from(line).subarray(0, MAX_SUBJECT_BYTES), { stream: true }).trimEnd();
}
