import { AssertionError, Context, type Emitter, LiquidError, type Template, TokenKind, Value } from "liquidjs";
import { AppError, invalid } from "../errors.ts";
import { MAX_RENDERED_CHARACTERS } from "./limits.ts";
import { engine, HTML_REGISTER } from "./liquid.ts";
import { ParsedTemplateCache } from "./parsed-cache.ts";
import { RenderBudget } from "./render-budget.ts";
import { countStepWords } from "./step-weight.ts";
import { assertTemplateSize, estimateParsedBytes } from "./template-size.ts";

/** The register of the variables without a value. */
const MISSING_REGISTER = "missing";
/** The registers of the remaining work of a rendering, and of the function that it awaits between slices. */
const BUDGET_REGISTER = "budget";
const PAUSE_REGISTER = "pause";

/** Elements that make a body HTML. Other text in angle brackets (`<ann@example.com>`) is plain text. */
const HTML_ELEMENTS =
  "!doctype a b big blockquote body br center code div em font h1 h2 h3 h4 h5 h6 head hr html i img li ol p pre s small " +
  "span strong style sub sup table tbody td th thead tr tt u ul";
const HTML_TAG = new RegExp(`</?(?:${HTML_ELEMENTS.replaceAll(" ", "|")})(?=[\\s/>]|$)`, "i");

/** A parsed template. `html`: its own text, without the values of variables, contains HTML. */
export interface ParsedTemplate {
  templates: Template[];
  html: boolean;
  /** Upper bound of its memory. */
  bytes: number;
}

const cache = new ParsedTemplateCache<ParsedTemplate>();

/**
 * Parses a template, or returns it from the cache. The limits on a template's size bound a call to about 3 ms.
 * @throws AppError INVALID with the line, the column and the reason
 */
export function parseTemplate(field: string, source: string): ParsedTemplate {
  const known = cache.get(source);
  if (known !== undefined) return known;
  const parsed = parseUncached(field, source);
  cache.set(source, parsed);
  return parsed;
}

function parseUncached(field: string, source: string): ParsedTemplate {
  try {
    const bytes = estimateParsedBytes(source, assertTemplateSize(field, source));
    const templates = engine.parse(source);
    let html = false;
    for (const template of flattenTemplates(templates)) {
      if (template.token.kind === TokenKind.HTML) html ||= HTML_TAG.test(template.token.getText());
      instrument(template);
    }
    return { templates, html, bytes };
  } catch (error) {
    throw toAppError(field, error);
  }
}

/** Lists these templates and all nested ones; a loop instead of recursion, so that deep nesting cannot overflow the stack. */
function flattenTemplates(templates: readonly Template[]): Template[] {
  const found = [...templates];
  for (const template of found) {
    // Without partials, the generator of `children` is synchronous and returns at its first step.
    const children = template.children?.(false, true).next();
    if (children?.done) found.push(...children.value);
  }
  return found;
}

interface WatchedVariable {
  name: string;
  path: (string | number)[];
}

/**
 * Finds the variables of an output that are recorded when they have no value. LiquidJS can throw at the first missing variable or
 * ignore all, but cannot list them. Conditions are not watched: a test for a missing value is no mistake.
 */
function findWatched(template: Template): WatchedVariable[] {
  const isOutput = template.token.kind === TokenKind.Output || template.constructor === engine.tags.echo;
  const value = isOutput ? [...(template.arguments?.() ?? [])][0] : undefined;
  if (!(value instanceof Value) || value.filters.some((filter) => filter.name === "default")) return [];
  return Object.values(engine.analyzeSync([template], { partials: false }).variables)
    .flat()
    .flatMap((variable) => {
      const path = variable.segments.filter((segment) => typeof segment !== "object");
      // A path that contains a variable (`custom[key]`) is known only while rendering, and skipped.
      return path.length === variable.segments.length ? [{ name: String(variable), path }] : [];
    });
}

/** Wraps a template's rendering: counts its work, records missing variables and, in an asynchronous rendering, pauses between slices. */
function instrument(template: Template): void {
  const render = template.render.bind(template);
  if (template.token.kind === TokenKind.HTML) {
    const { length } = template.token.getText();
    template.render = (context, emitter) => {
      context.memoryLimit.use(length);
      return render(context, emitter);
    };
    return;
  }
  const weight = countStepWords(template);
  // Computed when first rendered: it would take most of the parsing time, and is not needed to check a template.
  let watched: WatchedVariable[] | undefined;
  template.render = (context, emitter) => {
    const budget = context.getRegister<RenderBudget>(BUDGET_REGISTER);
    budget.spend(weight);
    watched ??= findWatched(template);
    for (const { name, path } of watched) {
      if (isBlank(context.getSync(path))) context.getRegister<Set<string>>(MISSING_REGISTER).add(name);
    }
    const mayPause = !context.sync && budget.shouldPause();
    return mayPause ? renderAfterPause(render, context, emitter) : render(context, emitter);
  };
}

function* renderAfterPause(
  render: Template["render"],
  context: Context,
  emitter: Emitter,
): Generator<unknown, unknown> {
  yield context.getRegister<() => Promise<void>>(PAUSE_REGISTER)();
  return yield render(context, emitter);
}

function isBlank(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === "string" && value.trim() === "");
}

/** The input of one rendering. `missing` collects the variables that are output without a value. */
export interface Rendering {
  variables: object;
  intoHtml: boolean;
  missing: Set<string>;
}

/**
 * Renders a parsed template.
 * @throws AppError INVALID when the template takes too much work, or fails on the values of its variables
 */
export function renderParsed(field: string, { templates }: ParsedTemplate, rendering: Rendering): string {
  try {
    return assertLength(field, engine.renderSync(templates, createContext(rendering, true)));
  } catch (error) {
    throw toAppError(field, error);
  }
}

/** Does the same as `renderParsed`, awaiting `pause` before each slice of its work. */
export async function renderParsedInSlices(
  field: string,
  { templates }: ParsedTemplate,
  rendering: Rendering,
  pause: () => Promise<void>,
): Promise<string> {
  const context = createContext(rendering, false);
  context.setRegister(PAUSE_REGISTER, pause);
  try {
    return assertLength(field, await engine.render(templates, context));
  } catch (error) {
    throw toAppError(field, error);
  }
}

function createContext({ variables, intoHtml, missing }: Rendering, sync: boolean): Context {
  const context = new Context(variables, engine.options, { sync }, { liquid: engine });
  const budget = new RenderBudget();
  context.setRegister(HTML_REGISTER, intoHtml);
  context.setRegister(MISSING_REGISTER, missing);
  context.setRegister(BUDGET_REGISTER, budget);
  // LiquidJS checks its time limit before each template, also in an empty loop's body, so steps are counted there.
  Object.assign(context.renderLimit, { check: () => budget.spend(1) });
  return context;
}

function assertLength(field: string, text: string): string {
  if (text.length <= MAX_RENDERED_CHARACTERS) return text;
  throw invalid(field, `renders to more than ${MAX_RENDERED_CHARACTERS} characters`);
}

function toAppError(field: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  // A stack overflow, or a string that is too long.
  if (error instanceof RangeError) return invalid(field, "nested too deeply, or too large");
  if (error instanceof AssertionError) return invalid(field, error.message);
  if (!LiquidError.is(error)) throw error;
  // LiquidJS ends its messages with the position.
  const [, reason = error.message, line, column] = /^(.*), line:(\d+), col:(\d+)$/s.exec(error.message) ?? [];
  return invalid(field, line === undefined ? reason : `line ${line}, column ${column}: ${reason}`);
}
