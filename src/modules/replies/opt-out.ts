import type { ChannelName } from "../../lib/channel-name.ts";
import { COURTESIES, getOptOutPatterns, OPT_OUT_KEYWORDS } from "./opt-out-phrases.ts";
import { getNewText } from "./quoted.ts";

/** A request about further messages. `matched`: the keyword or phrase that was found, in lower case and without accents. */
export type ConsentRequest = { kind: "OPT_OUT"; matched: string } | { kind: "OPT_IN" };

/** Twilio's keywords for opting in again (START, YES, UNSTOP). */
const OPT_IN_KEYWORDS = new Set(["start", "unstop", "yes"]);

/** Bounds the work per message; no request to stop is longer. */
const MAX_TEXT_CHARS = 100_000;
/** Longer bodies are sentences, in which "end" or "cancel" may mean anything. */
const MAX_KEYWORD_BODY_WORDS = 8;
/** Lines of this length were wrapped by the mail program, so a phrase may continue on the next line. */
const MIN_WRAPPED_LINE_CHARS = 50;
/** Characters before a phrase in which a denial of it can start. */
const DENIAL_RANGE_CHARS = 60;

/**
 * Parses a request to opt out or, by SMS only, to opt in again; null when there is none.
 *
 * A keyword must be the whole body, apart from courtesies, as at Twilio. Phrases count anywhere in the new text, because consent
 * may be revoked "in any reasonable manner" that "a reasonable person" would understand (47 CFR 64.1200(a)(10), in force since
 * 11 April 2025). In e-mail, quoted history and signatures are ignored: they contain our own footer.
 * Opting in takes the exact START, UNSTOP or YES, and is not possible by e-mail.
 */
export function parseConsentRequest(text: string, channel: ChannelName): ConsentRequest | null {
  const plain = toPlainWords(getNewText(text.slice(0, MAX_TEXT_CHARS), channel));
  const words = plain.split(/[ \n]/).filter(isWord);
  if (channel === "SMS" && OPT_IN_KEYWORDS.has(words.join(" "))) return { kind: "OPT_IN" };
  const matched = findKeyword(words) ?? findPhrase(plain);
  return matched === null ? null : { kind: "OPT_OUT", matched };
}

function findKeyword(words: string[]): string | null {
  if (words.length === 0 || words.length > MAX_KEYWORD_BODY_WORDS) return null;
  // "S T O P", "s.t.o.p."
  const spelled = words.length > 2 && words.every((word) => word.length === 1) ? words.join("") : null;
  if (spelled !== null) return OPT_OUT_KEYWORDS.has(spelled) ? spelled : null;
  const rest = words.filter((word) => !COURTESIES.has(word));
  const [first] = rest;
  for (const body of [words.join(" "), rest.join(" ")]) if (OPT_OUT_KEYWORDS.has(body)) return body;
  return first !== undefined && OPT_OUT_KEYWORDS.has(first) && rest.every((word) => word === first) ? first : null;
}

function findPhrase(plain: string): string | null {
  const { phrases, denials } = getOptOutPatterns();
  for (const phrase of phrases) {
    for (const match of plain.matchAll(phrase)) {
      const before = plain.slice(Math.max(0, match.index - DENIAL_RANGE_CHARS), match.index);
      const clause = before.slice(before.lastIndexOf("\n") + 1);
      if (!denials.some((denial) => clause.search(denial) !== -1)) return match[0].trim();
    }
  }
  return null;
}

/**
 * Normalises a text to plain words, one line per sentence: lower case, no accents, apostrophes, emoji or invisible characters,
 * " , " between clauses, one spelling of "unsubscribe" and "opt out".
 */
function toPlainWords(text: string): string {
  return (
    text
      .split(/\r\n|\r|\n/)
      .map((line) => `${line}${line.length < MIN_WRAPPED_LINE_CHARS ? "\n" : " "}`)
      .join("")
      .replace(/['’‘`´]/g, "")
      .normalize("NFKD")
      .slice(0, MAX_TEXT_CHARS)
      .replace(/[\p{M}\p{Cf}]/gu, "")
      .toLowerCase()
      .replace(/ß/g, "ss")
      .replace(/https?:\/\/\S+|\bwww\.\S+/g, " url ")
      .replace(/[\w.+-]{1,64}@[\w.-]{1,255}/g, " somebody ")
      .replace(/\be-mail/g, "email")
      .replace(/(\p{L})\1{2,}/gu, "$1")
      .replace(/[.!?;\n]+/g, "\n")
      .replace(/[,:()[\]{}|/–—]+| -+ /g, " , ")
      .replace(/[^\p{L}\p{N},\n]+/gu, " ")
      .replace(/\bopt out\b/g, "optout")
      .replace(/\bun ?sub\b|\bun ?(?:su?b?)?scribe\b/g, "unsubscribe")
      .replace(/\bun\p{L}{6,10}\b/gu, (word) => (isSimilar(word, "unsubscribe") ? "unsubscribe" : word))
      // A word that labels a link, as in a footer, is no request.
      .replace(/\b\p{L}{1,30}(?: (?:here|link|hier|ici|aqui))?(?: ,)? url\b/gu, " , ")
      .replace(/[ ,]*,[ ,]*/g, " , ")
      .replace(/^[ ,]+|[ ,]+$/gm, "")
      .replace(/\n{2,}/g, "\n")
  );
}

function isWord(token: string): boolean {
  return token !== "" && token !== ",";
}

/** Returns whether at most two changed, missing, added or swapped letters separate two words ("unsuscribe"); "unsubscribed" is another word. */
function isSimilar(word: string, target: string): boolean {
  if (word === `${target}d` || word === `${target}r` || word === `${target}s`) return false;
  let previous = Array.from({ length: target.length + 1 }, (_, column) => column);
  for (let row = 1; row <= word.length; row++) {
    const current = [row];
    for (let column = 1; column <= target.length; column++) {
      const same = word[row - 1] === target[column - 1];
      current.push(
        Math.min(
          (previous[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          (previous[column - 1] ?? 0) + (same ? 0 : 1),
        ),
      );
    }
    previous = current;
  }
  return (previous[target.length] ?? target.length) <= 2;
}
