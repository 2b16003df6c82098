import { getCountries, getCountryCallingCode } from "libphonenumber-js/min";
import type { ContactData } from "../contact-files/file-row.ts";

/** The fields by which a contact is found. */
export type SearchableContact = Pick<ContactData, "email" | "phone" | "firstName" | "lastName" | "company">;

/** Words of one contact that are indexed. Real names have fewer; the limit keeps bad imports from filling the disk. */
const MAX_INDEXED_WORDS = 24;
/** Characters of a word that are indexed; longer words are compared in full after they are found. */
const MAX_INDEXED_CHARS = 64;
/** Words of a search that are used. */
const MAX_QUERY_WORDS = 8;
/** Least digits of a number whose leading zeros are taken for a trunk or international prefix, which stored numbers lack. */
const MIN_FULL_NUMBER_DIGITS = 7;

/** Country calling codes (ITU-T E.164). None is a prefix of another. */
const CALLING_CODES: ReadonlySet<string> = new Set(getCountries().map((country) => getCountryCallingCode(country)));

const SEPARATORS = /[^\p{L}\p{N}]+/gu;
const ASCII = /^[\0-\x7f]*$/;

/** Removes case, accents and apostrophes, so that `Österreich` and `osterreich`, `O'Hara` and `ohara` match. */
function normalizeText(text: string): string {
  const plain = ASCII.test(text) ? text : text.normalize("NFKD").replace(/\p{M}+/gu, "");
  return plain
    .toLowerCase()
    .replace(/['’`"\\]+/g, "")
    .replace(/\p{Cc}+/gu, " ");
}

/** Splits a text at white space; each part starts at its first letter or digit. */
function splitParts(text: string): string[] {
  return normalizeText(text)
    .split(/\s+/)
    .flatMap((part) => part.replace(/^[^\p{L}\p{N}]+/u, "") || []);
}

/** Yields a part and its remainder after each separator: `miller-smith` is also found by `smith`. */
function* listSuffixes(part: string): Generator<string> {
  yield part;
  for (const { index, 0: sign } of part.matchAll(SEPARATORS)) {
    const rest = part.slice(index + sign.length);
    if (rest !== "") yield rest;
  }
}

/** Collects every word by which a contact is found. */
function getWords({ email, phone, firstName, lastName, company }: SearchableContact): Set<string> {
  const words = new Set<string>();
  const add = (word: string) => words.size < MAX_INDEXED_WORDS && words.add(word);
  if (phone !== null) {
    add(phone.slice(1));
    add(phone.slice(1 + getCallingCode(phone).length));
    // People remember the last four digits, and some telephones show only these.
    add(phone.slice(-4));
  }
  for (const part of splitParts(email ?? "")) {
    // Not the top-level domain alone: `com` would match most contacts.
    for (const word of listSuffixes(part)) if (/[.@]/.test(word)) add(word);
  }
  for (const text of [lastName, firstName, company]) {
    for (const part of splitParts(text ?? "")) for (const word of listSuffixes(part)) add(word);
  }
  words.delete("");
  return words;
}

/** Gets the calling code of an E.164 number; its first digit when the code is unknown. */
function getCallingCode(phone: string): string {
  for (const length of [1, 2, 3]) {
    const code = phone.slice(1, 1 + length);
    if (CALLING_CODES.has(code)) return code;
  }
  return phone.slice(1, 2);
}

/** Truncates a word to its indexed length. */
export function truncateWord(word: string): string {
  return word.length <= MAX_INDEXED_CHARS ? word : word.slice(0, MAX_INDEXED_CHARS).toWellFormed();
}

/** Gets the words to index for a contact, without those that are a prefix of another: a search that finds one finds both. */
export function getIndexedWords(contact: SearchableContact): string[] {
  const words = new Set<string>();
  for (const word of getWords(contact)) words.add(truncateWord(word));
  // Sorted, a word comes right before the words that start with it.
  const sorted = [...words].sort();
  return sorted.filter((word, at) => !sorted[at + 1]?.startsWith(word));
}

/** One word of a search, as alternative prefixes. */
export type SearchWord = readonly string[];

/**
 * Parses a search text into words; empty when it has no letter and no digit. Numbers are also searched without the
 * punctuation and leading zeros that people type and stored phone numbers lack.
 */
export function parseSearchWords(text: string): SearchWord[] {
  const isNumber = /^[\d\s()+./-]+$/.test(text);
  const parts = isNumber ? [text.replace(/\D+/g, "")].filter(Boolean) : splitParts(text);
  return [...new Set(parts)].slice(0, MAX_QUERY_WORDS).map((part) => {
    const digits = part.replace(/[()./-]+/g, "");
    if (!/^\d+$/.test(digits)) return [part];
    const number = digits.length < MIN_FULL_NUMBER_DIGITS ? digits : digits.replace(/^0+/, "") || digits;
    return [...new Set([part, number])];
  });
}

/** Returns whether every word of the search is a prefix of one of the contact's words. */
export function matchesSearch(contact: SearchableContact, wanted: readonly SearchWord[]): boolean {
  const words = [...getWords(contact)];
  return wanted.every((word) => word.some((prefix) => words.some((own) => own.startsWith(prefix))));
}
