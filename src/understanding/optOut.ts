import type { ChannelName } from "../channels/channel.ts";
import { COURTESIES, KEYWORDS, optOutWishes } from "./optOutPhrases.ts";
import { writtenPart } from "./quoted.ts";

/** A wish about further messages. `matched` is the keyword or phrase that showed it, in lower case and without accents. */
export type OptOutWish = { kind: "OPT_OUT"; matched: string } | { kind: "OPT_IN" };

/** Twilio's words for coming back (START, YES, UNSTOP). */
const OPT_IN_KEYWORDS = new Set(["start", "unstop", "yes"]);

/** No request to stop is longer than this; it keeps the work per message bounded. Characters. */
const LONGEST = 100_000;
/** Longer bodies are sentences, in which a lone "end" or "cancel" may be about anything. Words. */
const KEYWORD_BODY = 8;
/** Lines from here on were wrapped by the mail program, so a phrase may go on in the next one. Characters. */
const WRAPPED_LINE = 50;
/** How far before a phrase a denial of it can start. Characters. */
const DENIAL_REACH = 60;

/**
 * Whether a person asks to be left alone, or, by SMS only, to be written to again.
 *
 * A keyword must be the whole body, courtesies aside, as Twilio has it. Phrases count anywhere in what the person wrote, because
 * consent may be revoked "in any reasonable manner" that "a reasonable person" would understand (47 CFR 64.1200(a)(10), in force
 * since 11 April 2025). In e-mail, quoted history and signatures are never read: our own footer is in there.
 * Consent comes back by the exact START, UNSTOP or YES only, and never by e-mail.
 */
export function readOptOut(text: string, channel: ChannelName): OptOutWish | null {
  const plain = plainWords(writtenPart(text.slice(0, LONGEST), channel));
  const words = plain.split(/[ \n]/).filter(isWord);
  if (channel === "SMS" && OPT_IN_KEYWORDS.has(words.join(" "))) return { kind: "OPT_IN" };
  const matched = keywordOf(words) ?? phraseOf(plain);
  return matched === null ? null : { kind: "OPT_OUT", matched };
}

function keywordOf(words: string[]): string | null {
  if (words.length === 0 || words.length > KEYWORD_BODY) return null;
  // "S T O P", "s.t.o.p."
  const spelled = words.length > 2 && words.every((word) => word.length === 1) ? words.join("") : null;
  if (spelled !== null) return KEYWORDS.has(spelled) ? spelled : null;
  const rest = words.filter((word) => !COURTESIES.has(word));
  const [first] = rest;
  for (const body of [words.join(" "), rest.join(" ")]) if (KEYWORDS.has(body)) return body;
  return first !== undefined && KEYWORDS.has(first) && rest.every((word) => word === first) ? first : null;
}

function phraseOf(plain: string): string | null {
  const { phrases, denials } = optOutWishes();
  for (const phrase of phrases) {
    for (const match of plain.matchAll(phrase)) {
      const before = plain.slice(Math.max(0, match.index - DENIAL_REACH), match.index);
      const clause = before.slice(before.lastIndexOf("\n") + 1);
      if (!denials.some((denial) => clause.search(denial) !== -1)) return match[0].trim();
    }
  }
  return null;
}

/**
 * A text as plain words, one line a sentence: lower case, no accents, apostrophes, emoji or invisible characters, " , " between clauses,
 * the usual spellings of "unsubscribe" and "opt out" made one.
 */
function plainWords(text: string): string {
  return (
    text
      .split(/\r\n|\r|\n/)
      .map((line) => `${line}${line.length < WRAPPED_LINE ? "\n" : " "}`)
      .join("")
      .replace(/['’‘`´]/g, "")
      .normalize("NFKD")
      .slice(0, LONGEST)
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
      .replace(/\bun\p{L}{6,10}\b/gu, (word) => (isNearly(word, "unsubscribe") ? "unsubscribe" : word))
      // A word that labels a link, as in a footer, asks for nothing.
      .replace(/\b\p{L}{1,30}(?: (?:here|link|hier|ici|aqui))?(?: ,)? url\b/gu, " , ")
      .replace(/[ ,]*,[ ,]*/g, " , ")
      .replace(/^[ ,]+|[ ,]+$/gm, "")
      .replace(/\n{2,}/g, "\n")
  );
}

function isWord(token: string): boolean {
  return token !== "" && token !== ",";
}

/** Whether two changed, missing, added or swapped letters at most part two words ("unsuscribe"); "unsubscribed" is a word of its own. */
function isNearly(word: string, target: string): boolean {
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
