import { TagToken, type Token, Tokenizer, TokenKind } from "liquidjs";
import { invalid } from "../errors.ts";
import { MAX_TEMPLATE_BYTES, MAX_TEMPLATE_NESTING, MAX_TEMPLATE_TAGS, MAX_TEMPLATE_WORDS } from "./limits.ts";
import { engine } from "./liquid.ts";

/** The cost of parsing a template, measured without parsing it. */
interface TemplateSize {
  tags: number;
  words: number;
  nesting: number;
}

const DELIMITER = /\{[{%]/g;
const WORD = /[\w-]+|[^\s\w-]/g;
const BLOCKS = new Set(["if", "unless", "case", "for", "capture", "comment"]);

/** Counts words and punctuation of code. Quoted text counts as code, so that quotes cannot hide any. */
export function countWords(code: string): number {
  let words = 0;
  for (const _ of code.matchAll(WORD)) words++;
  return words;
}

/** Measures the code of a template in two passes over its text; the second is skipped when the first finds too many delimiters. */
function measureTemplate(source: string): TemplateSize {
  const size: TemplateSize = { tags: 0, words: 0, nesting: 0 };
  for (const _ of source.matchAll(DELIMITER)) size.tags++;
  if (size.tags > MAX_TEMPLATE_TAGS) return size;
  size.tags = 0;
  let depth = 0;
  for (const token of new Tokenizer(source).readTopLevelTokens(engine.options)) {
    if (token.kind === TokenKind.HTML) continue;
    const code = getCode(token);
    // Each line of a `liquid` tag is a tag.
    const isLines = token instanceof TagToken && token.name === "liquid";
    const names = isLines ? code.split("\n").map(getTagName) : token instanceof TagToken ? [token.name] : [];
    size.tags += isLines ? names.length : 1;
    size.words += countWords(code);
    size.nesting = Math.max(size.nesting, getBracketDepth(code));
    for (const name of names) {
      if (BLOCKS.has(name)) depth++;
      else if (name.startsWith("end")) depth--;
      size.nesting = Math.max(size.nesting, depth);
    }
  }
  return size;
}

/** Gets the depth of nested brackets, as in `a[b[c]]`: the parser and the rendering recurse as deep. */
function getBracketDepth(code: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [bracket] of code.matchAll(/[[\]]/g)) {
    depth += bracket === "[" ? 1 : -1;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}

const getCode = (token: Token) => token.input.slice(token.begin, token.end).slice(2, -2);
const getTagName = (line: string) => /^\s*(\w*)/.exec(line)?.[1] ?? "";

/**
 * Measures a template and asserts that it can be parsed within the limits of time and memory.
 * @throws AppError INVALID naming the field and the limit; LiquidError when an output or tag is not closed
 */
export function assertTemplateSize(field: string, source: string): TemplateSize {
  if (Buffer.byteLength(source) > MAX_TEMPLATE_BYTES) {
    throw invalid(field, `at most ${MAX_TEMPLATE_BYTES / 1024} KB`);
  }
  const size = measureTemplate(source);
  const limits = [
    [size.tags, MAX_TEMPLATE_TAGS, "outputs and tags"],
    [size.words, MAX_TEMPLATE_WORDS, "words of code in outputs and tags"],
    [size.nesting, MAX_TEMPLATE_NESTING, "tags or brackets within each other"],
  ] as const;
  for (const [found, most, what] of limits) {
    if (found > most) throw invalid(field, `at most ${most} ${what}: shorten the template`);
  }
  return size;
}

const BASE_BYTES = 500;
const BYTES_PER_CHARACTER = 2;
const BYTES_PER_TAG = 1_300;
const BYTES_PER_WORD = 320;

/** Estimates the memory of a parsed template, as an upper bound in bytes; the sizes of a tag and a word were measured. */
export function estimateParsedBytes(source: string, { tags, words }: TemplateSize): number {
  return BASE_BYTES + BYTES_PER_CHARACTER * source.length + BYTES_PER_TAG * tags + BYTES_PER_WORD * words;
}
