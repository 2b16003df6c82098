import { htmlToText, htmlToTextInSlices } from "./htmlText.ts";
import { type Format, isHtml, type Rendered, renderInSlices, renderTemplate, type Variables } from "./template.ts";

/** A line of RFC 5322 section 2.1.1 is at most 998 bytes, and this one begins with its name. */
const MAX_SUBJECT = 998 - "Subject: ".length;

/** What the law wants in every commercial mail. Null is for a test, or a brand that has not said yet. */
export interface MailFooter {
  unsubscribeUrl: string | null;
  postalAddress: string | null;
  brandName: string;
}

export interface RenderedMail {
  /** Null when the step has none: a follow-up goes under the subject of its conversation. */
  subject: string | null;
  text: string;
  html: string | null;
  missing: string[];
}

/**
 * Renders a step to a mail. A body with HTML tags is HTML, its variables escaped, and the text part is made from it; any other
 * body is the text, and the mail has no HTML part: plain mail is delivered best. The sender's postal address and a way to opt
 * out (CAN-SPAM, 15 U.S.C. 7704(a)(5)(A)) are added where the body itself does not show them.
 * @throws Fault INVALID as `renderTemplate` does
 */
export function renderMail(
  step: { subject: string | null; body: string },
  variables: Variables,
  footer: MailFooter,
): RenderedMail {
  const subject = step.subject === null ? null : renderTemplate(step.subject, variables);
  const format = formatOf(step.body);
  const body = renderTemplate(step.body, variables, format);
  return compose(subject, body, format === "html" ? htmlToText(body.text) : null, footer);
}

/** The same, awaiting `pause` before each slice of its work: for previews, which any number of people may ask for at once. */
export async function renderMailInSlices(
  step: { subject: string | null; body: string },
  variables: Variables,
  footer: MailFooter,
  pause: () => Promise<void>,
): Promise<RenderedMail> {
  const subject = step.subject === null ? null : await renderInSlices(step.subject, variables, "text", pause);
  await pause();
  const format = formatOf(step.body);
  const body = await renderInSlices(step.body, variables, format, pause);
  return compose(subject, body, format === "html" ? await htmlToTextInSlices(body.text, pause) : null, footer);
}

const formatOf = (body: string): Format => (isHtml(body) ? "html" : "text");

/** Puts a mail together. `ofHtml` is the text of a body that is HTML, null for any other. */
function compose(subject: Rendered | null, body: Rendered, ofHtml: string | null, footer: MailFooter): RenderedMail {
  const text = ofHtml ?? body.text.trim();
  const { address, link } = owed(text, footer);
  const lines = [address, link && `Unsubscribe: ${link}`].filter(Boolean).join("\n");
  return {
    subject: subject === null ? null : singleLine(subject.text),
    text: [text, lines].filter(Boolean).join("\n\n"),
    html: ofHtml === null ? null : withFooter(body.text, address, link),
    missing: [...new Set([...(subject?.missing ?? []), ...body.missing])],
  };
}

/** What the body does not show yet. Its text is asked, so that a link in a comment or a style does not count. */
function owed(text: string, footer: MailFooter): { address: string | null; link: string | null } {
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

/** A header's value: on one line, so that a variable cannot begin another header, and no longer than a line may be. */
function singleLine(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  if (Buffer.byteLength(line) <= MAX_SUBJECT) return line;
  // Streaming, the decoder keeps back a character that was cut.
  return new TextDecoder().decode(Buffer.from(line).subarray(0, MAX_SUBJECT), { stream: true }).trimEnd();
}
