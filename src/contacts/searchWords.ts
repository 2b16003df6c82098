import { callingCodeOf } from "./callingCodes.ts";
import type { Person } from "./person.ts";

/** What a contact is found by. */
export type Searchable = Pick<Person, "email" | "phone" | "firstName" | "lastName" | "company">;

/** Words of one contact that are kept; nobody's name has more, and whoever imports nonsense must not fill the disk. */
const MAX_WORDS = 24;
/** Characters of a word that the index keeps; longer words are compared whole afterwards. */
const MAX_INDEXED = 64;
/** Words of a search that are looked at. */
const MAX_QUERY_WORDS = 8;
/** Digits from which on leading zeros are taken for a trunk or international prefix, which stored numbers do not have. */
const WHOLE_NUMBER_DIGITS = 7;

const SIGNS = /[^\p{L}\p{N}]+/gu;
const ASCII = /^[\0-\x7f]*$/;

/** Lower case without accents and apostrophes: `Österreich` and `osterreich`, `O'Hara` and `ohara` find each other. */
function normalise(text: string): string {
  const plain = ASCII.test(text) ? text : text.normalize("NFKD").replace(/\p{M}+/gu, "");
  return plain
    .toLowerCase()
    .replace(/['’`"\\]+/g, "")
    .replace(/\p{Cc}+/gu, " ");
}

/** The text split at blanks, each part from its first letter or digit on. */
function partsOf(text: string): string[] {
  return normalise(text)
    .split(/\s+/)
    .flatMap((part) => part.replace(/^[^\p{L}\p{N}]+/u, "") || []);
}

/** A part and what follows each sign within it: `miller-smith` is also found by `smith`. */
function* suffixes(part: string): Generator<string> {
  yield part;
  for (const { index, 0: sign } of part.matchAll(SIGNS)) {
    const rest = part.slice(index + sign.length);
    if (rest !== "") yield rest;
  }
}

/** Every word of a contact. */
function wordsOf({ email, phone, firstName, lastName, company }: Searchable): Set<string> {
  const words = new Set<string>();
  const add = (word: string) => words.size < MAX_WORDS && words.add(word);
  if (phone !== null) {
    add(phone.slice(1));
    add(phone.slice(1 + callingCodeOf(phone).length));
    // What people remember of a number, and what a caller's display may show.
    add(phone.slice(-4));
  }
  for (const part of partsOf(email ?? "")) {
    // Not the last label alone: `com` would find everybody.
    for (const word of suffixes(part)) if (/[.@]/.test(word)) add(word);
  }
  for (const text of [lastName, firstName, company]) {
    for (const part of partsOf(text ?? "")) for (const word of suffixes(part)) add(word);
  }
  words.delete("");
  return words;
}

/** What of a word the index keeps. */
export function indexed(word: string): string {
  return word.length <= MAX_INDEXED ? word : word.slice(0, MAX_INDEXED).toWellFormed();
}

/** The words to keep in the index for a contact. What another word begins with is left out: whatever finds it finds both. */
export function indexedWords(contact: Searchable): string[] {
  const words = new Set<string>();
  for (const word of wordsOf(contact)) words.add(indexed(word));
  // In this order every word stands right before those that begin with it.
  const sorted = [...words].sort();
  return sorted.filter((word, at) => !sorted[at + 1]?.startsWith(word));
}

/** One word of a search: the beginnings of which a contact's word must have one. */
export type SearchWord = readonly string[];

/**
 * The words of a search; none when the text has no letter and no digit. Digits are also looked for without the signs and zeros
 * that people write and that stored phone numbers do not have.
 */
export function searchWords(text: string): SearchWord[] {
  const isNumber = /^[\d\s()+./-]+$/.test(text);
  const parts = isNumber ? [text.replace(/\D+/g, "")].filter(Boolean) : partsOf(text);
  return [...new Set(parts)].slice(0, MAX_QUERY_WORDS).map((part) => {
    const digits = part.replace(/[()./-]+/g, "");
    if (!/^\d+$/.test(digits)) return [part];
    const number = digits.length < WHOLE_NUMBER_DIGITS ? digits : digits.replace(/^0+/, "") || digits;
    return [...new Set([part, number])];
  });
}

/** True when every word of the search is the beginning of one of the contact's words. */
export function isFoundBy(contact: Searchable, wanted: readonly SearchWord[]): boolean {
  const words = [...wordsOf(contact)];
  return wanted.every((word) => word.some((beginning) => words.some((own) => own.startsWith(beginning))));
}
