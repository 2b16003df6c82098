/** A server's answer, read (RFC 5321 section 4.2). */
export interface SmtpReply {
  code: number;
  /** The enhanced status code (RFC 3463), such as 5.1.1; null where the server gives none. */
  enhanced: string | null;
  /** What it says, on one line and without the codes, at most 200 characters. May be empty. */
  text: string;
}

const LONGEST_TEXT = 200;
const LONGEST_WAIT = 24 * 3_600_000;

/** Null when the text does not begin with a reply code. */
export function readReply(raw: string): SmtpReply | null {
  const code = Number(/^[2-5]\d{2}(?=[ -]|\r?\n|$)/.exec(raw)?.[0]);
  if (Number.isNaN(code)) return null;
  let enhanced: string | null = null;
  const lines = raw.split(/\r?\n/).map((line) => {
    const [, status = null, text = ""] =
      /^(?:\d{3}[ -]?)?(?:([245]\.\d{1,3}\.\d{1,3})(?:\s+|$))?(.*)$/s.exec(line) ?? [];
    enhanced ??= status;
    return text;
  });
  return { code, enhanced, text: oneLine(lines.join(" ")) };
}

/** How long the server asks to wait, in milliseconds: "try again in 300 seconds", "greylisted for 5 minutes". */
export function statedWait(text: string): number | null {
  const found = /\b(?:in|after|for|wait|within)[:\s]+(\d{1,6})\s*([smh])(?:ec|econd|in|inute|our)?s?\b/i.exec(text);
  if (!found) return null;
  const unit = { s: 1_000, m: 60_000, h: 3_600_000 }[(found[2] ?? "").toLowerCase()];
  return unit === undefined ? null : Math.min(Number(found[1]) * unit, LONGEST_WAIT);
}

/** Text of a stranger, made fit for a log line and a table cell. */
function oneLine(text: string): string {
  return text
    .replace(/[\p{Cc}\s]+/gu, " ")
    .trim()
    .slice(0, LONGEST_TEXT);
}
