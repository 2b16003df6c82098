import { CaptureTag, type Context, Liquid, Token } from "liquidjs";
import { MAX_RENDER_MEMORY_UNITS, MAX_TEMPLATE_BYTES } from "./limits.ts";

/** Excludes tags that load another template, write variables (`increment`) or write HTML into plain text (`tablerow`). */
const ALLOWED_TAGS = "if unless case for break continue assign capture cycle echo liquid comment raw #".split(" ");
/**
 * `raw` would let a contact's data write HTML; `strip_html` takes quadratic time; `sample` would make each attempt at a message
 * different. The others search lists of objects, which messages do not have, and evaluate code once for each element.
 */
const REMOVED_FILTERS = (
  "raw strip_html sample where where_exp reject reject_exp group_by group_by_exp has has_exp find find_exp find_index " +
  "find_index_exp"
).split(" ");

/** The LiquidJS register (state of one rendering) for whether variables are written into HTML. */
export const HTML_REGISTER = "intoHtml";

/** LiquidJS, restricted for messages: no files, no prototypes, bounded work. */
export const engine = new Liquid({
  ownPropertyOnly: true,
  strictFilters: true,
  parseLimit: MAX_TEMPLATE_BYTES,
  memoryLimit: MAX_RENDER_MEMORY_UNITS,
  // An empty map of templates instead of the file system, so that no tag can load a file.
  templates: {},
  // Messages must not depend on the machine's time zone and language.
  timezoneOffset: 0,
  locale: "en-US",
  outputEscape: writeValue,
});
for (const tag of Object.keys(engine.tags)) if (!ALLOWED_TAGS.includes(tag)) delete engine.tags[tag];
for (const filter of REMOVED_FILTERS) engine.unregisterFilter(filter);

/** Captures unescaped text, which is escaped on output. LiquidJS would escape its variables twice. */
class TextCapture extends CaptureTag {
  override *render(context: Context): Generator<unknown, void, string> {
    const intoHtml = context.getRegister<boolean>(HTML_REGISTER);
    context.setRegister(HTML_REGISTER, false);
    yield* super.render(context);
    context.setRegister(HTML_REGISTER, intoHtml);
  }
}
engine.registerTag("capture", TextCapture);

/** Writes a value: escaped in HTML, and counted, so that captures that double themselves hit the memory limit. */
function writeValue(this: { context: Context }, value: unknown): string {
  const text = toText(value);
  this.context.memoryLimit.use(text.length);
  return this.context.getRegister<boolean>(HTML_REGISTER) ? Bun.escapeHTML(text) : text;
}

function toText(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return value.map(toText).join("");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

let lastInput = "";
let lineStarts: number[] = [0];

/**
 * Gets the line and column of a token, from 1. LiquidJS asks for them for every variable and counts from the first character each
 * time: 4 s for 100 KB of short variables. It analyses one template at a time, so this version finds the lines once.
 */
Token.prototype.getPosition = function () {
  if (this.input !== lastInput) {
    lastInput = this.input;
    lineStarts = [0, ...Array.from(this.input.matchAll(/\n/g), ({ index }) => index + 1)];
  }
  let low = 0;
  let high = lineStarts.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((lineStarts[middle] ?? 0) <= this.begin) low = middle;
    else high = middle;
  }
  return [low + 1, this.begin - (lineStarts[low] ?? 0) + 1];
};
