import { decodeEntities } from "./htmlEntities.ts";

/** A comment, a tag (its slash, its name, its attributes), text, or a `<` that is only a less-than sign. Linear in its input. */
const TOKEN =
  /<!--[\s\S]*?(?:-->|$)|<(\/?)([a-z][a-z0-9:-]*)(?=[\s/>])((?:"[^"]*"|'[^']*'|[^'"<>])*)>|<![^<>]*>|[^<]+|</gi;
const HREF = /\shref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/i;
const ALT = /\salt\s*=\s*(?:"([^"]*)"|'([^']*)')/i;

/** Elements whose content nobody reads. */
const UNSEEN = new Set(["head", "script", "style", "template", "title"]);
const PARAGRAPHS = new Set(["blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "table", "ul"]);
const LINES = new Set(["address", "article", "center", "div", "footer", "header", "li", "section", "tr"]);

/**
 * The plain-text part of an HTML mail: paragraphs apart, list items with a dash, links as `text (address)`, images as their
 * alternative text. Made for bodies that people write, not for pages.
 */
export function htmlToText(html: string): string {
  let text = "";
  let unseen: string | null = null;
  let link: { href: string; start: number } | null = null;

  for (const [token, slash, tagName, attributes = ""] of html.matchAll(TOKEN)) {
    const tag = tagName?.toLowerCase();
    if (unseen !== null) {
      if (slash === "/" && tag === unseen) unseen = null;
    } else if (tag === undefined) {
      if (!token.startsWith("<!")) text += decodeEntities(token.replace(/[ \t\r\n\f]+/g, " "));
    } else if (UNSEEN.has(tag)) {
      if (slash === "") unseen = tag;
    } else if (tag === "a") {
      if (link !== null) text += address(link.href, text.slice(link.start));
      const href = slash === "" ? attribute(HREF, attributes) : null;
      link = href === null ? null : { href, start: text.length };
    } else if (tag === "br") text += "\n";
    else if (tag === "hr") text += "\n\n---\n\n";
    else if (tag === "img") text += attribute(ALT, attributes) ?? "";
    else if (tag === "td" || tag === "th") text += " ";
    else if (PARAGRAPHS.has(tag)) text += "\n\n";
    else if (LINES.has(tag)) text += tag === "li" && slash === "" ? "\n- " : "\n";
  }
  if (link !== null) text += address(link.href, text.slice(link.start));
  return tidy(text);
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
