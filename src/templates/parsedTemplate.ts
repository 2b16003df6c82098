import { AssertionError, Context, type Emitter, LiquidError, type Template, TokenKind, Value } from "liquidjs";
import { Fault, invalid } from "../fault.ts";
import { MAX_RENDERED_CHARACTERS } from "./limits.ts";
import { engine, INTO_HTML } from "./liquid.ts";
import { ParsedCache } from "./parsedCache.ts";
import { RenderBudget } from "./renderBudget.ts";
import { stepWeight } from "./stepWeight.ts";
import { checkSize, parsedBytes } from "./templateSize.ts";

/** The register where outputs note what they miss. */
const MISSING = "missing";
/** The register of what a rendering may still do, and of how it lets others in. */
const BUDGET = "budget";
const PAUSE = "pause";

/** What begins HTML. Other things in angle brackets (`<ann@example.com>`) are text. */
const ELEMENTS =
  "!doctype a b big blockquote body br center code div em font h1 h2 h3 h4 h5 h6 head hr html i img li ol p pre s small " +
  "span strong style sub sup table tbody td th thead tr tt u ul";
const HTML_TAG = new RegExp(`</?(?:${ELEMENTS.replaceAll(" ", "|")})(?=[\\s/>]|$)`, "i");

/** A template ready to render, and whether its own text (not what variables bring) has HTML in it. */
export interface ParsedTemplate {
  templates: Template[];
  html: boolean;
  /** Memory it takes at most. */
  bytes: number;
}

const kept = new ParsedCache();

/**
 * Parses, or finds what was parsed before. One call is bounded by the limits on a template's size: about 3 ms at most.
 * @throws Fault INVALID with the line, the column and the reason
 */
export function parse(field: string, source: string): ParsedTemplate {
  const known = kept.find(source);
  if (known !== undefined) return known;
  const parsed = parseAnew(field, source);
  kept.keep(source, parsed);
  return parsed;
}

function parseAnew(field: string, source: string): ParsedTemplate {
  try {
    const bytes = parsedBytes(source, checkSize(field, source));
    const templates = engine.parse(source);
    let html = false;
    for (const template of everyTemplate(templates)) {
      if (template.token.kind === TokenKind.HTML) html ||= HTML_TAG.test(template.token.getText());
      count(template);
    }
    return { templates, html, bytes };
  } catch (error) {
    throw explain(field, error);
  }
}

/** These templates and all within them; a list instead of recursion, since whoever nests deeply must not end the stack. */
function everyTemplate(templates: readonly Template[]): Template[] {
  const found = [...templates];
  for (const template of found) {
    // Without partials, `children` has nothing to wait for and returns at its first step.
    const children = template.children?.(false, true).next();
    if (children?.done) found.push(...children.value);
  }
  return found;
}

interface Watched {
  name: string;
  path: (string | number)[];
}

/**
 * The variables of an output that are to be noted when they have no value. LiquidJS can throw at the first missing variable or
 * ignore all; neither lists them. Conditions are not watched: asking whether there is a value is no mistake.
 */
function watchedBy(template: Template): Watched[] {
  const isOutput = template.token.kind === TokenKind.Output || template.constructor === engine.tags.echo;
  const value = isOutput ? [...(template.arguments?.() ?? [])][0] : undefined;
  if (!(value instanceof Value) || value.filters.some((filter) => filter.name === "default")) return [];
  return Object.values(engine.analyzeSync([template], { partials: false }).variables)
    .flat()
    .flatMap((variable) => {
      const path = variable.segments.filter((segment) => typeof segment !== "object");
      // A path with a variable inside (`custom[key]`) is known only while rendering, and left alone.
      return path.length === variable.segments.length ? [{ name: String(variable), path }] : [];
    });
}

/** Makes a template count its work, note what it misses and, in a rendering that pauses, let others in before it renders. */
function count(template: Template): void {
  const render = template.render.bind(template);
  if (template.token.kind === TokenKind.HTML) {
    const { length } = template.token.getText();
    template.render = (context, emitter) => {
      context.memoryLimit.use(length);
      return render(context, emitter);
    };
    return;
  }
  const weight = stepWeight(template);
  // Found when first rendered: it takes most of a parser's time, and who only checks templates never asks.
  let watched: Watched[] | undefined;
  template.render = (context, emitter) => {
    const budget = context.getRegister<RenderBudget>(BUDGET);
    budget.spend(weight);
    watched ??= watchedBy(template);
    for (const { name, path } of watched) {
      if (isBlank(context.getSync(path))) context.getRegister<Set<string>>(MISSING).add(name);
    }
    const mayPause = !context.sync && budget.takesNewSlice();
    return mayPause ? renderAfterPause(render, context, emitter) : render(context, emitter);
  };
}

function* renderAfterPause(
  render: Template["render"],
  context: Context,
  emitter: Emitter,
): Generator<unknown, unknown> {
  yield context.getRegister<() => Promise<void>>(PAUSE)();
  return yield render(context, emitter);
}

function isBlank(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === "string" && value.trim() === "");
}

/** One rendering. `missing` collects the variables that were to be put out and had no value. */
export interface Rendering {
  variables: object;
  intoHtml: boolean;
  missing: Set<string>;
}

/**
 * Renders what was parsed.
 * @throws Fault INVALID when the template asks for too much work, or for something its variables cannot give
 */
export function run(field: string, { templates }: ParsedTemplate, rendering: Rendering): string {
  try {
    return checkLength(field, engine.renderSync(templates, contextOf(rendering, true)));
  } catch (error) {
    throw explain(field, error);
  }
}

/** The same, awaiting `pause` before each slice of its work. */
export async function runInSlices(
  field: string,
  { templates }: ParsedTemplate,
  rendering: Rendering,
  pause: () => Promise<void>,
): Promise<string> {
  const context = contextOf(rendering, false);
  context.setRegister(PAUSE, pause);
  try {
    return checkLength(field, await engine.render(templates, context));
  } catch (error) {
    throw explain(field, error);
  }
}

function contextOf({ variables, intoHtml, missing }: Rendering, sync: boolean): Context {
  const context = new Context(variables, engine.options, { sync }, { liquid: engine });
  const budget = new RenderBudget();
  context.setRegister(INTO_HTML, intoHtml);
  context.setRegister(MISSING, missing);
  context.setRegister(BUDGET, budget);
  // LiquidJS asks its clock before each template, also of an empty loop's body: here that is where steps are counted.
  Object.assign(context.renderLimit, { check: () => budget.spend(1) });
  return context;
}

function checkLength(field: string, text: string): string {
  if (text.length <= MAX_RENDERED_CHARACTERS) return text;
  throw invalid(field, `renders to more than ${MAX_RENDERED_CHARACTERS} characters`);
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

function explain(field: string, error: unknown): Fault {
  if (error instanceof Fault) return error;
  // The stack or a string came to its end.
  if (error instanceof RangeError) return invalid(field, "nested too deeply, or too large");
  if (error instanceof AssertionError) return invalid(field, error.message);
  if (!LiquidError.is(error)) throw error;
  // LiquidJS ends its messages with the place.
  const [, reason = error.message, line, column] = /^(.*), line:(\d+), col:(\d+)$/s.exec(error.message) ?? [];
  return invalid(field, line === undefined ? reason : `line ${line}, column ${column}: ${reason}`);
}
