import { AssertionError, Context, LiquidError, type Template, TokenKind, Value } from "liquidjs";
import { type Fault, invalid } from "../fault.ts";
import { engine, INTO_HTML, MAX_TEMPLATE, MAX_WORK } from "./liquid.ts";

/** How many characters of template are kept parsed. */
const MAX_KEPT = 4_000_000;
/** The register where outputs note what they miss. */
const MISSING = "missing";

/** What begins HTML. Other things in angle brackets (`<ann@example.com>`) are text. */
const ELEMENTS =
  "!doctype a b big blockquote body br center code div em font h1 h2 h3 h4 h5 h6 head hr html i img li ol p pre s small " +
  "span strong style sub sup table tbody td th thead tr tt u ul";
const HTML_TAG = new RegExp(`</?(?:${ELEMENTS.replaceAll(" ", "|")})(?=[\\s/>]|$)`, "i");

/** A template ready to render, and whether its own text (not what variables bring) has HTML in it. */
export interface ParsedTemplate {
  templates: Template[];
  html: boolean;
}

/** By source, the least recently used first. */
const kept = new Map<string, ParsedTemplate>();
let keptCharacters = 0;

/**
 * Parses, or finds what was parsed before.
 * @throws Fault INVALID with the line, the column and the reason
 */
export function parse(field: string, source: string): ParsedTemplate {
  const known = kept.get(source);
  if (known !== undefined) {
    kept.delete(source);
    kept.set(source, known);
    return known;
  }
  const parsed = parseAnew(field, source);
  kept.set(source, parsed);
  keptCharacters += source.length;
  for (const oldest of kept.keys()) {
    if (keptCharacters <= MAX_KEPT) break;
    kept.delete(oldest);
    keptCharacters -= oldest.length;
  }
  return parsed;
}

function parseAnew(field: string, source: string): ParsedTemplate {
  if (Buffer.byteLength(source) > MAX_TEMPLATE) throw invalid(field, `at most ${MAX_TEMPLATE / 1024} KB`);
  try {
    const templates = engine.parse(source);
    let html = false;
    for (const template of everyTemplate(templates)) {
      if (template.token.kind === TokenKind.HTML) html ||= HTML_TAG.test(template.token.getText());
      else watch(template);
    }
    return { templates, html };
  } catch (error) {
    throw explain(field, error);
  }
}

/** These templates and all within them; a list instead of recursion, since whoever nests 5,000 deep must not end the stack. */
function everyTemplate(templates: readonly Template[]): Template[] {
  const found = [...templates];
  for (const template of found) {
    // Without partials, `children` has nothing to wait for and returns at its first step.
    const children = template.children?.(false, true).next();
    if (children?.done) found.push(...children.value);
  }
  return found;
}

/**
 * Makes an output note which of its variables have no value, before it renders. LiquidJS can throw at the first missing
 * variable or ignore all; neither lists them. Conditions are not watched: asking whether there is a value is no mistake.
 */
function watch(template: Template): void {
  const isOutput = template.token.kind === TokenKind.Output || template.constructor === engine.tags.echo;
  const value = isOutput ? [...(template.arguments?.() ?? [])][0] : undefined;
  if (!(value instanceof Value) || value.filters.some((filter) => filter.name === "default")) return;

  const watched = Object.values(engine.analyzeSync([template], { partials: false }).variables)
    .flat()
    .flatMap((variable) => {
      const path = variable.segments.filter((segment) => typeof segment !== "object");
      // A path with a variable inside (`custom[key]`) is known only while rendering, and left alone.
      return path.length === variable.segments.length ? [{ name: String(variable), path }] : [];
    });
  if (watched.length === 0) return;

  const render = template.render.bind(template);
  template.render = (context, emitter) => {
    for (const { name, path } of watched) {
      if (isBlank(context.getSync(path))) context.getRegister<Set<string>>(MISSING).add(name);
    }
    return render(context, emitter);
  };
}

function isBlank(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === "string" && value.trim() === "");
}

/**
 * Renders what was parsed. `missing` collects the variables that were to be put out and had no value.
 * @throws Fault INVALID when the template asks for too much work, or for something its variables cannot give
 */
export function run(
  field: string,
  { templates }: ParsedTemplate,
  variables: object,
  intoHtml: boolean,
  missing: Set<string>,
): string {
  const render = () => {
    const context = new Context(variables, engine.options, { sync: true }, { liquid: engine });
    context.setRegister(INTO_HTML, intoHtml);
    context.setRegister(MISSING, missing);
    return engine.renderSync(templates, context);
  };
  let text: string;
  try {
    text = render();
  } catch (error) {
    if (!isOutOfTime(error)) throw explain(field, error);
    // It may be the machine that stood still: a template that is slow is slow a second time.
    try {
      text = render();
    } catch (again) {
      throw explain(field, again);
    }
  }
  if (text.length > MAX_WORK) throw invalid(field, `renders to more than ${MAX_WORK} characters`);
  return text;
}

/**
 * The paths of the variables that must come from outside, in the order of their first use.
 * @throws Fault INVALID when the template is nested too deeply
 */
export function freeVariables(field: string, { templates }: ParsedTemplate): string[] {
  try {
    return engine.globalFullVariablesSync(templates, { partials: false });
  } catch (error) {
    throw explain(field, error);
  }
}

/** LiquidJS says so of a single output with its place, and between two of them without. */
function isOutOfTime(error: unknown): boolean {
  return error instanceof Error && error.message.includes("template render limit exceeded");
}

function explain(field: string, error: unknown): Fault {
  // The stack or a string came to its end.
  if (error instanceof RangeError) return invalid(field, "nested too deeply, or too large");
  if (error instanceof AssertionError) return invalid(field, error.message);
  if (!LiquidError.is(error)) throw error;
  // LiquidJS ends its messages with the place.
  const [, reason = error.message, line, column] = /^(.*), line:(\d+), col:(\d+)$/s.exec(error.message) ?? [];
  return invalid(field, line === undefined ? reason : `line ${line}, column ${column}: ${reason}`);
}
