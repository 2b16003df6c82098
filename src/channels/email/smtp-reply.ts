/** A parsed reply of a server (RFC 5321 section 4.2). */
export interface SmtpReply {
  code: number;
  /** The enhanced status code (RFC 3463), such as 5.1.1; null where the server gives none. */
  enhanced: string | null;
  /** Its text on one line, without the codes, at most 200 characters. May be empty. */
  text: string;
}

const MAX_TEXT_CHARS = 200;
const MAX_RETRY_AFTER_MS = 24 * 3_600_000;

/** Parses a reply; null when it does not start with a reply code. */
export function parseReply(raw: string): SmtpReply | null {
  const code = Number(/^[2-5]\d{2}(?=[ -]|\r?\n|$)/.exec(raw)?.[0]);
  if (Number.isNaN(code)) return null;
  let enhanced: string | null = null;
  const lines = raw.split(/\r?\n/).map((line) => {
    const [, status = null, text = ""] =
      /^(?:\d{3}[ -]?)?(?:([245]\.\d{1,3}\.\d{1,3})(?:\s+|$))?(.*)$/s.exec(line) ?? [];
    enhanced ??= status;
    return text;
  });
  return { code, enhanced, text: toOneLine(lines.join(" ")) };
}

/** Parses how many milliseconds the server asks to wait: "try again in 300 seconds", "greylisted for 5 minutes". */
export function parseRetryAfterMs(text: string): number | null {
  const found = /\b(?:in|after|for|wait|within)[:\s]+(\d{1,6})\s*([smh])(?:ec|econd|in|inute|our)?s?\b/i.exec(text);
  if (!found) return null;
  const unit = { s: 1_000, m: 60_000, h: 3_600_000 }[(found[2] ?? "").toLowerCase()];
  return unit === undefined ? null : Math.min(Number(found[1]) * unit, MAX_RETRY_AFTER_MS);
}

/** Collapses and truncates untrusted text for a log line and a table cell. */
function toOneLine(text: string): string {
  return text
    .replace(/[\p{Cc}\s]+/gu, " ")
    .trim()
    .slice(0, MAX_TEXT_CHARS);
}
