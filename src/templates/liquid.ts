import { CaptureTag, type Context, Liquid, Token } from "liquidjs";
import { MAX_RENDER_CHARACTERS, MAX_TEMPLATE_BYTES } from "./limits.ts";

/** Nothing that reads another template, writes into the variables (`increment`) or writes HTML into plain text (`tablerow`). */
const TAGS = "if unless case for break continue assign capture cycle echo liquid comment raw #".split(" ");
/**
 * `raw` would let a contact's data write HTML; `strip_html` takes quadratic time; `sample` would write each attempt at a message
 * otherwise. The others look through lists of objects, which messages have not, and evaluate code once for each element.
 */
const NO_FILTERS = (
  "raw strip_html sample where where_exp reject reject_exp group_by group_by_exp has has_exp find find_exp find_index " +
  "find_index_exp"
).split(" ");

/** Whether variables are being written into HTML: a register, LiquidJS's own place for what one rendering knows. */
export const INTO_HTML = "intoHtml";

/** LiquidJS with what a message may use: no files, no prototypes, no endless work. */
export const engine = new Liquid({
  ownPropertyOnly: true,
  strictFilters: true,
  parseLimit: MAX_TEMPLATE_BYTES,
  memoryLimit: MAX_RENDER_CHARACTERS,
  // A map of templates instead of the file system: there are no files, whichever way someone asks for one.
  templates: {},
  // The machine's own zone and language must not show in messages.
  timezoneOffset: 0,
  locale: "en-US",
  outputEscape: write,
});
for (const tag of Object.keys(engine.tags)) if (!TAGS.includes(tag)) delete engine.tags[tag];
for (const filter of NO_FILTERS) engine.unregisterFilter(filter);

/** What is captured is text, and escaped where it is put out. LiquidJS would escape the variables in it twice. */
class TextCapture extends CaptureTag {
  override *render(context: Context): Generator<unknown, void, string> {
    const intoHtml = context.getRegister<boolean>(INTO_HTML);
    context.setRegister(INTO_HTML, false);
    yield* super.render(context);
    context.setRegister(INTO_HTML, intoHtml);
  }
}
engine.registerTag("capture", TextCapture);

/** Writes a value: escaped in HTML, and counted, since captures that double themselves would otherwise cost nothing. */
function write(this: { context: Context }, value: unknown): string {
  const text = asText(value);
  this.context.memoryLimit.use(text.length);
  return this.context.getRegister<boolean>(INTO_HTML) ? Bun.escapeHTML(text) : text;
}

function asText(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (Array.isArray(value)) return value.map(asText).join("");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

let lastInput = "";
let lineStarts: number[] = [0];

/**
 * Line and column of a token, from 1. LiquidJS asks for every variable it analyses and counts from the first character each
 * time: 4 s for 100 KB of short variables. One template is asked about at a time, so its lines are found once.
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
