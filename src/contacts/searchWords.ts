import type { Person } from "./person.ts";

/** What a contact is found by. */
export type Searchable = Pick<Person, "email" | "phone" | "firstName" | "lastName" | "company">;

/** A word of a search, and every beginning by which a contact's words are compared with it. */
export type SearchWord = readonly string[];

/** Words of one contact that are kept; nobody's name has more, and whoever imports nonsense must not fill the disk. */
const MAX_WORDS = 24;
/** Characters of a word that the index keeps; longer words are compared whole afterwards. */
const MAX_INDEXED = 64;
/** Words of a search that are looked at. */
const MAX_QUERY_WORDS = 8;
/** Stands before digits written backwards: the end of a phone number is a beginning there. No other word begins with it. */
const BACKWARDS = "~";
/** Digits from which on leading zeros are taken for a trunk or international prefix, which stored numbers do not have. */
const WHOLE_NUMBER_DIGITS = 7;

const NOT_ALPHANUMERIC = /[^\p{L}\p{N}]+/gu;

/** Lower case without accents: `Österreich` and `osterreich` are found by each other. */
function normalise(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/\p{M}+/gu, "")
    .toLowerCase();
}

/** The text split at blanks, each part from its first letter or digit on. */
function partsOf(text: string): string[] {
  return normalise(text)
    .split(/\s+/)
    .flatMap((part) => part.replace(/^[^\p{L}\p{N}]+/u, "") || []);
}

const reversed = (digits: string) => BACKWARDS + [...digits].reverse().join("");

/** A part and what follows each sign within it: `ann.miller@acme.com` is also found by `miller` and `acme`. */
function* suffixes(part: string): Generator<string> {
  yield part;
  for (const { index, 0: sign } of part.matchAll(NOT_ALPHANUMERIC)) {
    const rest = part.slice(index + sign.length);
    if (rest !== "") yield rest;
  }
}

/**
 * The words a contact is found by: those of its names, company and e-mail address, and its phone number from both ends. A
 * word that another one begins with is left out, since whatever finds it finds the longer one too.
 */
export function contactSearchWords({ email, phone, firstName, lastName, company }: Searchable): string[] {
  const words = new Set<string>();
  const add = (word: string) => words.size < MAX_WORDS && words.add(word);
  if (phone !== null) {
    const digits = phone.replace(/\D+/g, "");
    if (digits !== "") add(digits) && add(reversed(digits));
  }
  for (const part of partsOf(email ?? "")) {
    // Not the last label alone: `com` would find everybody.
    for (const word of suffixes(part)) if (/[.@]/.test(word)) add(word);
  }
  for (const text of [lastName, firstName, company]) {
    for (const part of partsOf(text ?? "")) for (const word of suffixes(part)) add(word);
  }
  const sorted = [...words].sort();
  // In this order every word stands right before those that begin with it.
  return sorted.filter((word, at) => !sorted[at + 1]?.startsWith(word));
}

/** The words as the index keeps them. */
export function indexedWords(contact: Searchable): string[] {
  const cut = contactSearchWords(contact).map(indexed);
  return cut.length < 2 ? cut : [...new Set(cut)];
}

/** What of a word the index keeps. */
export function indexed(word: string): string {
  return word.length <= MAX_INDEXED ? word : word.slice(0, MAX_INDEXED).toWellFormed();
}

/**
 * The words of a search; empty when the text has no letter and no digit. Digits are compared with phone numbers from both ends,
 * so that a number is found with and without its country code, and by its last digits.
 */
export function searchWords(text: string): SearchWord[] {
  const isNumber = /^[\d\s()+./-]+$/.test(text);
  const parts = isNumber ? [text.replace(/\D+/g, "")].filter(Boolean) : partsOf(text);
  return [...new Set(parts)].slice(0, MAX_QUERY_WORDS).map((part) => {
    const digits = part.replace(/[()./-]+/g, "");
    if (!/^\d+$/.test(digits)) return [part];
    const number = digits.length < WHOLE_NUMBER_DIGITS ? digits : digits.replace(/^0+/, "") || digits;
    return [...new Set([part, number, reversed(number)])];
  });
}

/** True when every word of the search is the beginning of one of the contact's words. */
export function isFoundBy(contact: Searchable, wanted: readonly SearchWord[]): boolean {
  const words = contactSearchWords(contact);
  return wanted.every((word) => word.some((beginning) => words.some((own) => own.startsWith(beginning))));
}
