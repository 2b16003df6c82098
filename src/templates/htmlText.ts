import { decodeEntities } from "./htmlEntities.ts";

/** A comment, a tag (its slash, its name, its attributes), text, or a `<` that is only a less-than sign. Linear in its input. */
const TOKEN =
  /<!--[\s\S]*?(?:-->|$)|<(\/?)([a-z][a-z0-9:-]*)(?=[\s/>])((?:"[^"]*"|'[^']*'|[^'"<>])*)>|<![^<>]*>|[^<]+|</gi;
const HREF = /\shref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/i;
const ALT = /\salt\s*=\s*(?:"([^"]*)"|'([^']*)')/i;

/** Tags and texts converted between two looks at the network: about 1 ms. */
const SLICE_TOKENS = 1_000;

/** Elements whose content nobody reads. */
const UNSEEN = new Set(["head", "script", "style", "template", "title"]);
const PARAGRAPHS = new Set(["blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "table", "ul"]);
const LINES = new Set(["address", "article", "center", "div", "footer", "header", "li", "section", "tr"]);

/**
 * The plain-text part of an HTML mail: paragraphs apart, list items with a dash, links as `text (address)`, images as their
 * alternative text. Made for bodies that people write, not for pages.
 */
export function htmlToText(html: string): string {
  const work = convert(html);
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** The same, awaiting `pause` between slices. */
export async function htmlToTextInSlices(html: string, pause: () => Promise<void>): Promise<string> {
  const work = convert(html);
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    await pause();
  }
}

/** Yields after each slice of tags and texts; returns the text. */
function* convert(html: string): Generator<undefined, string> {
  // Pieces, joined once: asking one growing string for a link's label copies all of it each time.
  const pieces: string[] = [];
  let unseen: string | null = null;
  let link: { href: string; start: number } | null = null;
  const endLink = () => {
    if (link !== null) pieces.push(address(link.href, pieces.slice(link.start).join("")));
  };

  let tokens = 0;
  for (const [token, slash, tagName, attributes = ""] of html.matchAll(TOKEN)) {
    if (++tokens % SLICE_TOKENS === 0) yield;
    const tag = tagName?.toLowerCase();
    if (unseen !== null) {
      if (slash === "/" && tag === unseen) unseen = null;
    } else if (tag === undefined) {
      if (!token.startsWith("<!")) pieces.push(decodeEntities(token.replace(/[ \t\r\n\f]+/g, " ")));
    } else if (UNSEEN.has(tag)) {
      if (slash === "") unseen = tag;
    } else if (tag === "a") {
      endLink();
      const href = slash === "" ? attribute(HREF, attributes) : null;
      link = href === null ? null : { href, start: pieces.length };
    } else if (tag === "br") pieces.push("\n");
    else if (tag === "hr") pieces.push("\n\n---\n\n");
    else if (tag === "img") pieces.push(attribute(ALT, attributes) ?? "");
    else if (tag === "td" || tag === "th") pieces.push(" ");
    else if (PARAGRAPHS.has(tag)) pieces.push("\n\n");
    else if (LINES.has(tag)) pieces.push(tag === "li" && slash === "" ? "\n- " : "\n");
  }
  endLink();
  return tidy(pieces.join(""));
}

/** Added after a link's text, unless that says it already. Anchors lead nowhere in a mail. */
function address(href: string, label: string): string {
  const bare = href.replace(/^(?:mailto|tel):/i, "");
  if (href === "" || href.startsWith("#") || label.trim() === bare || label.trim() === href) return "";
  return label.trim() === "" ? bare : ` (${bare})`;
}

function attribute(pattern: RegExp, attributes: string): string | null {
  const [, double, single, bare] = pattern.exec(attributes) ?? [];
  const value = double ?? single ?? bare;
  return value === undefined ? null : decodeEntities(value.trim());
}

/** No blanks at the ends of lines, at most one empty line in a row. */
function tidy(text: string): string {
  return text
    .split("\n")
    .map((line) => line.replaceAll(/ {2,}/g, " ").trim())
    .join("\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}
