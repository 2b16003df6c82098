/** Word lists that phrases share, by name; each is a set of alternatives in the notation of `compilePhrase`. */
export type Vocabulary = Readonly<Record<string, string>>;

const CLOSING_BRACKETS: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

/**
 * Compiles a phrase from a notation that is close to the phrase itself, for text that `toPlainWords` has normalised.
 *
 * - `stop`, `e?mails?`, `escrib*`: a word; `?` and `[…]` inside a word as in a regular expression, `*` for any ending.
 * - `(a|b c)` one of these, `[a|b]` at most one of these, `[a|b]*` up to four of them, `{name}` one of a vocabulary's.
 * - `_` at most one word, `...` up to three, `~` up to forty characters and across clauses.
 * - `^` the start of a clause, `/` its end, `//` the end of the sentence, `,` the break between two clauses.
 * - `-(a|b)` not followed by, `<-(a|b)` not preceded by, `+(a|b)` followed by.
 *
 * Every repetition is bounded, so that a search takes time in proportion to the text.
 */
export function compilePhrase(notation: string, vocabulary: Vocabulary = {}): RegExp {
  return new RegExp(`(?<!\\S)${compileSequence(notation, vocabulary)}`, "gm");
}

/** Splits a list whose items are separated by ", " or a line break. */
export function splitItems(list: string): string[] {
  return list
    .split(/,\s|\n/)
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

/** Builds the source of a regular expression for any item of such a list; items may be expressions themselves. */
export function alternation(list: string): string {
  return `(?:${splitItems(list).join("|")})`;
}

function compileSequence(notation: string, vocabulary: Vocabulary): string {
  return splitOutsideBrackets(notation.replace(/\s+/g, " "), " ")
    .map((token) => compileToken(token, vocabulary))
    .join("");
}

function compileAlternatives(notation: string, vocabulary: Vocabulary): string {
  return `(?:${splitOutsideBrackets(notation, "|")
    .map((one) => compileSequence(one, vocabulary))
    .join("|")})`;
}

function compileToken(token: string, vocabulary: Vocabulary): string {
  const [, mark = "", notation = ""] = /^(<-|-|\+|)[([](.*)[)\]]\*?$/.exec(token) ?? [];
  if (splitOutsideBrackets(notation, ")").length === 1 && notation !== "") {
    const one = compileAlternatives(notation, vocabulary);
    if (mark === "<-") return `(?<!(?<!\\S)${one})`;
    if (mark !== "") return `(?${mark === "+" ? "=" : "!"}${one})`;
    if (token.startsWith("[")) return `${one}${token.endsWith("*") ? "{0,4}" : "?"}`;
    return one;
  }
  if (token.startsWith("{"))
    return compileAlternatives(vocabulary[token.slice(1, -1)] ?? unknownVocabulary(token), vocabulary);
  switch (token) {
    case "_":
      return "(?:\\w+ )?";
    case "...":
      return "(?:\\w+ ){0,3}?";
    case "~":
      return "(?:[^\\n]{0,40} )?";
    case "^":
      return "(?<=^|, )";
    case "/":
      return "(?=,|$)";
    case "//":
      return "$";
    default:
      // In normalised text every word ends at a space or at the end of its line.
      return `${token.replace(/\*$/, "\\w*")}(?: |$)`;
  }
}

function unknownVocabulary(name: string): never {
  throw new Error(`no vocabulary for ${name}`);
}

/** Splits at a separator outside of all brackets. */
function splitOutsideBrackets(notation: string, separator: string): string[] {
  const parts = [""];
  const open: string[] = [];
  for (const sign of notation) {
    const closes = sign === open.at(-1);
    if (closes) open.pop();
    if (sign === separator && open.length === 0 && !closes) parts.push("");
    else parts[parts.length - 1] += sign;
    const closing = CLOSING_BRACKETS[sign];
    if (closing !== undefined) open.push(closing);
  }
  return parts.filter((part) => part !== "");
}
