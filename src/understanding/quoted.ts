import type { ChannelName } from "../channels/channel.ts";
import { oneOf } from "./phrase.ts";

/** Above a forwarded or quoted mail, in the words of the mail program that put it there. Nothing under it is new. */
const DIVIDER = new RegExp(
  String.raw`^\s{0,8}(?:[-_]{2,}\s{0,3}${oneOf(`
    original message, original appointment, forwarded message, reply message, ursprüngliche nachricht, originalnachricht,
    weitergeleitete nachricht, message d['’]origine, message original, message transféré, mensaje original, mensaje reenviado,
    mensagem original, mensagem encaminhada, messaggio originale, oorspronkelijk bericht, ursprungligt meddelande
  `)}\s{0,3}[-_]{2,}|${oneOf(`
    begin forwarded message, anfang der weitergeleiteten nachricht, début du message réexpédié, inicio del mensaje reenviado,
    início da mensagem reencaminhada
  `)}\s?:)`,
  "iu",
);

/** The three kinds of line of the header block that Outlook sets above a quoted mail, e.g. `Von: … / Gesendet: … / Betreff: …`. */
const BLOCK_FROM = label("from, von, de, da, van, från, fra, od, от");
const BLOCK_DATE = label(`
  sent, date, gesendet, datum, envoyé(?: le)?, enviad[oa](?: el| em)?, fecha, data, inviato, verzonden, skickat, sendt, dato`);
const BLOCK_REST = label(`
  to, an, à, a, para, aan, till, til, subject, betreff, objet, asunto, assunto, oggetto, onderwerp, ämne, emne`);

/** "On … wrote:". In most languages the verb ends the line; in the Germanic ones the name follows it. */
const OPENER = /^(?:on|am|le|el|em|il|op|den|på|dne|w dniu|no dia|в)\s/iu;
const ENDS_WITH_WROTE =
  /(?:wrote|writes|a écrit|escribió|escreveu|ha scritto|napisał(?:\(a\))?|napsal(?:\(a\))?|написала?)\s?[:：]$/iu;
const HAS_WROTE = /\s(?:schrieb|schreef|skrev)\s/iu;
const HAS_ADDRESS = /<(?:mailto:)?[^<>@\s]{1,64}@[^<>@\s]{1,255}>/;

/** What "wrote:" can be wrapped over, and how long it can grow: names and addresses are not longer. */
const ATTRIBUTION_LINES = 3;
const ATTRIBUTION_LENGTH = 400;

/** A line that starts with ">", unless the ">" is the brow of an angry face. */
const QUOTED_LINE = /^\s{0,8}(?:&gt;|>(?![:;=][-o']?[()[\]/\\|]|[_.][<>]))/;

const SENT_FROM = new RegExp(
  String.raw`^\s{0,8}${oneOf(String.raw`
    sent from (?:my|an?|mail|outlook|yahoo|gmail|samsung|proton\w*|aol|blackberry)\b, sent (?:via|with) (?:\S+ )?(?:mail|outlook|gmail|superhuman)\b
    get outlook for, obtener outlook, yahoo mail:, (?:von|mit) mein\S+ .{1,40}gesendet, gesendet (?:von|mit) (?:mein|outlook|der)
    envoyé (?:de|depuis|à partir de) (?:mon|mes|outlook|yahoo), enviado (?:desde|do|de|a partir do) (?:mi|meu|outlook|yahoo|gmail)
    inviato da (?:i|mio|outlook), (?:verstuurd|verzonden) vanaf, skickat från min`)}`,
  "iu",
);
const RULE = /^\s{0,8}[-_=*~]{5,}\s{0,8}$/;

/** A tapback: a phone without the feature gets it as a text that quotes our own message, "Reply STOP to end" included. */
const REACTION = new RegExp(
  String.raw`^\s{0,8}${oneOf(String.raw`
    liked, loved, disliked, laughed at, emphasi[sz]ed, questioned, reacted \S{1,16} to, removed an? [\w ]{1,20} from, [^\p{L}\p{N}]{1,16} to,
    le gustó, le encantó, a aimé, a adoré, gefällt, hat .{1,16} auf`)} ?(?=[“”"«„].*[”“"»]\s{0,8}$)`,
  "isu",
);

/** The part of an inbound message that the person wrote just now; see `withoutQuoted`. Idempotent. */
export function writtenPart(text: string, channel: ChannelName): string {
  if (channel === "EMAIL") return withoutQuoted(text);
  if (channel === "SMS") return (REACTION.exec(text.slice(0, 4_000))?.[0] ?? text).trim();
  return text.trim();
}

/**
 * A plain-text mail without the history it quotes and without its signature. Replies below and between quoted lines are kept;
 * under a divider or an attribution whose quotation has no ">" nothing can be told apart, so everything after it goes.
 * Signatures start at "-- " (RFC 3676 section 4.3). Empty when the person added nothing. Time grows linearly with the length.
 */
export function withoutQuoted(text: string): string {
  const lines = text.split(/\r\n|\r|\n|\u2028/);
  const written: string[] = [];
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? "";
    if (QUOTED_LINE.test(line)) {
      at += 1;
      continue;
    }
    if (DIVIDER.test(line) || isHeaderBlock(lines, at)) break;
    const span = attributionSpan(lines, at);
    if (span > 0 && !quoteFollows(lines, at + span)) break;
    if (span === 0) written.push(line);
    at += Math.max(span, 1);
  }
  return withoutSignature(written).join("\n").trim();
}

function isHeaderBlock(lines: string[], at: number): boolean {
  if (!BLOCK_FROM.test(lines[at] ?? "")) return false;
  const next = lines.slice(at + 1, at + 6);
  return next.some((line) => BLOCK_DATE.test(line)) && next.some((line) => BLOCK_REST.test(line));
}

/** How many lines the attribution at a line takes; 0 where there is none. A date or an hour is part of every one. */
function attributionSpan(lines: string[], at: number): number {
  let joined = "";
  for (let span = 1; span <= ATTRIBUTION_LINES; span++) {
    const line = (lines[at + span - 1] ?? "").trim();
    if (line === "" || joined.length + line.length > ATTRIBUTION_LENGTH) return 0;
    // A line that opens an attribution of its own ends the message above it rather than going on with it.
    if (span > 1 && (OPENER.test(line) || !OPENER.test(joined))) return 0;
    joined = span === 1 ? line : `${joined} ${line}`;
    if (!/[:：]$/.test(joined) || !/\d/.test(joined)) continue;
    if (OPENER.test(joined) && (ENDS_WITH_WROTE.test(joined) || HAS_WROTE.test(joined))) return span;
    // "2026-01-05 15:04 Ada <ada@…>:", "Ada <ada@…> schrieb am 5.1.2026:", or a language that nobody listed.
    if (HAS_ADDRESS.test(joined) && /\d[:.h]\d\d|\b20\d\d\b/.test(joined)) return span;
  }
  return 0;
}

function quoteFollows(lines: string[], from: number): boolean {
  for (let at = from; at < lines.length; at++) {
    const line = lines[at] ?? "";
    if (line.trim() !== "") return QUOTED_LINE.test(line);
  }
  return false;
}

function withoutSignature(lines: string[]): string[] {
  const first = lines.findIndex((line) => line.trim() !== "");
  // Dashes at the very top sign nothing: what follows them is the message.
  const dashes = lines.findIndex((line, at) => at > first && /^--\s?$/.test(line));
  let end = dashes === -1 ? lines.length : dashes;
  while (end > 0 && isTail(lines[end - 1] ?? "")) end -= 1;
  return lines.slice(0, end);
}

/** A header line's name, perhaps in bold, in any of some languages. */
function label(names: string): RegExp {
  return new RegExp(String.raw`^[\s*_]{0,8}${oneOf(names)}[*_]{0,2}\s?:`, "iu");
}

function isTail(line: string): boolean {
  return line.trim() === "" || RULE.test(line) || (line.length < 100 && SENT_FROM.test(line));
}
