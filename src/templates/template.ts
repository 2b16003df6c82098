import { freeVariables, parse, type Rendering, run, runInSlices } from "./parsedTemplate.ts";

export type Variables = Readonly<Record<string, unknown>>;
export type Format = "text" | "html";

/**
 * `text` has `\n` at line ends, whole characters, and no control characters but tabs. `missing` are the variables that had no
 * value, or a blank one, where the template puts them out; they render as nothing.
 */
export interface Rendered {
  text: string;
  missing: string[];
}

/**
 * Refuses a template that could not be rendered: wrong syntax, tags or filters that messages do not have (none reads
 * another template), or more text, tags or code than `limits.ts` allows.
 * @throws Fault INVALID naming the field, with line, column and reason
 */
export function checkTemplate(field: string, source: string): void {
  parse(field, source);
}

/**
 * Renders a Liquid template. A variable with a `default` filter is never missing, nor is one that only a condition asks about.
 * In `html` the variables, not the template, are escaped. Dates are UTC.
 * @throws Fault INVALID for a template that `checkTemplate` refuses, or that runs too long or too large
 */
export function renderTemplate(source: string, variables: Variables, format: Format = "text"): Rendered {
  const rendering = renderingOf(variables, format);
  return rendered(run("template", parse("template", source), rendering), rendering);
}

/** The same, awaiting `pause` before each slice of some 2 ms, for whoever renders on behalf of a request. */
export async function renderInSlices(
  source: string,
  variables: Variables,
  format: Format,
  pause: () => Promise<void>,
): Promise<Rendered> {
  const rendering = renderingOf(variables, format);
  await pause();
  const parsed = parse("template", source);
  await pause();
  const text = await runInSlices("template", parsed, rendering, pause);
  await pause();
  return rendered(text, rendering);
}

function renderingOf(variables: Variables, format: Format): Rendering {
  return { variables, intoHtml: format === "html", missing: new Set() };
}

function rendered(text: string, { missing }: Rendering): Rendered {
  return { text: clean(text), missing: [...missing] };
}

function clean(text: string): string {
  return (
    text
      .toWellFormed()
      .replace(/\r\n?|[\u2028\u2029]/g, "\n")
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed.
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "")
  );
}

/** The variables a template refers to, by path (`firstName`, `custom.city`), sorted; not those that it sets itself. */
export function templateVariables(source: string): string[] {
  return freeVariables("template", parse("template", source)).toSorted();
}

/** Whether a body is HTML. Plain text is the better mail: more of it is delivered, and it reads as written by a person. */
export function isHtml(source: string): boolean {
  return parse("template", source).html;
}
