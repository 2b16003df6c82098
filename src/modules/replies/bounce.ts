import { alternation } from "./phrase.ts";

/** The report of a mail system about one message that it could not deliver, or not yet. */
export interface Bounce {
  /** The address the message was sent to, in lower case; null when the report does not name it. */
  recipient: string | null;
  /** RFC 3463 enhanced status code, e.g. "5.1.1". */
  status: string;
  /** True when the address must not be used again. */
  permanent: boolean;
  /** True when the address itself is wrong: no such mailbox or domain. */
  badAddress: boolean;
  /** The remote server's reply. */
  diagnostic: string | null;
}

/** A mail that may be a bounce. Header names in lower case. `text`: the message/delivery-status part, or else the whole text. */
interface BounceReport {
  contentType: string;
  text: string;
  headers: Record<string, string>;
}

/** Reports have the returned message at the end, so their start suffices. */
const MAX_REPORT_CHARS = 20_000;
const MAX_LINE_CHARS = 1_000;

const POSTMASTER =
  /\b(?:mailer-daemon|postmaster|mail-daemon|microsoftexchange[0-9a-f]{8,40})\b|mail delivery (?:sub)?system/i;
const BOUNCE_SUBJECT = new RegExp(
  String.raw`^\s{0,4}${alternation(`
    undeliver(?:ed|able), non[- ]?deliver, delivery (?:status notification|failure|has failed|delayed), mail delivery (?:failed|failure)
    failure notice, returned mail, message (?:undeliverable|delayed|you sent blocked), mail could not be delivered
    warning: (?:message|could not send), unzustellbar, nicht zustellbar, non remis, échec de la remise, no se puede entregar, no entregado
    não é possível entregar, non recapitabile`)}`,
  "iu",
);
const REPLY_SUBJECT = /^\s{0,4}(?:re|aw|fwd?|wg|tr|rv|sv|antw)\s?:/i;

/** Codes of RFC 3463 section 3.2 about the sender's address, and 5.1.5, which reports a valid one. */
const RECIPIENT_IS_VALID = new Set(["1.5", "1.7", "1.8"]);
const MAILBOX_FULL = new RegExp(
  String.raw`\b${alternation(String.raw`
    mailbox (?:is )?full, mailbox size limit, over ?quota, quota (?:is )?exceeded, exceed\w* (?:\w+ ){0,3}(?:quota|storage), insufficient storage
    out of storage`)}\b`,
  "i",
);
const NO_SUCH_RECIPIENT = new RegExp(
  String.raw`\b${alternation(`
    user unknown, unknown user, no such (?:user|mailbox|recipient|address|person), no mailbox here by that name, does(?:n['’]t| not) exist
    (?:user|recipient|mailbox|address|account) not found, invalid (?:recipient|mailbox), wasn['’]t found, couldn['’]t be found
    unrouteable address, (?:account|mailbox) (?:is )?(?:disabled|inactive)`)}\b`,
  "i",
);
const TEMPORARY =
  /\b(?:will (?:be retried|retry|keep trying|continue to try)|warning message only|temporar(?:y|ily)|still (?:being )?retr|delayed)\b/i;

/**
 * Parses a delivery report; null when the mail is not one, or reports success.
 *
 * Structured reports follow RFC 3464; other mail systems (qmail, old Exchange, Exim) write text that contains an SMTP reply, which
 * counts only from a postmaster. `permanent`, by which addresses are suppressed, needs the action "failed" and class 5. A message
 * that is "delayed" or of class 4 may still arrive. So may the next mail to a full mailbox: RFC 3463 section 3.3 asks to treat
 * X.2.2 as transient, and 5.2.2 refuses one mail to a recipient who exists.
 */
export function parseBounce(report: BounceReport): Bounce | null {
  const subject = report.headers.subject ?? "";
  const contentType = report.contentType.toLowerCase();
  if (REPLY_SUBJECT.test(subject)) return null;
  if (/report-type="?(?:disposition-notification|feedback-report)/.test(contentType)) return null;
  const text = report.text.slice(0, MAX_REPORT_CHARS).replace(/\r\n?/g, "\n");
  const fields = findWorstRecipient(text);
  if (fields !== null) return parseFields(fields);
  const from = `${report.headers.from ?? ""} ${report.headers["return-path"]?.trim() === "<>" ? "mailer-daemon" : ""}`;
  const suspected = POSTMASTER.test(from) || BOUNCE_SUBJECT.test(subject) || contentType.includes("delivery-status");
  return suspected || text.startsWith("Hi. This is the qmail-send program") ? parseProse(text, report.headers) : null;
}

type Fields = Map<string, string>;

/** Finds the fields of the recipient with the worst result: a report may have several (RFC 3464 section 2.3). */
function findWorstRecipient(text: string): Fields | null {
  let worst: Fields | null = null;
  for (const block of text.replace(/\n[ \t]+(?=\S)/g, " ").split(/\n[ \t]*\n/)) {
    const fields: Fields = new Map();
    for (const line of block.split("\n")) {
      const colon = line.indexOf(":");
      if (colon > 0) fields.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
    }
    if (!fields.has("final-recipient") || !(fields.has("action") || fields.has("status"))) continue;
    if (worst === null || getSeverity(fields) > getSeverity(worst)) worst = fields;
  }
  return worst;
}

function getSeverity(fields: Fields): number {
  const rank = ["expanded", "relayed", "delivered", "delayed", "failed"].indexOf(getAction(fields));
  return rank * 10 + Number((fields.get("status") ?? "0")[0] ?? 0);
}

function getAction(fields: Fields): string {
  return (fields.get("action") ?? "").toLowerCase().split(/[\s;(]/, 1)[0] ?? "";
}

function parseFields(fields: Fields): Bounce | null {
  if (["delivered", "relayed", "expanded"].includes(getAction(fields))) return null;
  const diagnostic = stripAddressType(fields.get("diagnostic-code"));
  const given = /\b[245]\.\d{1,3}\.\d{1,3}\b/.exec(fields.get("status") ?? "")?.[0];
  const precise = diagnostic === null ? null : findStatus(diagnostic);
  // Many systems report a general 5.0.0, while the diagnostic is specific.
  const status =
    given === undefined || (given.endsWith(".0.0") && precise?.[0] === given[0]) ? (precise ?? given) : given;
  if (status === undefined || status.startsWith("2")) return null;
  // The original recipient is the address we used; the final one may be where its mail is forwarded.
  const recipient =
    stripAddressType(fields.get("original-recipient")) ?? stripAddressType(fields.get("final-recipient"));
  return toBounce(recipient, status, getAction(fields) === "failed", diagnostic);
}

function parseProse(text: string, headers: Record<string, string>): Bounce | null {
  const body =
    text.split(/\n-{2,}[^\n]{0,20}(?:below this line|copy of the message|original message|message header)/i, 1)[0] ??
    "";
  const line = body.split("\n").find((candidate) => findStatus(candidate.slice(0, MAX_LINE_CHARS)) !== null);
  const stated = line === undefined ? null : findStatus(line.slice(0, MAX_LINE_CHARS));
  const status =
    stated ?? (/permanent(?:ly)? (?:fatal )?(?:error|fail)|failed permanently/i.test(body) ? "5.0.0" : null);
  if (status === null) return null;
  const recipient =
    headers["x-failed-recipients"]?.split(",", 1)[0] ??
    /<([^<>@\s]{1,64}@[^<>@\s]{1,255})>:/.exec(body)?.[1] ??
    [...body.matchAll(/[^\s<>()"':;,@]{1,64}@[\w.-]{1,255}\w/g)]
      .map(([address]) => address)
      .find((address) => !POSTMASTER.test(address));
  return toBounce(
    recipient ?? null,
    status,
    stated !== null || !TEMPORARY.test(body),
    line?.trim().slice(0, MAX_LINE_CHARS) ?? null,
  );
}

/** Finds the enhanced code in a server's reply ("550 5.1.1", "550-5.1.1", "(#5.1.1)"), or the nearest to its basic code ("550 no such user"). */
function findStatus(reply: string): string | null {
  const enhanced = /(?:\b[45]\d\d[ -]{1,2}#?|#|\(|\[|^|\bcode:? |\bstatus:? )([45]\.\d{1,3}\.\d{1,3})(?!\.?\d)/i.exec(
    reply,
  )?.[1];
  if (enhanced !== undefined && !enhanced.endsWith(".0.0")) return enhanced;
  const basic = /(?:^|[\s:;(<'"])([45])(\d\d)(?=[ -]\D)/.exec(reply);
  const digit = enhanced?.[0] ?? basic?.[1];
  if (digit === undefined) return null;
  if (MAILBOX_FULL.test(reply) || (basic !== null && basic[2] === "52")) return `${digit}.2.2`;
  return NO_SUCH_RECIPIENT.test(reply) ? `${digit}.1.1` : `${digit}.0.0`;
}

function toBounce(recipient: string | null, status: string, failed: boolean, diagnostic: string | null): Bounce {
  const detail = status.slice(2);
  const full = detail === "2.2" || (detail === "0.0" && MAILBOX_FULL.test(diagnostic ?? ""));
  const permanent = failed && status.startsWith("5") && !full;
  const badAddress = permanent && detail.startsWith("1.") && !RECIPIENT_IS_VALID.has(detail);
  return { recipient: recipient?.trim().toLowerCase() ?? null, status, permanent, badAddress, diagnostic };
}

/** Removes the type of a field: "rfc822; ada@example.org" becomes ada@example.org. */
function stripAddressType(value: string | undefined): string | null {
  const bare = (value ?? "")
    .replace(/^[\w.-]{1,40}\s?;/, "")
    .trim()
    .replace(/^<|>$/g, "");
  return bare === "" ? null : bare;
}
