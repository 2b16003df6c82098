/** Runs and repetitions count as one unit from this length on: shorter ones come about by chance. */
const MIN_PIECE_LENGTH = 3;
/** Each character is compared with those before it. Normalisation makes some 128 characters 18 times as many. */
const MAX_COUNTED_CHARACTERS = 256;
/** A day as people write it, or a year: few enough to try them all. */
const DATE = /\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})|\d{4}[./-]\d{1,2}[./-]\d{1,2}|(?<!\d)(?:1[89]|20)\d\d(?!\d)/g;

/** Orders in which people type: the alphabet, digits (in a circle), and rows and columns of keyboards. */
const SEQUENCES = [
  "abcdefghijklmnopqrstuvwxyz",
  "01234567890123456789",
  ...["qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "azertyuiop"],
  ...["1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "8ik,", "9ol."],
];
const FOLLOWERS = new Set(SEQUENCES.flatMap((row) => [...row].slice(1).map((next, index) => `${row[index]}${next}`)));

/** Returns the length of the shortest piece that the text repeats from start to end; the text's own when it repeats none. */
export function findPeriod(text: string): number {
  // The failure function of Knuth, Morris and Pratt: linear in the length of the text.
  const border = new Array<number>(text.length).fill(0);
  for (let at = 1; at < text.length; at++) {
    let length = border[at - 1] ?? 0;
    while (length > 0 && text[at] !== text[length]) length = border[length - 1] ?? 0;
    border[at] = text[at] === text[length] ? length + 1 : 0;
  }
  const period = text.length - (border.at(-1) ?? 0);
  return period * 2 <= text.length ? period : text.length;
}

/** Returns the step from one character to the next: 0 the same, 1 the following, -1 the preceding, null for no known order. */
function stepBetween(one: string, next: string): number | null {
  if (one === next) return 0;
  if (FOLLOWERS.has(one + next)) return 1;
  return FOLLOWERS.has(next + one) ? -1 : null;
}

/** Returns the length of the run that starts here: characters that are the same, or follow each other in one direction. */
function runAt(text: readonly string[], start: number): number {
  let [end, step]: [number, number | null] = [start + 1, null];
  for (; end < text.length; end++) {
    const next = stepBetween(text[end - 1] ?? "", text[end] ?? "");
    if (next === null || (step !== null && next !== step)) break;
    step = next;
  }
  return end - start;
}

/** Returns the length of the longest piece that starts here and has started before. */
function repetitionAt(text: readonly string[], start: number): number {
  let longest = 0;
  for (let earlier = 0; earlier < start; earlier++) {
    let length = 0;
    while (start + length < text.length && text[earlier + length] === text[start + length]) length++;
    longest = Math.max(longest, length);
  }
  return longest;
}

/** Counts the units that an attacker has to guess: each run, each repetition and each other character once. */
export function countUnits(given: string): number {
  const text = given.replace(DATE, "\u0001");
  const characters = [...text].slice(0, MAX_COUNTED_CHARACTERS);
  let units = 0;
  for (let at = 0; at < characters.length; units++) {
    const length = Math.max(runAt(characters, at), repetitionAt(characters, at));
    at += length < MIN_PIECE_LENGTH ? 1 : length;
  }
  return units;
}

/** Counts the units of two interleaved sequences, as in `a1b2c3d4e5`. */
export function countInterleavedUnits(text: string): number {
  const characters = [...text];
  const everySecond = (first: number) => characters.filter((_, index) => index % 2 === first).join("");
  return countUnits(everySecond(0)) + countUnits(everySecond(1));
}
