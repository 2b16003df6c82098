/** Least bits of a usable secret: 2^48 tries are a matter of hours. */
const MIN_SECRET_BITS = 48;
/** Least bits of a secret without a warning; the output of `openssl rand -hex 16` has 128. */
const MIN_GOOD_BITS = 80;

/** Words that people write instead of a secret, in lower case. Each counts as `WORD_BITS`. */
const COMMON_WORDS =
  /password|passwort|passphrase|secret|change|replace|default|example|sample|reprise|admin|master|private|letmein|welcome|insecure|production|development|random|string|characters|chars|value|length|please|super|strong|secure|test|demo|token|root|local|host|todo|this|your|here|with|must|dont|not|key|the|dev|foo|bar|baz|abc|xxx|me\b/g;
const WORD_BITS = 4;
/** Rows of a keyboard: neighbours on them follow from each other. */
const ROWS = ["qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890", "qwertz", "azerty"].flatMap((row) => [
  row,
  [...row].reverse().join(""),
]);
/** The shortest piece that counts as a repetition of an earlier one. Characters. */
const REPEATED_LENGTH = 4;

export type SecretStrength = "hopeless" | "weak" | "good";

/**
 * Estimates an upper bound of the bits of a secret for an attacker who knows how people choose secrets: repeated pieces,
 * sequences, rows of the keyboard and common words count next to nothing. Generated secrets pass, in hexadecimal too.
 */
export function rateSecret(secret: string): SecretStrength {
  const bits = estimateBits(secret);
  if (bits < MIN_SECRET_BITS) return "hopeless";
  return bits < MIN_GOOD_BITS ? "weak" : "good";
}

/** Returns an upper estimate in bits. */
export function estimateBits(secret: string): number {
  const lower = secret.toLowerCase();
  let words = 0;
  const rest = lower.replaceAll(COMMON_WORDS, () => {
    words++;
    return " ";
  });
  const distinctWords = new Set(lower.match(COMMON_WORDS) ?? []).size;
  // `aaaabbbbcccc` is a sequence, too.
  const fresh = freshCharacters(rest.replace(/(.)\1+/gs, "$1"));
  // Which words, and how often the same again.
  return fresh * Math.log2(countAlphabet(secret)) + distinctWords * WORD_BITS + Math.log2(1 + words);
}

/** Returns how many characters a guesser has to try at each place: those of the kinds that occur. */
function countAlphabet(secret: string): number {
  const kinds = /^[\da-f]+$/i.test(secret) ? 16 : countKinds(secret);
  // Few different characters mean a small alphabet, also when they are of many kinds.
  return Math.max(2, Math.min(kinds, 2 * new Set(secret).size));
}

function countKinds(secret: string): number {
  const kinds: [RegExp, number][] = [
    [/[a-z]/, 26],
    [/[A-Z]/, 26],
    [/\d/, 10],
    [/[^a-zA-Z\d]/, 20],
  ];
  return kinds.reduce((sum, [kind, size]) => sum + (kind.test(secret) ? size : 0), 0);
}

/** Counts the characters that do not follow from those before them. */
function freshCharacters(text: string): number {
  let fresh = 0;
  for (let at = 0; at < text.length; ) {
    const repeated = repeatedLength(text, at);
    if (repeated >= REPEATED_LENGTH) {
      at += repeated;
      // The position and length of the copy are worth less than a character.
      fresh += 0.5;
    } else {
      if (!followsFromBefore(text, at)) fresh++;
      at++;
    }
  }
  return fresh;
}

/** Returns how many characters from `at` on have stood there before. They may overlap: `aaaa` is `a` and a repetition. */
function repeatedLength(text: string, at: number): number {
  let longest = 0;
  for (let from = 0; from < at; from++) {
    let length = 0;
    while (at + length < text.length && text[from + length] === text[at + length]) length++;
    longest = Math.max(longest, length);
  }
  return longest;
}

/** Returns whether a character continues a sequence (`abcd`, `8642`) or a row of the keyboard, or repeats the one before. */
function followsFromBefore(text: string, at: number): boolean {
  const [before, last, here] = [at - 2, at - 1, at].map((index) => text.charCodeAt(index));
  if (before === undefined || last === undefined || here === undefined) return false;
  if (last === here) return true;
  const isSequence = last - before === here - last && Math.abs(here - last) <= 2;
  const three = text.slice(at - 2, at + 1);
  return isSequence || (three.length === 3 && ROWS.some((row) => row.includes(three)));
}

/** Returns the requirement that a rejected secret does not meet; null for a usable secret. */
export function findSecretFlaw(secret: string): string | null {
  if (secret.length < 32) return "expected at least 32 characters";
  if (rateSecret(secret) !== "hopeless") return null;
  return "expected a random secret, such as `openssl rand -base64 32` prints; this one is guessed";
}
