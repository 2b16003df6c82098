/** The names of U+00A0 to U+00FF in code order: all entities of HTML 3.2, which editors still write. */
const LATIN_1 =
  "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute micro para " +
  "middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave " +
  "Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc " +
  "Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc " +
  "iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml";

const OTHER_ENTITIES =
  "amp & apos ' gt > lt < quot \" bull • euro € hellip … larr ← ldquo “ lsquo ‘ mdash — ndash – rarr → rdquo ” rsquo ’ " +
  "sbquo ‚ bdquo „ trade ™ OElig Œ oelig œ Scaron Š scaron š";

/** Entities that control line breaks become a space or nothing in plain text. */
const SPACING_ENTITIES: [string, string][] = [
  ["nbsp", " "],
  ["ensp", " "],
  ["emsp", " "],
  ["thinsp", " "],
  ["shy", ""],
  ["zwnj", ""],
  ["zwj", ""],
];

const CHARACTERS_BY_NAME = new Map<string, string>([
  ...LATIN_1.split(" ").map((name, at): [string, string] => [name, String.fromCharCode(0xa0 + at)]),
  ...[...OTHER_ENTITIES.matchAll(/(\S+) (\S+)/g)].map(([, name = "", character = ""]): [string, string] => [
    name,
    character,
  ]),
  ...SPACING_ENTITIES,
]);

/** Decodes `&amp;`, `&#38;` and `&#x26;`; unknown names stay unchanged. */
export function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,8}[1-4]{0,2}));/gi, (entity, decimal, hex, name) => {
    if (name !== undefined) return CHARACTERS_BY_NAME.get(name) ?? CHARACTERS_BY_NAME.get(name.toLowerCase()) ?? entity;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    if (code === 0xa0) return " ";
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : entity;
  });
}
