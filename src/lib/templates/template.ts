import { parseTemplate, type Rendering, renderParsed, renderParsedInSlices } from "./parsed-template.ts";

export type Variables = Readonly<Record<string, unknown>>;
export type Format = "text" | "html";

/**
 * `text` has `\n` line ends, well-formed characters, and no control characters but tabs. `missing` lists the variables that the
 * template outputs and that had no value or a blank one; they render as nothing.
 */
export interface RenderedTemplate {
  text: string;
  missing: string[];
}

/**
 * Asserts that a template can be rendered: valid syntax, only tags and filters that are allowed in messages, and no more text,
 * tags or code than `limits.ts` allows.
 * @throws AppError INVALID naming the field, with line, column and reason
 */
export function assertTemplate(field: string, source: string): void {
  parseTemplate(field, source);
}

/**
 * Renders a Liquid template. A variable with a `default` filter is never missing, nor is one that only a condition uses.
 * In `html` the variables, not the template, are escaped. Dates are UTC.
 * @throws AppError INVALID for a template that `assertTemplate` refuses, or whose rendering takes too much work or output
 */
export function renderTemplate(source: string, variables: Variables, format: Format = "text"): RenderedTemplate {
  const rendering = createRendering(variables, format);
  return toRendered(renderParsed("template", parseTemplate("template", source), rendering), rendering);
}

/** Does the same as `renderTemplate`, awaiting `pause` before each slice of some 2 ms: for renderings in a request. */
export async function renderInSlices(
  source: string,
  variables: Variables,
  format: Format,
  pause: () => Promise<void>,
): Promise<RenderedTemplate> {
  const rendering = createRendering(variables, format);
  await pause();
  const parsed = parseTemplate("template", source);
  await pause();
  const text = await renderParsedInSlices("template", parsed, rendering, pause);
  await pause();
  return toRendered(text, rendering);
}

function createRendering(variables: Variables, format: Format): Rendering {
  return { variables, intoHtml: format === "html", missing: new Set() };
}

function toRendered(text: string, { missing }: Rendering): RenderedTemplate {
  return { text: stripControlCharacters(text), missing: [...missing] };
}

function stripControlCharacters(text: string): string {
  return (
    text
      .toWellFormed()
      .replace(/\r\n?|[\u2028\u2029]/g, "\n")
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed.
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "")
  );
}

/** Returns whether a body is HTML. Plain text is delivered more reliably and reads as written by a person. */
export function isHtml(source: string): boolean {
  return parseTemplate("template", source).html;
}
