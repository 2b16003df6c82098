import { countInterleavedUnits, countUnits, findPeriod } from "./patterns.ts";

/** Data of a password's owner that an attacker may have. */
export interface PasswordOwner {
  email?: string;
  name?: string;
}

/** Fewest units of a password; fewer are easy to guess at any number of characters. */
const MIN_UNITS = 8;
/** Fewest different characters; fewer form a pattern. */
const MIN_DIFFERENT_CHARACTERS = 5;
/** Shorter names and words occur in other words by chance. */
const MIN_CONTEXT_WORD_LENGTH = 3;

/** Shorter common passwords are found in others by chance. */
const MIN_COMMON_CORE_LENGTH = 4;

/** Letters by the digits and signs that replace them. */
const DISGUISES: Record<string, string> = {
  "0": "o",
  "1": "i",
  "3": "e",
  "4": "a",
  "5": "s",
  "7": "t",
  "@": "a",
  $: "s",
  "!": "i",
};

/** Normalises a password for the look-up: without case and variants of characters. */
export function normalizePassword(password: string): string {
  return password.normalize("NFKC").toLowerCase().trim();
}

function undisguise(text: string): string {
  return text.replace(/[013457@$!]/g, (sign) => DISGUISES[sign] ?? sign);
}

/** Returns the words of the name and address of the owner, the longest first. */
function listContextWords({ email = "", name = "" }: PasswordOwner): string[] {
  const local = normalizePassword(email).split("@")[0] ?? "";
  const whole = [normalizePassword(email), local, normalizePassword(name), "reprise"];
  const words = [
    ...whole,
    ...whole.flatMap((text) => text.split(/[^\p{L}\p{N}]+/u)),
    normalizePassword(name).replaceAll(" ", ""),
  ];
  return [...new Set(words)]
    .filter((word) => word.length >= MIN_CONTEXT_WORD_LENGTH)
    .sort((one, other) => other.length - one.length);
}

/** Returns the text with each of the words as a single sign, which counts as one unit. */
function withoutWords(text: string, words: readonly string[]): string {
  return words.reduce((left, word) => left.replaceAll(word, "\0"), text);
}

/** Returns whether this is a common password, also where it is repeated, disguised (`p@ssw0rd`) or written backwards. */
function isVariant(text: string, isCommon: (text: string) => boolean): boolean {
  const piece = text.slice(0, findPeriod(text));
  if (piece.length < MIN_COMMON_CORE_LENGTH) return false;
  const withoutMarks = piece.normalize("NFD").replace(/\p{M}/gu, "");
  return [piece, withoutMarks, undisguise(piece), [...piece].reverse().join("")].some(isCommon);
}

/** Returns whether this is a common password between a few digits and signs, as in `!Password12`. */
function isAroundCommon(text: string, isCommon: (text: string) => boolean): boolean {
  const core = text.replace(/^[^\p{L}]+/u, "").replace(/[^\p{L}]+$/u, "");
  return core !== "" && countUnits(text.replace(core, "\0")) < MIN_UNITS && isVariant(core, isCommon);
}

/**
 * Returns why a password is easy to guess, or null. There are no rules of composition (NIST SP 800-63B-4 section 3.1.1.2): a
 * password is rejected if an attacker who knows the lists, the owner and common habits finds it early.
 */
export function findGuessableReason(
  password: string,
  owner: PasswordOwner,
  isCommon: (text: string) => boolean,
): string | null {
  const text = normalizePassword(password);
  const anonymous = withoutWords(text, listContextWords(owner));
  const squeezed = text.replace(/[^\p{L}\p{N}]/gu, "");
  if (
    [text, squeezed, anonymous].some(
      (form) => isCommon(form) || isVariant(form, isCommon) || isAroundCommon(form, isCommon),
    )
  )
    return "this is one of the most common passwords, or close to one: choose another, for example several unrelated words";
  if (
    Math.min(countUnits(text), countInterleavedUnits(text)) < MIN_UNITS ||
    new Set(text).size < MIN_DIFFERENT_CHARACTERS
  )
    return "this is a repeated or sequential pattern: choose another, for example several unrelated words";
  if (countUnits(anonymous) < MIN_UNITS)
    return "this is little more than your name, your e-mail address or the name of this service: choose another";
  return null;
}
