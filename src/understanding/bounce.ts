import { oneOf } from "./phrase.ts";

/** What a mail system reports about one message that it could not deliver, or not yet. */
export interface Bounce {
  /** The address that was written to, in lower case; null when the report does not name it. */
  recipient: string | null;
  /** RFC 3463 enhanced status code, e.g. "5.1.1". */
  status: string;
  /** Whether the address should not be written to again. */
  permanent: boolean;
  /** Whether the reason is the address itself: no such mailbox or domain. */
  badAddress: boolean;
  /** The remote server's words. */
  diagnostic: string | null;
}

/** A mail that may be a bounce. Header names in lower case. `text` is the message/delivery-status part, or all text there is. */
export interface BounceReport {
  contentType: string;
  text: string;
  headers: Record<string, string>;
}

/** Reports put what matters first and the returned message last. Characters. */
const READ = 20_000;

const POSTMASTER =
  /\b(?:mailer-daemon|postmaster|mail-daemon|microsoftexchange[0-9a-f]{8,40})\b|mail delivery (?:sub)?system/i;
const BOUNCE_SUBJECT = new RegExp(
  String.raw`^\s{0,4}${oneOf(`
    undeliver(?:ed|able), non[- ]?deliver, delivery (?:status notification|failure|has failed|delayed), mail delivery (?:failed|failure)
    failure notice, returned mail, message (?:undeliverable|delayed|you sent blocked), mail could not be delivered
    warning: (?:message|could not send), unzustellbar, nicht zustellbar, non remis, échec de la remise, no se puede entregar, no entregado
    não é possível entregar, non recapitabile`)}`,
  "iu",
);
const ANSWER = /^\s{0,4}(?:re|aw|fwd?|wg|tr|rv|sv|antw)\s?:/i;

/** Codes of RFC 3463 section 3.2 that blame the sender's address instead of the recipient's, and 5.1.5, which blames none. */
const ADDRESS_IS_FINE = new Set(["1.5", "1.7", "1.8"]);
const FULL = new RegExp(
  String.raw`\b${oneOf(String.raw`
    mailbox (?:is )?full, mailbox size limit, over ?quota, quota (?:is )?exceeded, exceed\w* (?:\w+ ){0,3}(?:quota|storage), insufficient storage
    out of storage`)}\b`,
  "i",
);
const NOBODY = new RegExp(
  String.raw`\b${oneOf(`
    user unknown, unknown user, no such (?:user|mailbox|recipient|address|person), no mailbox here by that name, does(?:n['’]t| not) exist
    (?:user|recipient|mailbox|address|account) not found, invalid (?:recipient|mailbox), wasn['’]t found, couldn['’]t be found
    unrouteable address, (?:account|mailbox) (?:is )?(?:disabled|inactive)`)}\b`,
  "i",
);
const FOR_NOW =
  /\b(?:will (?:be retried|retry|keep trying|continue to try)|warning message only|temporar(?:y|ily)|still (?:being )?retr|delayed)\b/i;

/**
 * Reads a delivery report; null when the mail is none, or reports success.
 *
 * Structured reports follow RFC 3464; other mail systems (qmail, old Exchange, Exim) write prose with an SMTP reply in it, which is
 * believed only of a postmaster. `permanent` is made to suppress by: the action is "failed" and the class is 5. What is "delayed" or of
 * class 4 may still arrive. So may the next mail to a full mailbox: RFC 3463 section 3.3 would have X.2.2 used as a transient failure,
 * and a server that says 5.2.2 all the same has refused one mail to somebody who exists and only has to tidy up.
 */
export function readBounce(report: BounceReport): Bounce | null {
  const subject = report.headers.subject ?? "";
  const contentType = report.contentType.toLowerCase();
  if (ANSWER.test(subject)) return null;
  if (/report-type="?(?:disposition-notification|feedback-report)/.test(contentType)) return null;
  const text = report.text.slice(0, READ).replace(/\r\n?/g, "\n");
  const fields = worstRecipient(text);
  if (fields !== null) return fromFields(fields);
  const from = `${report.headers.from ?? ""} ${report.headers["return-path"]?.trim() === "<>" ? "mailer-daemon" : ""}`;
  const suspected = POSTMASTER.test(from) || BOUNCE_SUBJECT.test(subject) || contentType.includes("delivery-status");
  return suspected || text.startsWith("Hi. This is the qmail-send program") ? fromProse(text, report.headers) : null;
}

type Fields = Map<string, string>;

/** The fields of the recipient that fared worst: a report may tell of several (RFC 3464 section 2.3). */
function worstRecipient(text: string): Fields | null {
  let worst: Fields | null = null;
  for (const block of text.replace(/\n[ \t]+(?=\S)/g, " ").split(/\n[ \t]*\n/)) {
    const fields: Fields = new Map();
    for (const line of block.split("\n")) {
      const colon = line.indexOf(":");
      if (colon > 0) fields.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
    }
    if (!fields.has("final-recipient") || !(fields.has("action") || fields.has("status"))) continue;
    if (worst === null || gravity(fields) > gravity(worst)) worst = fields;
  }
  return worst;
}

function gravity(fields: Fields): number {
  const rank = ["expanded", "relayed", "delivered", "delayed", "failed"].indexOf(action(fields));
  return rank * 10 + Number((fields.get("status") ?? "0")[0] ?? 0);
}

function action(fields: Fields): string {
  return (fields.get("action") ?? "").toLowerCase().split(/[\s;(]/, 1)[0] ?? "";
}

function fromFields(fields: Fields): Bounce | null {
  if (["delivered", "relayed", "expanded"].includes(action(fields))) return null;
  const diagnostic = untyped(fields.get("diagnostic-code"));
  const given = /\b[245]\.\d{1,3}\.\d{1,3}\b/.exec(fields.get("status") ?? "")?.[0];
  const precise = diagnostic === null ? null : statusIn(diagnostic);
  // Many systems report a vague 5.0.0 and leave the truth to the diagnostic.
  const status =
    given === undefined || (given.endsWith(".0.0") && precise?.[0] === given[0]) ? (precise ?? given) : given;
  if (status === undefined || status.startsWith("2")) return null;
  // The original recipient is whom we wrote to; the final one may be where that person's mail is forwarded.
  const recipient = untyped(fields.get("original-recipient")) ?? untyped(fields.get("final-recipient"));
  return verdict(recipient, status, action(fields) === "failed", diagnostic);
}

function fromProse(text: string, headers: Record<string, string>): Bounce | null {
  const body =
    text.split(/\n-{2,}[^\n]{0,20}(?:below this line|copy of the message|original message|message header)/i, 1)[0] ??
    "";
  const line = body.split("\n").find((candidate) => statusIn(candidate.slice(0, 1_000)) !== null);
  const stated = line === undefined ? null : statusIn(line.slice(0, 1_000));
  const status =
    stated ?? (/permanent(?:ly)? (?:fatal )?(?:error|fail)|failed permanently/i.test(body) ? "5.0.0" : null);
  if (status === null) return null;
  const recipient =
    headers["x-failed-recipients"]?.split(",", 1)[0] ??
    /<([^<>@\s]{1,64}@[^<>@\s]{1,255})>:/.exec(body)?.[1] ??
    [...body.matchAll(/[^\s<>()"':;,@]{1,64}@[\w.-]{1,255}\w/g)]
      .map(([address]) => address)
      .find((address) => !POSTMASTER.test(address));
  return verdict(
    recipient ?? null,
    status,
    stated !== null || !FOR_NOW.test(body),
    line?.trim().slice(0, 1_000) ?? null,
  );
}

/** The enhanced code in a server's reply ("550 5.1.1", "550-5.1.1", "(#5.1.1)"), or the nearest one to its plain code ("550 no such user"). */
function statusIn(reply: string): string | null {
  const enhanced = /(?:\b[45]\d\d[ -]{1,2}#?|#|\(|\[|^|\bcode:? |\bstatus:? )([45]\.\d{1,3}\.\d{1,3})(?!\.?\d)/i.exec(
    reply,
  )?.[1];
  if (enhanced !== undefined && !enhanced.endsWith(".0.0")) return enhanced;
  const basic = /(?:^|[\s:;(<'"])([45])(\d\d)(?=[ -]\D)/.exec(reply);
  const digit = enhanced?.[0] ?? basic?.[1];
  if (digit === undefined) return null;
  if (FULL.test(reply) || (basic !== null && basic[2] === "52")) return `${digit}.2.2`;
  return NOBODY.test(reply) ? `${digit}.1.1` : `${digit}.0.0`;
}

function verdict(recipient: string | null, status: string, failed: boolean, diagnostic: string | null): Bounce {
  const detail = status.slice(2);
  const full = detail === "2.2" || (detail === "0.0" && FULL.test(diagnostic ?? ""));
  const permanent = failed && status.startsWith("5") && !full;
  const badAddress = permanent && detail.startsWith("1.") && !ADDRESS_IS_FINE.has(detail);
  return { recipient: recipient?.trim().toLowerCase() ?? null, status, permanent, badAddress, diagnostic };
}

/** A typed field without its type: "rfc822; ada@example.org" names ada@example.org. */
function untyped(value: string | undefined): string | null {
  const bare = (value ?? "")
    .replace(/^[\w.-]{1,40}\s?;/, "")
    .trim()
    .replace(/^<|>$/g, "");
  return bare === "" ? null : bare;
}
