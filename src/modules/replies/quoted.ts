import type { ChannelName } from "../../lib/channel-name.ts";
import { alternation } from "./phrase.ts";

/** The line that mail programs put above a forwarded or quoted mail. Everything below it is old. */
const DIVIDER = new RegExp(
  String.raw`^\s{0,8}(?:[-_]{2,}\s{0,3}${alternation(`
    original message, original appointment, forwarded message, reply message, ursprüngliche nachricht, originalnachricht,
    weitergeleitete nachricht, message d['’]origine, message original, message transféré, mensaje original, mensaje reenviado,
    mensagem original, mensagem encaminhada, messaggio originale, oorspronkelijk bericht, ursprungligt meddelande
  `)}\s{0,3}[-_]{2,}|${alternation(`
    begin forwarded message, anfang der weitergeleiteten nachricht, début du message réexpédié, inicio del mensaje reenviado,
    início da mensagem reencaminhada
  `)}\s?:)`,
  "iu",
);

/** The lines of the header block that Outlook puts above a quoted mail, e.g. `Von: … / Gesendet: … / Betreff: …`. */
const BLOCK_FROM = headerName("from, von, de, da, van, från, fra, od, от");
const BLOCK_DATE = headerName(`
  sent, date, gesendet, datum, envoyé(?: le)?, enviad[oa](?: el| em)?, fecha, data, inviato, verzonden, skickat, sendt, dato`);
const BLOCK_REST = headerName(`
  to, an, à, a, para, aan, till, til, subject, betreff, objet, asunto, assunto, oggetto, onderwerp, ämne, emne`);

/** "On … wrote:". In most languages the verb ends the line; in the Germanic ones the name follows it. */
const ATTRIBUTION_START = /^(?:on|am|le|el|em|il|op|den|på|dne|w dniu|no dia|в)\s/iu;
const ENDS_WITH_WROTE =
  /(?:wrote|writes|a écrit|escribió|escreveu|ha scritto|napisał(?:\(a\))?|napsal(?:\(a\))?|написала?)\s?[:：]$/iu;
const HAS_WROTE = /\s(?:schrieb|schreef|skrev)\s/iu;
const HAS_ADDRESS = /<(?:mailto:)?[^<>@\s]{1,64}@[^<>@\s]{1,255}>/;

/** The maximum size of an attribution; names and addresses are not longer. */
const MAX_ATTRIBUTION_LINES = 3;
const MAX_ATTRIBUTION_CHARS = 400;

/** A line that starts with ">", unless the ">" is part of an emoticon. */
const QUOTED_LINE = /^\s{0,8}(?:&gt;|>(?![:;=][-o']?[()[\]/\\|]|[_.][<>]))/;

const SENT_FROM = new RegExp(
  String.raw`^\s{0,8}${alternation(String.raw`
    sent from (?:my|an?|mail|outlook|yahoo|gmail|samsung|proton\w*|aol|blackberry)\b, sent (?:via|with) (?:\S+ )?(?:mail|outlook|gmail|superhuman)\b
    get outlook for, obtener outlook, yahoo mail:, (?:von|mit) mein\S+ .{1,40}gesendet, gesendet (?:von|mit) (?:mein|outlook|der)
    envoyé (?:de|depuis|à partir de) (?:mon|mes|outlook|yahoo), enviado (?:desde|do|de|a partir do) (?:mi|meu|outlook|yahoo|gmail)
    inviato da (?:i|mio|outlook), (?:verstuurd|verzonden) vanaf, skickat från min`)}`,
  "iu",
);
const HORIZONTAL_RULE = /^\s{0,8}[-_=*~]{5,}\s{0,8}$/;

/** A tapback: phones without the feature receive it as a text that quotes our own message, including "Reply STOP to end". */
const REACTION = new RegExp(
  String.raw`^\s{0,8}${alternation(String.raw`
    liked, loved, disliked, laughed at, emphasi[sz]ed, questioned, reacted \S{1,16} to, removed an? [\w ]{1,20} from, [^\p{L}\p{N}]{1,16} to,
    le gustó, le encantó, a aimé, a adoré, gefällt, hat .{1,16} auf`)} ?(?=[“”"«„].*[”“"»]\s{0,8}$)`,
  "isu",
);

/** Gets the new text of an inbound message; see `stripQuotedText`. Idempotent. */
export function getNewText(text: string, channel: ChannelName): string {
  if (channel === "EMAIL") return stripQuotedText(text);
  if (channel === "SMS") return (REACTION.exec(text.slice(0, 4_000))?.[0] ?? text).trim();
  return text.trim();
}

/**
 * Removes quoted history and the signature from a plain-text mail. Replies below and between quoted lines are kept; below a
 * divider, or an attribution whose quotation has no ">", old and new text cannot be distinguished, so everything is removed.
 * Signatures start at "-- " (RFC 3676 section 4.3). Empty when there is no new text. Takes linear time.
 */
export function stripQuotedText(text: string): string {
  const lines = text.split(/\r\n|\r|\n|\u2028/);
  const written: string[] = [];
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? "";
    if (QUOTED_LINE.test(line)) {
      at += 1;
      continue;
    }
    if (DIVIDER.test(line) || isHeaderBlock(lines, at)) break;
    const span = countAttributionLines(lines, at);
    if (span > 0 && !isFollowedByQuote(lines, at + span)) break;
    if (span === 0) written.push(line);
    at += Math.max(span, 1);
  }
  return stripSignature(written).join("\n").trim();
}

function isHeaderBlock(lines: string[], at: number): boolean {
  if (!BLOCK_FROM.test(lines[at] ?? "")) return false;
  const next = lines.slice(at + 1, at + 6);
  return next.some((line) => BLOCK_DATE.test(line)) && next.some((line) => BLOCK_REST.test(line));
}

/** Counts the lines of the attribution that starts at a line; 0 when there is none. Every attribution contains a date or time. */
function countAttributionLines(lines: string[], at: number): number {
  let joined = "";
  for (let span = 1; span <= MAX_ATTRIBUTION_LINES; span++) {
    const line = (lines[at + span - 1] ?? "").trim();
    if (line === "" || joined.length + line.length > MAX_ATTRIBUTION_CHARS) return 0;
    // A line that starts an attribution itself does not continue the one above it.
    if (span > 1 && (ATTRIBUTION_START.test(line) || !ATTRIBUTION_START.test(joined))) return 0;
    joined = span === 1 ? line : `${joined} ${line}`;
    if (!/[:：]$/.test(joined) || !/\d/.test(joined)) continue;
    if (ATTRIBUTION_START.test(joined) && (ENDS_WITH_WROTE.test(joined) || HAS_WROTE.test(joined))) return span;
    // "2026-01-05 15:04 Ada <ada@…>:", "Ada <ada@…> schrieb am 5.1.2026:", or a language that is not listed.
    if (HAS_ADDRESS.test(joined) && /\d[:.h]\d\d|\b20\d\d\b/.test(joined)) return span;
  }
  return 0;
}

function isFollowedByQuote(lines: string[], from: number): boolean {
  for (let at = from; at < lines.length; at++) {
    const line = lines[at] ?? "";
    if (line.trim() !== "") return QUOTED_LINE.test(line);
  }
  return false;
}

function stripSignature(lines: string[]): string[] {
  const first = lines.findIndex((line) => line.trim() !== "");
  // Dashes at the very top start no signature: the message follows them.
  const dashes = lines.findIndex((line, at) => at > first && /^--\s?$/.test(line));
  let end = dashes === -1 ? lines.length : dashes;
  while (end > 0 && isSignatureLine(lines[end - 1] ?? "")) end -= 1;
  return lines.slice(0, end);
}

/** Builds a pattern for a header line's name in several languages, optionally in bold. */
function headerName(names: string): RegExp {
  return new RegExp(String.raw`^[\s*_]{0,8}${alternation(names)}[*_]{0,2}\s?:`, "iu");
}

function isSignatureLine(line: string): boolean {
  return line.trim() === "" || HORIZONTAL_RULE.test(line) || (line.length < 100 && SENT_FROM.test(line));
}
