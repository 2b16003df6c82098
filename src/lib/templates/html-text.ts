import { decodeEntities } from "./html-entities.ts";

/** A comment, a tag (slash, name, attributes), text, or a literal `<`. Matches in linear time. */
const HTML_TOKEN =
  /<!--[\s\S]*?(?:-->|$)|<(\/?)([a-z][a-z0-9:-]*)(?=[\s/>])((?:"[^"]*"|'[^']*'|[^'"<>])*)>|<![^<>]*>|[^<]+|</gi;
const HREF_ATTRIBUTE = /\shref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/i;
const ALT_ATTRIBUTE = /\salt\s*=\s*(?:"([^"]*)"|'([^']*)')/i;

/** Tags and texts converted between two yields to the event loop: about 1 ms. */
const TOKENS_PER_SLICE = 1_000;

/** Elements whose content is not displayed. */
const HIDDEN_ELEMENTS = new Set(["head", "script", "style", "template", "title"]);
const PARAGRAPH_ELEMENTS = new Set(["blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "table", "ul"]);
const LINE_ELEMENTS = new Set(["address", "article", "center", "div", "footer", "header", "li", "section", "tr"]);

/**
 * Converts an HTML mail to its plain-text part: an empty line between paragraphs, list items with a dash, links as
 * `text (address)`, images as their alternative text. Meant for mail bodies, not for web pages.
 */
export function htmlToText(html: string): string {
  const work = convertHtml(html);
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** Does the same as `htmlToText`, awaiting `pause` between slices. */
export async function htmlToTextInSlices(html: string, pause: () => Promise<void>): Promise<string> {
  const work = convertHtml(html);
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
    await pause();
  }
}

/** Yields after each slice of tags and texts; returns the text. */
function* convertHtml(html: string): Generator<undefined, string> {
  // Pieces that are joined once: slicing one growing string for a link's label would copy all of it each time.
  const pieces: string[] = [];
  let hidden: string | null = null;
  let link: { href: string; start: number } | null = null;
  const endLink = () => {
    if (link !== null) pieces.push(formatLinkAddress(link.href, pieces.slice(link.start).join("")));
  };

  let tokens = 0;
  for (const [token, slash, tagName, attributes = ""] of html.matchAll(HTML_TOKEN)) {
    if (++tokens % TOKENS_PER_SLICE === 0) yield;
    const tag = tagName?.toLowerCase();
    if (hidden !== null) {
      if (slash === "/" && tag === hidden) hidden = null;
    } else if (tag === undefined) {
      if (!token.startsWith("<!")) pieces.push(decodeEntities(token.replace(/[ \t\r\n\f]+/g, " ")));
    } else if (HIDDEN_ELEMENTS.has(tag)) {
      if (slash === "") hidden = tag;
    } else if (tag === "a") {
      endLink();
      const href = slash === "" ? getAttribute(HREF_ATTRIBUTE, attributes) : null;
      link = href === null ? null : { href, start: pieces.length };
    } else if (tag === "br") pieces.push("\n");
    else if (tag === "hr") pieces.push("\n\n---\n\n");
    else if (tag === "img") pieces.push(getAttribute(ALT_ATTRIBUTE, attributes) ?? "");
    else if (tag === "td" || tag === "th") pieces.push(" ");
    else if (PARAGRAPH_ELEMENTS.has(tag)) pieces.push("\n\n");
    else if (LINE_ELEMENTS.has(tag)) pieces.push(tag === "li" && slash === "" ? "\n- " : "\n");
  }
  endLink();
  return collapseSpace(pieces.join(""));
}

/** Formats the address after a link's text; "" when the text is the address already, and for anchors. */
function formatLinkAddress(href: string, label: string): string {
  const bare = href.replace(/^(?:mailto|tel):/i, "");
  if (href === "" || href.startsWith("#") || label.trim() === bare || label.trim() === href) return "";
  return label.trim() === "" ? bare : ` (${bare})`;
}

function getAttribute(pattern: RegExp, attributes: string): string | null {
  const [, double, single, bare] = pattern.exec(attributes) ?? [];
  const value = double ?? single ?? bare;
  return value === undefined ? null : decodeEntities(value.trim());
}

/** Trims lines and collapses runs of spaces and of empty lines. */
function collapseSpace(text: string): string {
  return text
    .split("\n")
    .map((line) => line.replaceAll(/ {2,}/g, " ").trim())
    .join("\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}
