import { type Template, type Token, Value } from "liquidjs";
import { countWords } from "./templateSize.ts";

/** A branch of `if` and `unless` has a value, one of `case` a list of them. */
interface Branch {
  value?: unknown;
  values?: Token[];
}

/**
 * Words of code that one rendering of this output or tag evaluates; those of the templates within it are theirs. Of a tag with
 * branches all conditions count, since the last one is asked only after the others.
 */
export function stepWeight(template: Template): number {
  const { branches = [] } = template as { branches?: Branch[] };
  const [, ...later] = branches;
  // The first condition of `if` stands in the tag itself; no `when` does.
  const counted = branches[0]?.values ? branches : later;
  return counted.reduce((sum, branch) => sum + branchWeight(branch), countWords(template.token.getText()));
}

function branchWeight({ value, values = [] }: Branch): number {
  if (!(value instanceof Value)) return wordsOf(values);
  const ofFilters = value.filters.map(({ args }) => {
    const tokens = args.flatMap((arg) => (Array.isArray(arg) ? (arg[1] ?? []) : arg));
    return 2 + args.length + wordsOf(tokens);
  });
  return ofFilters.reduce((sum, words) => sum + words, wordsOf(value.initial.postfix));
}

function wordsOf(tokens: readonly Token[]): number {
  return tokens.reduce((sum, token) => sum + 1 + countWords(token.getText()), 0);
}
