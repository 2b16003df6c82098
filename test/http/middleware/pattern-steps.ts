// Counts the steps of a backtracking matcher, for the patterns that schemas have: characters and classes with
// a quantifier each, anchors, and a negative lookahead at the start. It throws on others: extend it when a schema needs
// one.

interface Part {
  matches: (letter: string) => boolean;
  least: number;
  most: number;
}

interface Pattern {
  anchored: boolean;
  /** Pattern of a negative lookahead at the start. */
  not: Pattern | null;
  parts: Part[];
  toEnd: boolean;
}

const PART =
  /^(\[(?:\\.|[^\]\\])+\]|\\[a-zA-Z](?:[0-9a-f]{4})?|\\[^a-zA-Z0-9]|[^\\[\](){}?*+|^$])([*+?]|\{\d+(?:,\d*)?\})?/;

function parse(source: string): Pattern {
  let rest = source;
  const anchored = rest.startsWith("^");
  if (anchored) rest = rest.slice(1);
  let not: Pattern | null = null;
  const lookahead = /^\(\?!([^()]*)\)/.exec(rest);
  if (lookahead) {
    not = { ...parse(`^${lookahead[1]}`), anchored: true };
    rest = rest.slice(lookahead[0].length);
  }
  const toEnd = rest.endsWith("$");
  if (toEnd) rest = rest.slice(0, -1);
  const parts: Part[] = [];
  while (rest !== "") {
    const found = PART.exec(rest);
    if (!found) throw new Error(`patternSteps knows no ${rest} in ${source}`);
    const [all, set = "", quantifier = ""] = found;
    const one = new RegExp(`^${set}$`, "s");
    parts.push({ matches: (letter) => one.test(letter), ...boundsOf(quantifier) });
    rest = rest.slice(all.length);
  }
  return { anchored, not, parts, toEnd };
}

function boundsOf(quantifier: string): { least: number; most: number } {
  if (quantifier === "") return { least: 1, most: 1 };
  if (quantifier === "?") return { least: 0, most: 1 };
  if (quantifier === "*" || quantifier === "+")
    return { least: quantifier === "*" ? 0 : 1, most: Number.POSITIVE_INFINITY };
  const [least = "", most] = quantifier.slice(1, -1).split(",");
  return { least: Number(least), most: most === undefined ? Number(least) : Number(most || "Infinity") };
}

/** Returns how often the matcher reads a character of the text until it matches or fails. */
export function countMatchSteps(source: string, text: string): number {
  const pattern = parse(source);
  let steps = 0;

  function matchesFrom({ parts, toEnd }: Pattern, index: number, from: number): boolean {
    const part = parts[index];
    if (!part) return !toEnd || from === text.length;
    let count = 0;
    while (count < part.most && from + count < text.length) {
      steps++;
      if (!part.matches(text[from + count] ?? "")) break;
      count++;
    }
    for (; count >= part.least; count--) {
      steps++;
      if (matchesFrom({ ...pattern, parts, toEnd }, index + 1, from + count)) return true;
    }
    return false;
  }

  const starts = pattern.anchored ? 1 : text.length + 1;
  for (let from = 0; from < starts; from++) {
    if (pattern.not && matchesFrom(pattern.not, 0, from)) continue;
    if (matchesFrom(pattern, 0, from)) break;
  }
  return steps;
}
